import { DEFAULT_POLICY, judge } from '@wavegate/analysis';
import type { SliSamples } from '@wavegate/fleet';
import type { BenchCase, CaseResult } from './bench-case.js';
import { medianStop, PEERS, ratesOf, type Rates } from './verdict-rates.js';
import { VerdictRandom } from './verdict-random.js';
import { SCENARIOS, type Scenario } from './verdict-scenarios.js';

/** Series per scenario: `RUNS=4000 make bench-verdict`. */
const RUNS = Number(process.env['RUNS'] ?? 1000);

/** What the judge does to thousands of drawn series, beside what other judges do to the same ones; and how fast it is. */
export const verdictCase: BenchCase = {
  name: 'verdict',
  title: `judging ${SCENARIOS.length} scenarios, ${RUNS} series each; 60 minutes before, 30 after the change`,
  run: ({ say }) => {
    const rates = SCENARIOS.map((scenario) => {
      say(scenario.name);
      return ratesOf(scenario, RUNS, PEERS);
    });
    return Promise.resolve(toResult(rates, speed()));
  },
};

const WORD: Readonly<Record<Scenario['truth'], string>> = {
  healthy: 'a stop is false',
  harmed: 'a stop is right',
  blind: 'a promotion is false',
  limit: 'known limit',
};

function toResult(rates: readonly Rates[], cpu: number): CaseResult {
  const percent = (share: number): string => (share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0);
  const of = (truth: Scenario['truth']): readonly Rates[] => rates.filter(({ scenario }) => scenario.truth === truth);
  const fivefold = of('harmed').filter(({ scenario }) => scenario.fivefold === true);
  const most = (numbers: readonly number[]): number => Math.max(0, ...numbers) * 100;
  return {
    columns: [
      'scenario',
      'truth',
      'stop %',
      'rollback %',
      'median',
      'promote %',
      'Argo',
      'Flagger',
      'naive',
      'Kayenta',
    ],
    rows: rates.map(({ scenario, stopped, rolledBack, promoted, stops, peers }) => [
      scenario.name,
      WORD[scenario.truth],
      percent(stopped),
      percent(rolledBack),
      periodText(medianStop(stops)),
      percent(promoted),
      ...peers.map(percent),
    ]),
    targets: [
      target('false stops, the worst healthy scenario', most(of('healthy').map(({ stopped }) => stopped)), '%', 1),
      target('false rollbacks, the worst healthy scenario', most(of('healthy').map((one) => one.rolledBack)), '%', 1),
      target('promotions without data', most(of('blind').map(({ promoted }) => promoted)), '%', 0),
      target(
        `5× at 600 events a period and more, median of all${slower(fivefold)}`,
        medianStop(fivefold.flatMap(({ stops }) => stops)),
        'periods',
        5,
      ),
      target('judging 1,000 clusters × 10 SLIs × 90 periods, CPU of one core', cpu, 's', 1),
    ],
    notes: [
      'stop: held for a regression, or rolled back (defaults: onRegression hold, onBurn rollback); median: the period of the stop, series that were not stopped counted as never.',
      'Argo: success ≥ 99 %, failureLimit 3. Flagger: the same, threshold 5. naive: z-test at every minute, p < 0.05.',
      'Kayenta: Mann–Whitney at 98 %, Hodges–Lehmann ≥ 0.25, one run at the end. Peers see neither controls nor the declared disruption.',
    ],
    raw: rates.map(({ scenario: { name, truth }, ...numbers }) => ({ name, truth, ...numbers })),
  };
}

function target(what: string, measured: number, unit: string, atMost: number) {
  return { what, measured, unit, atMost };
}

const periodText = (median: number): string | number => (Number.isFinite(median) ? median : '–');

/** The median of all hides those that take longer: they are named beside it. */
function slower(rates: readonly Rates[]): string {
  const late = rates.filter(({ stops }) => medianStop(stops) > 5);
  const each = late.map(({ scenario, stops }) => `${scenario.name.replace('5× worse  ', '')}: ${medianStop(stops)}`);
  return late.length === 0 ? '' : `; alone ${late.length} of ${rates.length} take longer (${each.join(', ')})`;
}

/** Seconds of processor time, the best of three: the first warms up, and the machine may be shared. */
function speed(): number {
  const clusters = Array.from({ length: 1000 }, (_, n) => Array.from({ length: 10 }, (__, k) => drawn(n * 10 + k)));
  const policy = { ...DEFAULT_POLICY, maxSoakMs: 90 * 60_000 };
  const times = [1, 2, 3].map(() => {
    const before = process.threadCpuUsage();
    for (const slis of clusters) judge({ slis, gates: [], policy, elapsedMs: 90 * 60_000 });
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1e6;
  });
  return Math.min(...times);
}

function drawn(seed: number): SliSamples {
  const random = new VerdictRandom(seed);
  const period = (): readonly [number, number] => [random.poisson(0.8), 1000];
  const series = (periods: number) => Array.from({ length: periods }, period);
  return { name: `sli-${seed % 10}`, objective: 0.999, decisive: true, baseline: series(60), after: series(90) };
}
