import { durationMs, type ControlSamples, type GaugeSamples, type Series, type SliSamples } from '@wavegate/fleet';
import { isMisspelt } from './misspelt-field.js';
import { DEFAULT_POLICY, type JudgeInput, type JudgePolicy } from './judge-input.js';
import { believable } from './sample-series.js';

/** What is wrong with a file of series: where, and what would be right. */
export interface SeriesProblem {
  /** Keys and indexes from the top: ["slis", 0, "after", 7]. */
  readonly path: readonly (string | number)[];
  readonly detail: string;
}

/** Recorded series and how to judge them, as an SRE writes them down. `notes` tell what was not believed, or not read. */
export interface ReadSeries {
  readonly input: Omit<JudgeInput, 'elapsedMs'>;
  readonly notes: readonly SeriesProblem[];
}

type Path = SeriesProblem['path'];
type Fields = Readonly<Record<string, unknown>>;

/** A metrics source gives impossible counts where a counter was reset: live they are missing. Where most are, the file is wrong. */
const MOST_IMPOSSIBLE = 0.5;
/** More problems than this help nobody: what is wrong in every sample is wrong in the way the file was made. */
const MOST_PROBLEMS = 20;
const FILE_FIELDS = ['periodSeconds', 'slis', 'policy', 'disruptionSeconds', 'gauges'];
const SLI_FIELDS = ['name', 'objective', 'decisive', 'baseline', 'after', 'controls', 'weeks'];
const GAUGE_FIELDS = ['name', 'baseline', 'after', 'perPeriod'];
/** What the evidence of a verdict has beside the samples: leaving it out would change the verdict. */
const EVIDENCE_FIELDS = ['gates', 'objectives', 'input', 'samplesHash'];
const OF_EVIDENCE =
  'is a field of the evidence of a verdict; wavegate verdict recompute judges it again; write samples here, without gates';
const POLICY_WORDS: Readonly<Record<string, readonly string[]>> = {
  onRegression: ['hold', 'rollback'],
  onBurn: ['hold', 'rollback'],
  withoutControls: ['judge', 'hold'],
};
/** Policy field → the policy's own name for it, in milliseconds. */
const POLICY_TIMES = { minSoak: 'minSoakMs', window: 'maxSoakMs', allowance: 'allowanceMs' } as const;
/** Policy field → exclusive lower and inclusive upper limit. */
const POLICY_NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  ...{ alpha: [0, 0.5], promoteAlpha: [0, 0.5], consumedLimit: [0, 1], fastBurn: [0, 1e6], minEvents: [0, 1e12] },
  ...{ leastRatio: [0, 1e6], leastShift: [-1e-9, 1e6], margin: [0, 1e6], minBaseline: [2, 1e6] },
};
const LEAST_PERIODS = { minSoakMs: 5, maxSoakMs: 30 } as const;

/**
 * Reads one object of the offline format:
 * `{ periodSeconds, slis: [{ name, objective, decisive, baseline, after, controls, weeks }], policy }`. Either everything is
 * right, or every problem found is told.
 */
export function readSeries(value: unknown): ReadSeries | { readonly problems: readonly SeriesProblem[] } {
  const reader = new SeriesReader();
  const input = reader.file(value);
  return reader.problems.length > 0 || !input ? { problems: reader.problems } : { input, notes: reader.notes };
}

class SeriesReader {
  readonly problems: SeriesProblem[] = [];
  readonly notes: SeriesProblem[] = [];

  file(value: unknown): ReadSeries['input'] | null {
    const fields = this.object(value, [], FILE_FIELDS, 'ignored');
    if (!fields) return null;
    const periodMs = this.number(fields, ['periodSeconds'], [0, 86_400 * 7], '60') * 1000;
    const slis = this.list(fields['slis'], ['slis'], 'a list of at least one SLI');
    if (slis?.length === 0) this.problem(['slis'], 'is empty; write at least one SLI');
    const read = (slis ?? []).flatMap((sli, at) => this.sli(sli, ['slis', at]) ?? []);
    this.checkTogether(read, slis?.length ?? 0);
    const disruptionSeconds = this.disruption(fields['disruptionSeconds'], periodMs / 1000);
    const gauges = this.gauges(fields['gauges']);
    const input = { slis: read, gates: [], policy: this.policy(fields['policy'], periodMs) };
    const more = { ...(disruptionSeconds ? { disruptionSeconds } : {}), ...(gauges.length > 0 ? { gauges } : {}) };
    return { ...input, ...more };
  }

