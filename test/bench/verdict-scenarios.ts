import type { JudgePolicy } from '@wavegate/analysis';
import type { ControlSamples, Series, SliSamples } from '@wavegate/fleet';
import type { VerdictRandom } from './verdict-random.js';

const BASELINE = 60;
const AFTER = 30;

/** One simulated cluster: what the judge is given. */
export interface Drawn {
  readonly sli: SliSamples;
  readonly policy?: Partial<JudgePolicy>;
  /** What the agent's own probe saw down, in seconds of each period. */
  readonly disruptionSeconds?: readonly (number | null)[];
}

export interface Scenario {
  readonly name: string;
  /** healthy: a stop is false. harmed: a stop is right. blind: a promotion is wrong. limit: what the judge is known to get wrong. */
  readonly truth: 'healthy' | 'harmed' | 'blind' | 'limit';
  /** Counts for "5× at 600 events a period and more". */
  readonly fivefold?: boolean;
  readonly draw: (random: VerdictRandom) => Drawn;
}

/** What traffic and errors look like. */
interface Shape {
  readonly n: number;
  readonly p: number;
  readonly phi: number;
}

/** Factor on the bad share in period t, counted from the change; the baseline is t < 0. */
type Course = (t: number) => number;
type Sample = readonly [number, number];

const steady: Course = () => 1;
const times =
  (factor: number, from = 0): Course =>
  (t) =>
    t >= from ? factor : 1;

/** The rows of the design's table (reference C3). */
const SHAPES: readonly Shape[] = [
  { n: 600, p: 0.002, phi: 1 },
  { n: 600, p: 0.002, phi: 5 },
  { n: 60, p: 0.005, phi: 1 },
  { n: 60, p: 0.005, phi: 5 },
  { n: 6000, p: 0.001, phi: 1 },
  { n: 6000, p: 0.001, phi: 5 },
];

const label = ({ n, p, phi }: Shape): string => `n=${n} p=${Number((p * 100).toPrecision(2))}% φ=${phi}`;

function samples(random: VerdictRandom, shape: Shape, course: Course, range: readonly [number, number]): Sample[] {
  return Array.from({ length: range[1] - range[0] }, (_, i) => {
    const t = range[0] + i;
    const total = random.poisson(shape.n);
    return [random.bad(total, Math.min(1, shape.p * course(t)), shape.phi), total] as const;
  });
}

function sli(baseline: Series, after: Series, more: Partial<SliSamples> = {}): SliSamples {
  return { name: 'availability', objective: 0.999, decisive: true, baseline, after, ...more };
}

function draw(shape: Shape, course: Course, more: Partial<SliSamples> = {}): Scenario['draw'] {
  return (random) => ({
    sli: sli(samples(random, shape, course, [-BASELINE, 0]), samples(random, shape, course, [0, AFTER]), more),
  });
}

const everyShape = (what: string, truth: Scenario['truth'], course: Course): Scenario[] =>
  SHAPES.map((shape) => ({ name: `${what}  ${label(shape)}`, truth, draw: draw(shape, course) }));

const USUAL: Shape = { n: 600, p: 0.001, phi: 1 };
const BURSTY: Shape = { n: 6000, p: 0.001, phi: 3 };
const BUSY: Shape = { n: 6000, p: 0.0005, phi: 2 };

