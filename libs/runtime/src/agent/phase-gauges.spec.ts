import { describe, expect, it } from '@jest/globals';
import { policyOfPlan, recompute, samplesHash, type JudgeInput } from '@wavegate/analysis';
import { readPlanText, type GaugeSamples, type Plan, type Series } from '@wavegate/fleet';
import { acceptOrder, applyNote, startOrder, type Observed } from '@wavegate/upgrade';
import { PhaseJudge } from './phase-judge.js';
import type { GaugeRequest, Metrics } from './ports.js';
import { sampleOrder, START } from './testing/sample-order.js';

const MINUTE = 60_000;
const FROM = START + 5 * MINUTE;
const PHASE = 'judgeControlPlane';
const warned: string[] = [];
const log = { info: () => undefined, warn: (message: string) => void warned.push(message), error: () => undefined };

function planOf(verdict: object) {
  const order = sampleOrder({}, { verdict: { period: '1m', window: '30m', minSoak: '5m', ...verdict } });
  const started = { ...startOrder(acceptOrder(order, START), START), phase: PHASE as 'judgeControlPlane' };
  const journal = applyNote(started, { kind: 'judgingBegan', phase: PHASE }, FROM);
  return { plan: readPlanText(order.plan) as Plan, journal };
}

const seen = (minutes: number): Observed => ({
  ...{ at: FROM + minutes * MINUTE, uid: 'uid-1', reachable: true, reachableSince: 0, nodes: [], etcd: null },
});
const flat = (periods: number): Series => Array.from({ length: periods }, () => [1, 1000] as const);

const samples: Metrics['samples'] = ({ objectives, from, until, periodMs, baselinePeriods }) =>
  Promise.resolve(
    objectives.map((name) => ({
      ...{ name, objective: 0.999, decisive: true },
      ...{ baseline: flat(baselinePeriods), after: flat((until - from) / periodMs) },
    })),
  );
/** Four numbers a period that double with the change. */
const doubling = ({ from, until, periodMs, gauges }: GaugeRequest): Promise<readonly GaugeSamples[]> =>
  Promise.resolve(
    gauges.map(({ name }) => ({
      ...{ name, perPeriod: 4, query: `avg(${name})`, baseline: Array.from({ length: 240 }, (_, n) => 100 + (n % 7)) },
      after: Array.from({ length: ((until - from) / periodMs) * 4 }, (_, n) => (n === 3 ? null : 200 + (n % 7))),
    })),
  );

async function judgedAfter(minutes: number, gauges: Metrics['gauges'], verdict: object) {
  const { plan, journal } = planOf(verdict);
  const judge = new PhaseJudge(gauges ? { samples, gauges } : { samples }, plan, log);
  const found = (await judge.verdict(journal, seen(minutes)))?.verdict;
  return { plan, journal, judge, verdict: found };
}

const WANTED = { objectives: ['shop'], gauges: ['memory', { name: 'queue', query: 'max(queue_length)' }] };

describe('gauges of a plan while a phase is judged', () => {
  it('asked over the same times as the objectives, judged, shown, and told with all that recompute needs', async () => {
    const asked: GaugeRequest[] = [];
    const { plan, judge, verdict } = await judgedAfter(20, (one) => (asked.push(one), doubling(one)), WANTED);
    expect(asked).toMatchObject([
      {
        ...{ from: FROM, until: FROM + 20 * MINUTE, periodMs: MINUTE, baselineUntil: START, windowMs: 30 * MINUTE },
        gauges: [
          { name: 'memory', gauge: 'memory', query: null },
          { name: 'queue', gauge: null, query: 'max(queue_length)' },
        ],
      },
    ]);
    expect(verdict).toMatchObject({
      kind: 'promote',
      gauges: [{ name: 'memory', state: 'higher' }, { name: 'queue' }],
    });
    const told = judge.evidence(PHASE);
    if (!told?.given || !verdict) throw new Error('nothing was told');
    const { elapsedMs, gates, objectives, samplesHash: hash } = told.given;
    const kept = { slis: told.slis, ...(told.gauges ? { gauges: told.gauges } : {}) };
    const input: JudgeInput = { ...kept, policy: policyOfPlan(plan, PHASE), elapsedMs, gates, objectives };
    expect(samplesHash(input)).toBe(hash);
    const evidence = { schema: 1 as const, kind: 'VerdictEvidence' as const, samplesHash: hash, input, verdict };
    expect(recompute(evidence).differences).toEqual([]);
    // For the screens: one number a period, and no more than a line of them.
    expect(judge.newest()?.gauges?.map(({ baseline, after }) => [baseline.length, after.length])).toEqual([
      [12, 20],
      [12, 20],
    ]);
  });

  it.each([
    ['nobody measures them', undefined],
    ['they throw', () => Promise.reject(new Error('away'))],
    ['none is known', () => Promise.resolve([])],
  ])('%s → the same verdict as without, each gauge shown as not measured, said once', async (_what, gauges) => {
    warned.length = 0;
    const without = await judgedAfter(20, undefined, { objectives: ['shop'] });
    const { judge, journal, verdict } = await judgedAfter(19, gauges, WANTED);
    await judge.verdict(journal, seen(20));
    expect({ ...verdict, gauges: undefined }).toMatchObject({ kind: without.verdict?.kind, reasons: [] });
    expect(verdict?.gauges?.map(({ name, state }) => [name, state])).toEqual([
      ['memory', 'tooFew'],
      ['queue', 'tooFew'],
    ]);
    expect(warned.length).toBeLessThanOrEqual(1);
  });

  it('a plan that names gauges only → measured and told; its gates decide', async () => {
    const { judge, verdict } = await judgedAfter(20, doubling, { gauges: ['memory'] });
    expect(verdict).toMatchObject({ kind: 'promote', period: null, gauges: [{ state: 'higher' }] });
    expect(judge.evidence(PHASE)?.gauges).toHaveLength(1);
  });

  it('a plan without gauges → none are asked for, and no verdict has a word of them', async () => {
    const never = () => Promise.reject(new Error('asked'));
    const { judge, verdict } = await judgedAfter(20, never, { objectives: ['shop'] });
    expect(verdict).not.toHaveProperty('gauges');
    expect(judge.evidence(PHASE)).not.toHaveProperty('gauges');
  });

  it('the next phase begins → nothing of the one before it is shown', async () => {
    const { judge, journal } = await judgedAfter(20, doubling, WANTED);
    const next = applyNote(
      { ...journal, phase: 'judgeFinal' },
      { kind: 'judgingBegan', phase: 'judgeFinal' },
      FROM + 30 * MINUTE,
    );
    expect((await judge.verdict(next, seen(30)))?.verdict).not.toHaveProperty('gauges');
  });
});