  /** Measured, not counted: compared and shown, never decisive. */
  private gauges(value: unknown): readonly GaugeSamples[] {
    if (isLeftOut(value)) return [];
    const list = this.list(value, ['gauges'], 'a list of { "name": …, "baseline": […], "after": […] }') ?? [];
    return list.flatMap((gauge, at) => {
      const path = ['gauges', at];
      const fields = this.object(gauge, path, GAUGE_FIELDS, 'ignored');
      if (!fields) return [];
      const name = this.name(fields['name'], [...path, 'name']);
      const [baseline, after] = [
        this.levels(fields['baseline'], [...path, 'baseline']),
        this.levels(fields['after'], [...path, 'after']),
      ];
      const { perPeriod } = fields;
      if (isLeftOut(perPeriod)) return [{ name, baseline, after }];
      if (typeof perPeriod === 'number' && Number.isInteger(perPeriod) && perPeriod >= 1 && perPeriod <= 3600)
        return [{ name, baseline, after, perPeriod }];
      this.problem([...path, 'perPeriod'], `${isA(perPeriod)}; write how many samples a period has, such as 4`);
      return [];
    });
  }

  private levels(value: unknown, path: Path): readonly (number | null)[] {
    const list = this.list(value, path, 'a list of numbers or null, oldest first') ?? [];
    return list.map((level, at) => {
      if (level === null || typeof level === 'number') return level;
      this.problem([...path, at], `${isA(level)}; write a number, or null for no sample`);
      return null;
    });
  }

  /** What a probe saw down: seconds of each period, null where it did not look. */
  private disruption(value: unknown, most: number): readonly (number | null)[] | null {
    if (isLeftOut(value)) return null;
    const path = ['disruptionSeconds'];
    const list =
      this.list(value, path, 'a list with the seconds that a probe saw down in each period of "after"') ?? [];
    return list.map((seconds, at) => {
      if (seconds === null || (typeof seconds === 'number' && seconds >= 0 && seconds <= most)) return seconds;
      const right = `write seconds from 0 to ${most}, the length of a period, or null where nobody looked`;
      this.problem([...path, at], `${isA(seconds)}; ${right}`);
      return null;
    });
  }

  private checkTogether(slis: readonly SliSamples[], written: number): void {
    const names = slis.map(({ name }) => name);
    const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
    if (twice >= 0) this.problem(['slis', twice, 'name'], `"${names[twice]}" is there twice; names are unique`);
    if (slis.length === written && written > 0 && slis.every(({ decisive }) => !decisive)) {
      this.problem(['slis'], 'has no decisive SLI, so nothing could be judged; set "decisive": true on one');
    }
  }

  private sli(value: unknown, path: Path): SliSamples | null {
    const fields = this.object(value, path, SLI_FIELDS, 'ignored');
    if (!fields) return null;
    const name = this.name(fields['name'], [...path, 'name']);
    const objective = this.objective(fields['objective'], [...path, 'objective']);
    const decisive = this.decisive(fields['decisive'], [...path, 'decisive']);
    const baseline = this.series(fields['baseline'], [...path, 'baseline']);
    const after = this.series(fields['after'], [...path, 'after']);
    if (after?.length === 0) this.problem([...path, 'after'], 'is empty; write a sample or null for each period');
    const controls = this.controls(fields['controls'], [...path, 'controls']);
    const weeks = this.controls(fields['weeks'], [...path, 'weeks']);
    if (!baseline || !after) return null;
    const read = { name, objective, decisive, baseline, after };
    return { ...read, ...(controls ? { controls } : {}), ...(weeks ? { weeks } : {}) };
  }

  private name(value: unknown, path: Path): string {
    if (typeof value === 'string' && value !== '') return value;
    this.problem(path, `${isA(value)}; write a name in quotes`);
    return '';
  }

  private decisive(value: unknown, path: Path): boolean {
    if (isLeftOut(value)) return true;
    if (typeof value === 'boolean') return value;
    this.problem(path, `${isA(value)}; write true or false`);
    return true;
  }

