import { judgeWave } from '@wavegate/analysis';
import { decide, type RolloutAction, type RolloutCluster, type RolloutEvent } from '@wavegate/rollout';
import { endsOfWave, holdRollout, type WithoutAt } from '@wavegate/runtime/hub';
import type { BenchCase, CaseResult } from './bench-case.js';
import { benchClusters, benchPlan, benchRollout } from './bench-fleet.js';
import { medianAndRange, short, spreadOf } from './spread.js';

/** Clusters → rollouts played; small ones are over in no time and need more of them for a steady figure. */
const SIZES = [
  [100, 15],
  [1_000, 7],
  [5_000, 3],
] as const;
/** Monday 2026-03-02 08:00 UTC. */
const START = 1_772_438_400_000;
const MINUTE = 60_000;
/** More than this many events per cluster would mean that the rollout does not come to its end. */
const MOST_EVENTS = 20;

interface Decided {
  readonly kind: RolloutEvent['kind'];
  readonly ms: number;
  readonly actions: number;
}

interface Played {
  readonly decided: readonly Decided[];
  /** Processor time of the whole rollout, this thread's own: the clock of a shared machine counts the neighbours too. */
  readonly cpuMs: number;
}

/**
 * Whole rollouts (rings, four waves, a tenth of the fleet in flight), driven by what their agents would report, in
 * virtual time. Only `decide` is timed; its rows are taken over in place, as the runner does.
 */
export const decideCase: BenchCase = {
  name: 'decide',
  title: 'rollout.decide, per event and for whole rollouts',
  run: ({ say }) => {
    play(100);
    play(1_000);
    const bySize = SIZES.map(([size, times]) => {
      say(`${times} rollouts of ${size} clusters`);
      return measure(size, times);
    });
    return Promise.resolve(toResult(bySize));
  },
};

function measure(size: number, times: number) {
  const runs = Array.from({ length: times }, () => play(size));
  const all = runs.flatMap(({ decided }) => decided);
  const byRun = runs.map(({ decided }) => spreadOf(decided.map(({ ms }) => ms)));
  return {
    size,
    events: runs[0]?.decided.length ?? 0,
    byRun,
    /** Decisions with many actions: a wave opens and a tenth of the fleet is sent its orders. */
    largest: spreadOf(all.filter(({ actions }) => actions >= size / 20).map(({ ms }) => ms)),
    totalCpuMs: runs.map(({ cpuMs }) => cpuMs),
    // A mean: the kernel counts processor time in ticks of some ms, more than a small rollout takes.
    perClusterCpuMs: runs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / times / size,
    byKind: Object.fromEntries(
      [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, some]) => [kind, spreadOf(some.map(({ ms }) => ms))]),
    ),
  };
}

function toResult(bySize: readonly ReturnType<typeof measure>[]): CaseResult {
  const p99 = bySize.at(-1)?.byRun.map((run) => run.p99) ?? [];
  const perCluster = bySize.map(({ perClusterCpuMs }) => perClusterCpuMs);
  return {
    columns: [
      'clusters',
      'events',
      'p50 ms',
      'p99 ms',
      'max ms',
      'opening a wave ms',
      'rollout CPU ms',
      'CPU ms per cluster',
    ],
    rows: bySize.map(({ size, events, byRun, largest, totalCpuMs, perClusterCpuMs }) => [
      size,
      events,
      medianAndRange(byRun.map((run) => run.p50)),
      medianAndRange(byRun.map((run) => run.p99)),
      short(spreadOf(byRun.map((run) => run.max)).p50),
      short(largest.p50),
      medianAndRange(totalCpuMs),
      short(perClusterCpuMs),
    ]),
    targets: [
      {
        what: 'decide at 5,000 clusters, p99 of the median rollout',
        measured: spreadOf(p99).p50,
        unit: 'ms',
        atMost: 2,
      },
      {
        what: 'CPU per cluster of a whole rollout, 5,000 against 1,000 (1 = linear)',
        measured: (perCluster[2] ?? NaN) / (perCluster[1] ?? NaN),
        unit: '×',
        atMost: 2,
      },
    ],
    notes: [
      'p50 and p99: median (min–max) over the rollouts; where others work on the same cores, p99 and max are their time slices.',
      'Opening a wave is one decision with hundreds of actions; it is among the maxima, a handful of events per rollout.',
    ],
    raw: bySize,
  };
}