const HEALTHY: readonly Scenario[] = [
  ...everyShape('healthy', 'healthy', steady),
  { name: 'healthy  n=600 p=0.01% φ=1', truth: 'healthy', draw: draw({ n: 600, p: 0.0001, phi: 1 }, steady) },
  { name: 'healthy  no errors at all, n=600', truth: 'healthy', draw: draw({ n: 600, p: 0, phi: 1 }, steady) },
  { name: 'healthy  n=60000 p=0.02% φ=3', truth: 'healthy', draw: draw({ n: 60_000, p: 0.0002, phi: 3 }, steady) },
  { name: 'low traffic  n=20 p=0.5%', truth: 'healthy', draw: draw({ n: 20, p: 0.005, phi: 1 }, steady) },
  { name: 'low traffic  n=3 p=2%', truth: 'healthy', draw: draw({ n: 3, p: 0.02, phi: 1 }, steady) },
  { name: 'heavy bursts  n=600 p=0.2% φ=20', truth: 'healthy', draw: draw({ n: 600, p: 0.002, phi: 20 }, steady) },
  { name: 'noise with a memory (AR 0.6, ±30%)', truth: 'healthy', draw: (random) => remembered(random, 0.6, 0.3) },
  { name: 'noise with a long memory (AR 0.8, ±40%)', truth: 'limit', draw: (random) => remembered(random, 0.8, 0.4) },
  { name: 'rare incidents, 30× for a minute, 3% of minutes', truth: 'healthy', draw: (random) => incidents(random, 1) },
  { name: 'rare incidents that last 4 minutes', truth: 'limit', draw: (random) => incidents(random, 4) },
  { name: 'diurnal drift ±50% a day, traffic and errors', truth: 'healthy', draw: (random) => daily(random, 0.5) },
  { name: 'diurnal drift ±80% a day, traffic and errors', truth: 'healthy', draw: (random) => daily(random, 0.8) },
  {
    name: 'rise of this hour, 3× in 15 min, one week known',
    truth: 'healthy',
    draw: (random) => hourly(random, USUAL, 1),
  },
  { name: 'rise of this hour, bursty, two weeks known', truth: 'healthy', draw: (random) => hourly(random, BURSTY, 2) },
  {
    name: 'rise of this hour, 3× in 15 min, no week known',
    truth: 'limit',
    draw: (random) => hourly(random, USUAL, 0),
  },
  { name: 'steady, one week known', truth: 'healthy', draw: weekKnown(steady) },
  { name: 'baseline already bad  p=2%, objective 99.9%', truth: 'healthy', draw: draw({ ...USUAL, p: 0.02 }, steady) },
  { name: 'baseline already bad, bursty  p=1% φ=5', truth: 'healthy', draw: draw({ n: 600, p: 0.01, phi: 5 }, steady) },
  { name: 'short baseline, 12 periods', truth: 'healthy', draw: (random) => shortBaseline(random, 12) },
  { name: 'short baseline, bursty, 20 periods', truth: 'healthy', draw: (random) => shortBaseline(random, 20, 5) },
  { name: 'counter resets: bad > total, drops', truth: 'healthy', draw: counterResets },
  { name: 'gaps: every fourth sample missing', truth: 'healthy', draw: gaps },
  { name: 'outage common to the controls (10%, 12 min)', truth: 'healthy', draw: (random) => outage(random, 0.1, 12) },
  { name: 'outage common to the controls (50%, 5 min)', truth: 'healthy', draw: (random) => outage(random, 0.5, 5) },
  { name: 'regression common to the controls (5×)', truth: 'healthy', draw: (random) => common(random, 5) },
  { name: 'improvement to a fifth', truth: 'healthy', draw: draw(USUAL, times(0.2)) },
  { name: 'declared disruption: 2 min at 60%', truth: 'healthy', draw: (random) => disruption(random, 2) },
  { name: 'declared disruption: 3 min down, 1 missing', truth: 'healthy', draw: (random) => disruption(random, 3) },
  {
    name: 'declared disruption, no probe: 2 min at 60%',
    truth: 'healthy',
    draw: (random) => disruption(random, 2, false),
  },
];

const HARMED: readonly Scenario[] = [
  ...everyShape('2× worse', 'harmed', times(2)),
  ...everyShape('5× worse', 'harmed', times(5)),
  { name: '5× worse  n=600 p=0.1% φ=1', truth: 'harmed', draw: draw(USUAL, times(5)) },
  { name: '5× worse  n=600 p=0.05% φ=1', truth: 'harmed', draw: draw({ ...USUAL, p: 0.0005 }, times(5)) },
  { name: '5× worse  n=600 p=0.02% φ=1', truth: 'harmed', draw: draw({ ...USUAL, p: 0.0002 }, times(5)) },
  { name: '5× worse  n=1000 p=0.1% φ=3', truth: 'harmed', draw: draw({ n: 1000, p: 0.001, phi: 3 }, times(5)) },
  { name: '5× worse, one week known', truth: 'harmed', draw: weekKnown(times(5)) },
  { name: '5× worse than this hour, one week known', truth: 'harmed', draw: (random) => hourly(random, USUAL, 1, 5) },
  { name: '5× worse, controls quiet', truth: 'harmed', draw: (random) => quietPeers(random, 5) },
  { name: '5× worse, 3 min declared', truth: 'harmed', draw: declared(draw(USUAL, times(5))) },
  { name: '5% bad for an hour, 3 min declared, probe up', truth: 'harmed', draw: declared(draw(USUAL, times(50))) },
  { name: '5% bad for an hour, 3 min declared, no probe', truth: 'harmed', draw: unprobed(draw(USUAL, times(50))) },
  ...everyShape('20× worse', 'harmed', times(20)),
  { name: '20× worse from minute 4 on', truth: 'harmed', draw: draw(USUAL, times(20, 3)) },
  { name: 'slow leak to 5× in 30 min, n=600', truth: 'harmed', draw: draw(USUAL, (t) => 1 + Math.max(0, t) / 7.5) },
  { name: 'slow leak to 5× in 30 min, n=6000', truth: 'harmed', draw: draw(BUSY, (t) => 1 + Math.max(0, t) / 7.5) },
  { name: 'total outage', truth: 'harmed', draw: draw({ n: 600, p: 0.001, phi: 1 }, times(900)) },
];