  private controls(value: unknown, path: Path): readonly ControlSamples[] | null {
    if (isLeftOut(value)) return null;
    const list = this.list(value, path, 'a list of { "baseline": […], "after": […] }') ?? [];
    return list.flatMap((control, at) => {
      const fields = this.object(control, [...path, at], ['baseline', 'after']);
      if (!fields) return [];
      const baseline = this.series(fields['baseline'], [...path, at, 'baseline']);
      const after = this.series(fields['after'], [...path, at, 'after']);
      return baseline && after ? [{ baseline, after }] : [];
    });
  }

  private objective(value: unknown, path: Path): number {
    if (typeof value === 'number' && value > 0 && value < 1) return value;
    const share =
      typeof value === 'number' && value > 1 && value < 100 ? `, here ${Number((value / 100).toPrecision(9))}` : '';
    const never = value === 1 || value === 100 ? ': 100 % leaves no budget to judge by' : '';
    this.problem(
      path,
      `${isA(value)}${never}; write the share of good events between 0 and 1${share || ', such as 0.999'}`,
    );
    return Number.NaN;
  }

  /** Samples, those that cannot be made null; told as a problem where there are so many that the file must be wrong. */
  private series(value: unknown, path: Path): Series | null {
    const list = this.list(value, path, 'a list of [bad, total] or null, oldest first');
    if (!list) return null;
    const impossible: SeriesProblem[] = [];
    const read = list.map((sample, at) => {
      const pair = this.pair(sample, [...path, at]);
      if (!pair || believable(pair)) return pair;
      impossible.push({ path: [...path, at], detail: whyImpossible(pair) });
      return null;
    });
    const samples = list.filter((sample) => sample !== null).length;
    const wrong = impossible.length > MOST_IMPOSSIBLE * samples;
    if (wrong) impossible.slice(0, 3).forEach((one) => this.problem(one.path, one.detail));
    else for (const one of impossible) this.notes.push({ ...one, detail: `${one.detail}; counted as no sample` });
    return read;
  }

  private pair(value: unknown, path: Path): readonly [number, number] | null {
    if (value === null) return null;
    if (Array.isArray(value) && value.length === 2) {
      const [bad, total] = value as readonly unknown[];
      if (isCount(bad) && isCount(total)) return [bad, total];
      if (typeof bad === 'number' && typeof total === 'number') {
        const most = Number.MAX_SAFE_INTEGER;
        this.problem(
          path,
          `${isA(value)}; counts of events beyond ${most} are not told apart: write those of one period`,
        );
        return null;
      }
    }
    this.problem(path, `${isA(value)}; write two numbers [bad, total], or null for no sample`);
    return null;
  }

  private policy(value: unknown, periodMs: number): JudgePolicy {
    const defaults = { ...DEFAULT_POLICY, periodMs };
    // Long periods: the default times would be fewer periods than anything can be judged in.
    const scaled = {
      ...defaults,
      minSoakMs: Math.max(defaults.minSoakMs, LEAST_PERIODS.minSoakMs * periodMs),
      maxSoakMs: Math.max(defaults.maxSoakMs, LEAST_PERIODS.maxSoakMs * periodMs),
    };
    if (isLeftOut(value)) return scaled;
    const known = [...Object.keys(POLICY_WORDS), ...Object.keys(POLICY_TIMES), ...Object.keys(POLICY_NUMBERS)];
    const given = this.object(value, ['policy'], known) ?? {};
    const fields = Object.fromEntries(Object.entries(given).filter(([, one]) => one !== null));
    const policy = { ...scaled, ...this.words(fields), ...this.numbers(fields), ...this.times(fields) };
    this.checkTimes(policy);
    return policy;
  }

  private words(fields: Fields): Partial<JudgePolicy> {
    const wrong = Object.entries(POLICY_WORDS).flatMap(([name, words]) =>
      fields[name] === undefined || words.some((word) => word === fields[name]) ? [] : [{ name, words }],
    );
    wrong.forEach(({ name, words }) =>
      this.problem(['policy', name], `${isA(fields[name])}; write ${words.map((word) => `"${word}"`).join(' or ')}`),
    );
    return Object.fromEntries(
      Object.keys(POLICY_WORDS).flatMap((name) => (name in fields ? [[name, fields[name]]] : [])),
    );
  }

