import type { GaugeEvidence, SliEvidence, VerdictKind } from '@wavegate/fleet';
import type { Tone } from './paint.js';

const TONES: Readonly<Record<VerdictKind, Tone>> = {
  ...{ promote: 'good', hold: 'warn', inconclusive: 'warn', rollback: 'bad' },
};
const STATES: Readonly<Record<SliEvidence['state'], string>> = {
  good: 'no worse than before',
  burning: 'burns its error budget',
  worse: 'worse than before',
  unproven: 'not proven yet',
  noData: 'no data',
  noBaseline: 'no past to compare with',
  noControls: 'no peers to compare with',
  tooFew: 'too few events',
};

/** Words of a newer hub are shown as they are. */
export const toneOf = (kind: string): Tone => TONES[kind as VerdictKind] ?? 'warn';
export const stateWords = (state: string): string => STATES[state as SliEvidence['state']] ?? state;

const GAUGE_STATES: Readonly<Record<GaugeEvidence['state'], string>> = {
  same: 'as before',
  higher: 'higher than before',
  lower: 'lower than before',
  tooFew: 'too few samples to compare (50 on each side)',
};

/** Three digits are enough for a screen: 412000000, 0.0123. */
export const shortNumber = (value: number): string => String(Number(value.toPrecision(3)));

/** One gauge of a verdict, from the judge or from the hub. */
export function gaugeText({
  name,
  state,
  before,
  now,
  p,
}: Pick<GaugeEvidence, 'name' | 'before' | 'now' | 'p'> & { readonly state: string }): string {
  const chance = state === 'tooFew' ? '' : `, p ${p < 0.001 ? '< 0.001' : shortNumber(p)}`;
  const words = GAUGE_STATES[state as GaugeEvidence['state']] ?? state;
  return `${name} (gauge, never decisive): ${words}; mean ${shortNumber(before)} before, ${shortNumber(now)} since${chance}`;
}

export const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

/** What the columns need, from the judge or from the hub. */
interface Numbers {
  readonly periods: number;
  readonly total: number;
  readonly missing: number;
  readonly comparison?: {
    readonly before: number;
    readonly now: number;
    readonly atMost: number;
    readonly allowed: number;
    readonly evidence: number;
    readonly evidenceNeeded: number;
  } | null;
}

export const NUMBER_TITLES = ['BAD BEFORE', 'BAD SINCE', 'AT MOST', 'ALLOWED', 'EVIDENCE', 'EVENTS', 'MISSING'];

/** Without events since the change there is no share of bad ones: a dash, not 0 %. */
export function numberCells({ comparison, total, missing, periods }: Numbers): string[] {
  const seen = [String(Math.round(total)), missing === 0 ? '0' : `${missing} of ${periods}`];
  if (!comparison) return ['–', '–', '–', '–', '–', ...seen];
  const { before, now, atMost, allowed, evidence, evidenceNeeded } = comparison;
  if (total === 0) return [percent(before), '–', '–', percent(allowed), '–', ...seen];
  const weighed = `${short(evidence)} of ${short(evidenceNeeded)}`;
  return [percent(before), percent(now), percent(atMost), percent(allowed), weighed, ...seen];
}

function short(value: number): string {
  if (value >= 1e6) return '>1000000';
  return String(value >= 100 ? Math.round(value) : Number(value.toPrecision(2)));
}