const BLIND: readonly Scenario[] = [
  { name: 'no sample since the change', truth: 'blind', draw: (random) => blind(random, () => true) },
  { name: 'metrics end after 3 minutes', truth: 'blind', draw: (random) => blind(random, (t) => t >= 3) },
  { name: 'no traffic since the change', truth: 'blind', draw: noTraffic },
  { name: 'no baseline', truth: 'blind', draw: (random) => shortBaseline(random, 0) },
];

/** Steady 5×, nothing else in play. */
const FIVEFOLD = /^5× worse {2}n=(\d+)/;

export const SCENARIOS: readonly Scenario[] = [...HEALTHY, ...HARMED, ...BLIND].map((scenario) => {
  const events = Number(FIVEFOLD.exec(scenario.name)?.[1] ?? 0);
  return events >= 600 ? { ...scenario, fivefold: true } : scenario;
});

/** Every week at this hour errors rise to three times within a quarter of an hour; `worse` is this week's on top of it. */
const RISE: Course = (t) => 1 + Math.min(2, Math.max(0, t) / 7.5);

function hourly(random: VerdictRandom, shape: Shape, weeks: number, worse = 1): Drawn {
  const course: Course = (t) => RISE(t) * (t >= 0 ? worse : 1);
  const more = weeks > 0 ? { weeks: earlier(random, shape, RISE, weeks) } : {};
  return draw(shape, course, more)(random);
}

function weekKnown(course: Course): Scenario['draw'] {
  return (random) => draw(USUAL, course, { weeks: earlier(random, USUAL, steady, 1) })(random);
}

/** The same hours of the weeks before, with the five later periods that an agent asks for too. */
function earlier(random: VerdictRandom, shape: Shape, course: Course, weeks: number): readonly ControlSamples[] {
  return Array.from({ length: weeks }, () => ({
    baseline: samples(random, shape, course, [-BASELINE, 0]),
    after: samples(random, shape, course, [0, AFTER + 5]),
  }));
}

/** The log of the bad share wanders: yesterday's minute tells today's. */
function remembered(random: VerdictRandom, memory: number, deviation: number): Drawn {
  let level = random.normal() * deviation;
  const all = Array.from({ length: BASELINE + AFTER }, (): Sample => {
    level = memory * level + Math.sqrt(1 - memory ** 2) * deviation * random.normal();
    const total = random.poisson(1200);
    return [random.bad(total, Math.min(1, 0.002 * Math.exp(level)), 1), total];
  });
  return { sli: sli(all.slice(0, BASELINE), all.slice(BASELINE)) };
}

function incidents(random: VerdictRandom, minutes: number): Drawn {
  let left = 0;
  const all = Array.from({ length: BASELINE + AFTER }, (): Sample => {
    if (left === 0 && random.next() < 0.03 / minutes) left = minutes;
    const share = left > 0 ? 0.03 : 0.001;
    left = Math.max(0, left - 1);
    const total = random.poisson(600);
    return [random.bad(total, share, 1), total];
  });
  return { sli: sli(all.slice(0, BASELINE), all.slice(BASELINE)) };
}

/** A day's sine at an hour of chance; errors follow traffic. */
function daily(random: VerdictRandom, swing: number): Drawn {
  const start = random.next() * 1440;
  const all = Array.from({ length: BASELINE + AFTER }, (_, minute): Sample => {
    const wave = 1 + swing * Math.sin((2 * Math.PI * (start + minute)) / 1440);
    const total = random.poisson(2000 * wave);
    return [random.bad(total, 0.001 * wave, 2), total];
  });
  return { sli: sli(all.slice(0, BASELINE), all.slice(BASELINE)) };
}