/** One rollout from `started` to its end; every decision with its time. Throws where it does not end as planned. */
function play(size: number): Played {
  const first = benchRollout('bench', plan, benchClusters(size, START), START);
  const held = holdRollout(first);
  const agents = new PlayedAgents();
  const decided: Decided[] = [];
  const feed = (event: RolloutEvent): void => {
    const startedAt = performance.now();
    const decision = decide(held, event);
    const ms = performance.now() - startedAt;
    decided.push({ kind: event.kind, ms, actions: decision.actions.length });
    held.head = decision.head;
    for (const row of decision.clusters) held.clusters.set(row.clusterId, row);
    for (const action of decision.actions) {
      if (action.kind === 'sendOrder') agents.take(action, event.at);
      if (action.kind !== 'judgeWave') continue;
      const verdict = judgeWave(endsOfWave(held, action.wave));
      feed({ kind: 'waveJudged', wave: action.wave, verdict, at: event.at });
    }
  };
  const cpuBefore = process.threadCpuUsage();
  feed({ kind: 'started', at: START });
  while (held.head.finishedAt === null) {
    const { wakeAt, reason } = held.head;
    const next = agents.next();
    if (next && (wakeAt === null || next.at <= wakeAt)) feed(agents.deliver());
    else if (wakeAt !== null) feed({ kind: 'woke', at: wakeAt });
    else throw new Error(`the rollout waits for nobody: ${reason.code}`);
    if (decided.length > MOST_EVENTS * size) throw new Error(`no end after ${decided.length} events: ${reason.code}`);
  }
  const { user, system } = process.threadCpuUsage(cpuBefore);
  assertUpgraded([...held.clusters.values()]);
  return { decided, cpuMs: (user + system) / 1000 };
}

const plan = benchPlan('bench', {
  strategy: {
    waves: ['5%', '25%', '50%', '100%'],
    rings: ['env=staging', 'env=prod'],
    spreadBy: ['region'],
    maxInFlight: '10%',
  },
  gates: { soak: { default: '30m' } },
});

function assertUpgraded(rows: readonly RolloutCluster[]): void {
  const other = rows.find(({ outcome }) => outcome?.kind !== 'upgraded');
  if (other) throw new Error(`${other.clusterName} did not end upgraded: ${other.phase}, ${other.reason.code}`);
}

/** Agents that begin after two seconds and are through after 15 to 45 minutes, in the order of time. */
class PlayedAgents {
  private readonly reports: RolloutEvent[] = [];
  private taken = 0;

  take({ clusterId, orderId }: Extract<RolloutAction, { kind: 'sendOrder' }>, at: number): void {
    this.taken += 1;
    // Any fixed scatter will do: neighbours must not end together.
    const minutes = 15 + ((this.taken * 7_919) % 1_800) / 60;
    this.post({ kind: 'orderStarted', clusterId, orderId }, at + 2_000);
    const outcome = { kind: 'upgraded' as const, standing: { apiserver: '1.35.4' } };
    this.post({ kind: 'clusterEnded', clusterId, orderId, outcome }, at + minutes * MINUTE);
  }

  next(): RolloutEvent | undefined {
    return this.reports[0];
  }

  deliver(): RolloutEvent {
    const event = this.reports.shift();
    if (!event) throw new Error('no report is under way');
    return event;
  }

  private post(event: WithoutAt<RolloutEvent>, at: number): void {
    let low = 0;
    for (let high = this.reports.length; low < high;) {
      const middle = (low + high) >>> 1;
      if ((this.reports[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    this.reports.splice(low, 0, { ...event, at } as RolloutEvent);
  }
}
