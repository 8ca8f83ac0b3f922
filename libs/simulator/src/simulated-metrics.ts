import type { SliSamples } from '@wavegate/fleet';
import type { Metrics } from '@wavegate/runtime/agent';
import { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';

type Request = Parameters<Metrics['samples']>[0];

/** Objectives that simulated clusters know, with the share of bad events of a healthy one. */
const OBJECTIVES: Readonly<Record<string, { readonly objective: number; readonly usual: number }>> = {
  'apiserver-availability': { objective: 0.999, usual: 0.0001 },
  'apiserver-write-latency': { objective: 0.99, usual: 0.001 },
  'checkout-availability': { objective: 0.999, usual: 0.0002 },
};

/** Share of bad events while the new version hurts users: forty times and more what an objective of 99.9 % tolerates. */
const BURNING = 0.06;

/** What chance adds to one period of one objective. */
interface Draws {
  readonly traffic: number;
  readonly noise: number;
  readonly rounding: number;
}

const MOST_DRAWN = 5_000;

/**
 * Service levels of a simulated cluster, as pairs [bad, total] per period. A period's numbers follow from the seed, the
 * objective and the period's time alone, so that asking twice gives the same answer, as a metrics source would.
 */
export class SimulatedMetrics implements Metrics {
  /** A judge asks for the same hour again and again; the draws of a period never change. */
  private readonly drawn = new Map<string, Draws>();

  /** `others`: the objective that stands for any name which is not known, for plans that were written for real fleets. */
  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly others: string | null = null,
  ) {}

  samples(request: Request): Promise<readonly SliSamples[]> {
    return Promise.resolve(request.objectives.map((name) => this.sli(name, request)));
  }

  /** What the agent's own probe would have seen. */
  disruption({ from, until, periodMs }: Parameters<NonNullable<Metrics['disruption']>>[0]) {
    const periods = Math.max(0, Math.floor((until - from) / periodMs));
    const { apiDown } = this.cluster.state;
    const down = (at: number): number => (overlap(apiDown, from + at * periodMs, periodMs) * periodMs) / 1000;
    return Promise.resolve(Array.from({ length: periods }, (_, at) => down(at)));
  }

  private sli(name: string, request: Request): SliSamples {
    const played = OBJECTIVES[name] || this.others === null ? name : this.others;
    const known = OBJECTIVES[played];
    const { from, until, periodMs, baselinePeriods, baselineUntil = from } = request;
    const after = Math.max(0, Math.floor((until - from) / periodMs));
    const sample = (base: number, index: number): readonly [number, number] | null =>
      known ? this.sample(played, known.usual, base + index * periodMs, periodMs) : null;
    return {
      name,
      objective: known?.objective ?? 0.999,
      decisive: true,
      baseline: Array.from({ length: baselinePeriods }, (_, i) => sample(baselineUntil, i - baselinePeriods)),
      after: Array.from({ length: after }, (_, i) => sample(from, i)),
    };
  }

  private sample(name: string, usual: number, at: number, periodMs: number): readonly [number, number] | null {
    const { spec, state } = this.cluster;
    if (state.faults.noMetrics) return null;
    const draws = this.draws(`${spec.seed}/${spec.name}/${name}/${at}`);
    const total = Math.round(((spec.traffic * spec.speed * periodMs) / 60_000) * (0.8 + 0.4 * draws.traffic));
    const down = name.startsWith('apiserver') ? overlap(state.apiDown, at, periodMs) : 0;
    const burning = name === 'checkout-availability' ? overlap(state.burns, at, periodMs) : 0;
    const share = Math.min(1, usual + burning * BURNING + down);
    return [binomial(draws, total, share), total];
  }

  private draws(key: string): Draws {
    const known = this.drawn.get(key);
    if (known) return known;
    const random = new SeededRandom(key);
    const traffic = random.next();
    const noise = (random.next() + random.next() + random.next() - 1.5) * 2;
    const fresh = { traffic, noise, rounding: random.next() };
    if (this.drawn.size >= MOST_DRAWN) this.drawn.clear();
    this.drawn.set(key, fresh);
    return fresh;
  }
}

/** The part of the period [at, at + periodMs) that lies in one of the intervals. */
function overlap(intervals: readonly { from: number; until: number | null }[], at: number, periodMs: number): number {
  const end = at + periodMs;
  const ms = intervals.map(({ from, until }) => Math.max(0, Math.min(end, until ?? end) - Math.max(at, from)));
  return Math.min(1, ms.reduce((sum, part) => sum + part, 0) / periodMs);
}

/** About Binomial(n, p): exact in the mean, with a variance near enough for a judge to have something to think about. */
function binomial({ noise, rounding }: Draws, n: number, p: number): number {
  const mean = n * p;
  const draw = Math.max(0, mean + noise * Math.sqrt(mean * (1 - p)));
  const whole = Math.floor(draw);
  return Math.min(n, whole + (rounding < draw - whole ? 1 : 0));
}