function shortBaseline(random: VerdictRandom, periods: number, phi = 1): Drawn {
  const shape = { ...USUAL, p: 0.002, phi };
  return { sli: sli(samples(random, shape, steady, [-periods, 0]), samples(random, shape, steady, [0, AFTER])) };
}

/** The API server restarts three times: more bad than all, a negative count, and a period that lost most of its events. */
function counterResets(random: VerdictRandom): Drawn {
  const { sli: whole } = draw(USUAL, steady)(random);
  const at = Math.floor(random.between(0, 8));
  const broken: Series = [
    [412, 37],
    [-118, -59_000],
    [0, 30],
  ];
  const after = whole.after.map((sample, t) =>
    t >= at && t < at + 9 && (t - at) % 3 === 0 ? broken[(t - at) / 3] : sample,
  );
  return { sli: { ...whole, after: after.map((sample) => sample ?? null) } };
}

function gaps(random: VerdictRandom): Drawn {
  const { sli: whole } = draw(USUAL, steady)(random);
  const thin = (series: Series): Series => series.map((sample) => (random.next() < 0.25 ? null : sample));
  return { sli: { ...whole, baseline: thin(whole.baseline), after: thin(whole.after) } };
}

function peers(random: VerdictRandom, count: number, course: Course): ControlSamples[] {
  return Array.from({ length: count }, () => {
    const shape = { n: random.between(300, 3000), p: random.between(0.0005, 0.002), phi: 1.5 };
    return {
      baseline: samples(random, shape, course, [-BASELINE, 0]),
      after: samples(random, shape, course, [0, AFTER]),
    };
  });
}

/** Something elsewhere hits everybody, each cluster a little differently. */
function outage(random: VerdictRandom, share: number, minutes: number): Drawn {
  const from = Math.floor(random.between(0, 4));
  const hit = (): Course => {
    const mine = share * random.between(0.8, 1.25);
    return (t) => (t >= from && t < from + minutes ? mine / 0.001 : 1);
  };
  const { sli: whole } = draw(USUAL, hit())(random);
  const controls = Array.from({ length: 4 }, () => peers(random, 1, (t) => hit()(t)).flat()).flat();
  return { sli: { ...whole, controls } };
}

function common(random: VerdictRandom, factor: number): Drawn {
  const shape = { n: 2000, p: 0.001, phi: 1.5 };
  const { sli: whole } = draw(shape, times(factor))(random);
  return { sli: { ...whole, controls: peers(random, 5, times(factor)) } };
}

function quietPeers(random: VerdictRandom, factor: number): Drawn {
  const { sli: whole } = draw(USUAL, times(factor))(random);
  return { sli: { ...whole, controls: peers(random, 4, steady) } };
}

const DECLARED = { allowanceMs: 3 * 60_000 };

function declared(drawn: Scenario['draw']): Scenario['draw'] {
  return (random) => ({ ...drawn(random), policy: DECLARED, disruptionSeconds: new Array<number>(AFTER).fill(0) });
}

function unprobed(drawn: Scenario['draw']): Scenario['draw'] {
  return (random) => ({ ...drawn(random), policy: DECLARED });
}

/** `probed`: what is down was measured; else the judge has only the samples to go by. */
function disruption(random: VerdictRandom, minutes: number, probed = true): Drawn {
  const from = Math.floor(random.between(0, 3));
  const { sli: whole } = draw(USUAL, steady)(random);
  const after = whole.after.map((sample, t) => {
    if (!sample || t < from || t >= from + minutes) return sample;
    if (minutes === 3 && t === from) return null;
    return [Math.round(sample[1] * (minutes === 3 ? 1 : 0.6)), sample[1]] as const;
  });
  const down = (t: number): number => (t < from || t >= from + minutes ? 0 : minutes === 3 ? 60 : 36);
  const drawn = { sli: { ...whole, after }, policy: DECLARED };
  return probed ? { ...drawn, disruptionSeconds: after.map((_, t) => down(t)) } : drawn;
}

function blind(random: VerdictRandom, unseen: (t: number) => boolean): Drawn {
  const { sli: whole } = draw(USUAL, steady)(random);
  return { sli: { ...whole, after: whole.after.map((sample, t) => (unseen(t) ? null : sample)) } };
}

function noTraffic(random: VerdictRandom): Drawn {
  const { sli: whole } = draw(USUAL, steady)(random);
  return { sli: { ...whole, after: whole.after.map(() => [0, 0] as const) } };
}