  private numbers(fields: Fields): Partial<JudgePolicy> {
    const read = Object.entries(POLICY_NUMBERS).flatMap(([name, range]) => {
      if (fields[name] === undefined) return [];
      const usual = String(DEFAULT_POLICY[name as keyof JudgePolicy]);
      return [[name, this.number({ [name]: fields[name] }, ['policy', name], range, usual)]];
    });
    return Object.fromEntries(read) as Partial<JudgePolicy>;
  }

  private times(fields: Fields): Partial<JudgePolicy> {
    const read = Object.entries(POLICY_TIMES).flatMap(([name, own]) => {
      if (fields[name] === undefined) return [];
      const ms = timeOf(fields[name]);
      if (ms === null)
        this.problem(['policy', name], `${isA(fields[name])}; write a duration such as "5m", or seconds`);
      return [[own, ms ?? 0]];
    });
    return Object.fromEntries(read) as Partial<JudgePolicy>;
  }

  private checkTimes({ minSoakMs, maxSoakMs, periodMs }: JudgePolicy): void {
    const seconds = (ms: number): string => `${ms / 1000} s`;
    if (maxSoakMs < periodMs) {
      const detail = `is ${seconds(maxSoakMs)}, shorter than one period (${seconds(periodMs)}); nothing could be judged`;
      this.problem(['policy', 'window'], `${detail}, write at least ${seconds(periodMs * LEAST_PERIODS.minSoakMs)}`);
    }
    if (!(minSoakMs > maxSoakMs)) return;
    const detail = `is ${seconds(minSoakMs)}, longer than the window (${seconds(maxSoakMs)}): nothing could ever be promoted`;
    this.problem(['policy', 'minSoak'], `${detail}; write a longer "window" too`);
  }

  /** Fields that are not known: refused, or where much may stand beside what is judged, ignored unless one is misspelt. */
  private object(
    value: unknown,
    path: Path,
    known: readonly string[],
    others: 'refused' | 'ignored' = 'refused',
  ): Fields | null {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.problem(path, `${isA(value)}; write an object with ${known.join(', ')}`);
      return null;
    }
    const unknown = Object.keys(value).filter((key) => !known.includes(key));
    for (const key of unknown) {
      const detail = `is not a field here; known are ${known.join(', ')}`;
      if (others === 'ignored' && EVIDENCE_FIELDS.includes(key)) this.problem([...path, key], OF_EVIDENCE);
      else if (others === 'refused' || isMisspelt(key, known)) this.problem([...path, key], detail);
      else this.notes.push({ path: [...path, key], detail: `${detail}; it is ignored` });
    }
    return value as Fields;
  }

  private list(value: unknown, path: Path, right: string): readonly unknown[] | null {
    if (Array.isArray(value)) return value;
    this.problem(path, `${isA(value)}; write ${right}`);
    return null;
  }

  private number(fields: Fields, path: Path, [above, most]: readonly [number, number], usual: string): number {
    const value = fields[String(path.at(-1))];
    if (typeof value === 'number' && value > above && value <= most) return value;
    this.problem(path, `${isA(value)}; write a number above ${Math.max(0, above)} and up to ${most}, such as ${usual}`);
    return Number.NaN;
  }

  private problem(path: Path, detail: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ path, detail });
  }
}

/** Exporters write null for what they do not have. */
const isLeftOut = (value: unknown): value is null | undefined => value === undefined || value === null;

/** A number of events, as far as numbers can tell them apart; below 0 is a counter's reset, and looked at elsewhere. */
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;

function whyImpossible([bad, total]: readonly [number, number]): string {
  const counts = `is [${bad}, ${total}]`;
  if (bad < 0 || total < 0) return `${counts}: a count below 0 (a counter reset?); write null, or what was counted`;
  return `${counts}: more bad than all; pairs are [bad, total] (swapped, or a counter reset?); write null where there is no sample`;
}

/** "is missing", "is "abc"": the beginning of a sentence about a field. */
function isA(value: unknown): string {
  if (value === undefined) return 'is missing';
  const text = JSON.stringify(value) ?? String(value);
  return `is ${text.length > 40 ? `${text.slice(0, 39)}…` : text}`;
}

function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * 1000 : null;
  if (typeof value !== 'string' || !/^\d+(ms|s|m|h|d)$/.test(value)) return null;
  return durationMs(value);
}
