import { describe, expect, it } from '@jest/globals';
import { samplesHash } from '@wavegate/analysis';
import { readPlanText, type Controls, type Plan, type Series, type SliSamples } from '@wavegate/fleet';
import { acceptOrder, applyNote, startOrder, type Observed } from '@wavegate/upgrade';
import { PhaseJudge } from './phase-judge.js';
import type { Metrics } from './ports.js';
import { sampleOrder, START } from './testing/sample-order.js';

const MINUTE = 60_000;
const order = sampleOrder({}, { verdict: { objectives: ['shop'], period: '1m', window: '30m', minSoak: '5m' } });
const plan = readPlanText(order.plan) as Plan;
const FROM = START + 5 * MINUTE;
const started = { ...startOrder(acceptOrder(order, START), START), phase: 'judgeControlPlane' as const };
const journal = applyNote(started, { kind: 'judgingBegan', phase: 'judgeControlPlane' }, FROM);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const flat = (periods: number, bad: number): Series => Array.from({ length: periods }, () => [bad, 1000] as const);
const seen = (minutes: number): Observed => ({
  ...{ at: FROM + minutes * MINUTE, uid: 'uid-1', reachable: true, reachableSince: 0, nodes: [], etcd: null },
});

/** A source whose share of bad events rises to `bad` at the change, and a probe that saw `down` seconds of each period. */
function source(bad: number, down?: number): Metrics {
  const samples: Metrics['samples'] = ({ from, until, periodMs, baselinePeriods }) =>
    Promise.resolve([
      {
        ...{ name: 'shop', objective: 0.999, decisive: true, baseline: flat(baselinePeriods, 1) },
        after: flat((until - from) / periodMs, bad),
      } satisfies SliSamples,
    ]);
  if (down === undefined) return { samples };
  return {
    samples,
    disruption: ({ from, until, periodMs }) => Promise.resolve(new Array<number>((until - from) / periodMs).fill(down)),
  };
}

const peers = (bad: number, periods: number): Controls => ({
  ...{ orderId: order.id, from: FROM, baselineUntil: START, periodMs: MINUTE },
  peers: ['a', 'b', 'c'].map((cluster) => ({
    cluster,
    slis: [{ name: 'shop', baseline: flat(60, 1), after: flat(periods, bad) }],
  })),
});

async function judgedAfter(minutes: number, metrics: Metrics, controls: Controls | null = null, by = plan) {
  const judge = new PhaseJudge(metrics, by, log, { controlsFor: () => controls });
  return { judge, verdict: (await judge.verdict(journal, seen(minutes)))?.verdict };
}

describe('judging a phase', () => {
  it('5 % errors under the default allowance of three minutes, the probe up → rolled back in the second period', async () => {
    expect((await judgedAfter(2, source(50, 0))).verdict).toMatchObject({
      kind: 'rollback',
      period: 2,
      reasons: [{ code: 'slo_fast_burn' }],
    });
  });

  it('the same while the probe was not answered → covered, and held until there is something to see', async () => {
    const { verdict } = await judgedAfter(2, source(1000, 60));
    expect([verdict?.kind, verdict?.period, verdict?.slis[0]?.consumed]).toEqual(['hold', null, 0]);
  });

  it('peers suffer the same → held; peers are quiet → rolled back', async () => {
    const everywhere = await judgedAfter(6, source(50, 0), peers(50, 6));
    expect(everywhere.verdict).toMatchObject({ kind: 'hold', period: null });
    expect(everywhere.verdict?.slis[0]?.comparison?.peers).toBe(3);
    expect((await judgedAfter(6, source(50, 0), peers(1, 6))).verdict?.kind).toBe('rollback');
  });

  it('what a verdict rested on → told with it: samples, peers, gates, and a hash that holds', async () => {
    const { judge } = await judgedAfter(6, source(50, 0), peers(50, 6));
    const told = judge.evidence('judgeControlPlane');
    expect(told).toMatchObject({ from: FROM, baselineUntil: START, periodMs: MINUTE, dropped: 0 });
    expect(told?.slis[0]?.controls).toHaveLength(3);
    expect(told?.disruptionSeconds).toEqual([0, 0, 0, 0, 0, 0]);
    const { slis = [], disruptionSeconds = [] } = told ?? {};
    const again = { slis, gates: [], policy: {} as never, elapsedMs: 0, disruptionSeconds };
    expect(samplesHash(again)).toBe(told?.given?.samplesHash);
    expect(judge.evidence('judgeCanary')).toBeNull();
  });

  it('alerts that nobody can tell of → hold where they block, and hold up nothing where they only show', async () => {
    const blind: Metrics = { ...source(1, 0), firing: () => Promise.reject(new Error('away')) };
    const watching = (mode: object): Plan => ({
      ...plan,
      spec: { ...plan.spec, verdict: { ...plan.spec.verdict, alerts: [{ match: { severity: 'critical' }, ...mode }] } },
    });
    const blocking = await judgedAfter(20, blind, null, watching({}));
    expect(blocking.verdict).toMatchObject({ kind: 'hold', reasons: [{ params: { objective: 'alerts' } }] });
    expect((await judgedAfter(20, blind, null, watching({ mode: 'dryRun' }))).verdict?.kind).toBe('promote');
    const shown = { name: 'alert/Slow', violated: false, reason: { code: 'alert_firing', params: {} } } as never;
    const seeing: Metrics = { ...source(1, 0), firing: () => Promise.resolve([shown]) };
    const { judge, verdict } = await judgedAfter(20, seeing, null, watching({ mode: 'dryRun' }));
    expect(verdict?.kind).toBe('promote');
    expect(judge.evidence('judgeControlPlane')?.given?.gates).toContainEqual(shown);
  });

  it('six hours of minutes → told whole: the hash is that of what is told', async () => {
    const { judge } = await judgedAfter(360, source(1, 0));
    const told = judge.evidence('judgeControlPlane');
    expect([told?.dropped, told?.slis[0]?.after.length]).toEqual([0, 360]);
    const { slis = [], disruptionSeconds = [] } = told ?? {};
    const again = { slis, gates: [], policy: {} as never, elapsedMs: 0, disruptionSeconds };
    expect(samplesHash(again)).toBe(told?.given?.samplesHash);
  });

  it('the newest for the screens → no peers, not all of the past; none once the judgement is over', async () => {
    const { judge } = await judgedAfter(40, source(1, 0), peers(1, 40));
    const [sli] = judge.newest()?.slis ?? [];
    expect([sli?.baseline.length, sli?.after.length, sli?.controls, judge.newest()?.dropped]).toEqual([
      12,
      30,
      undefined,
      10,
    ]);
    await judge.verdict(startOrder(acceptOrder(order, START), START), seen(1));
    expect(judge.newest()).toBeNull();
  });
});
