import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { judge, policyOfPlan, recompute, samplesHash, type VerdictEvidence } from '@wavegate/analysis';
import { reason, readPlanText, type JudgedSamples, type Plan, type Series } from '@wavegate/fleet';
import type { SessionRef } from '@wavegate/runtime/hub';
import { startTestHub, type TestHub } from '../world/running-hub.js';

const MINUTE = 60_000;
const PLAN = {
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'judged' },
  spec: {
    target: { kubernetes: '1.35.4' },
    strategy: { waves: ['20%', '100%'], canaries: 'canary = true' },
    verdict: { objectives: ['apiserver-availability'], period: '1m' },
  },
};
const flat = (periods: number, bad: number): Series => Array.from({ length: periods }, () => [bad, 1000] as const);
const SLI = { name: 'apiserver-availability', objective: 0.999, decisive: true, baseline: flat(60, 1) };

describe('what a verdict rests on', () => {
  let hub: TestHub;
  let rollout: string;
  let plan: Plan;
  let judged: SessionRef;
  let orderId: string;
  const from = Math.floor(Date.now() / MINUTE) * MINUTE - 10 * MINUTE;
  const times = { from, baselineUntil: from - 30 * MINUTE, periodMs: MINUTE, dropped: 0 };

  beforeAll(async () => {
    hub = await startTestHub();
    for (const name of ['c1', 'c2', 'c3', 'c4', 'c5']) {
      await hub.addCluster(name, { env: 'dev', ...(name === 'c1' ? { canary: 'true' } : {}) });
    }
    const stored = (await hub.ask('POST', '/api/v1/plans', PLAN)).body;
    // No agent is behind these sessions: asked whether they can measure, they would be waited for.
    const start = { plan: stored.digest, objectives: 'unchecked', reason: 'no agents here' };
    rollout = (await hub.ask('POST', '/api/v1/rollouts', start)).body.id;
    const found = await hub.storage.plans.get(stored.digest);
    plan = readPlanText(found?.canonical ?? '') as Plan;
    judged = { clusterId: 'c1', generation: 1 };
    const [order] = await hub.storage.orders.ofCluster('c1', 1);
    orderId = order?.order.id ?? '';
    const accepted = { kind: 'orderAccepted' as const, orderId, epoch: order?.order.epoch ?? 0 };
    expect((await hub.storage.orders.take(judged, accepted)).kind).toBe('taken');
  });
  afterAll(() => hub?.stop());

  const path = (rest: string): string => `/api/v1/rollouts/${rollout}/verdicts/c1/${rest}`;

  it('while a phase is judged → explain has its samples, the picture has no verdict, and the relay knows whom to ask', async () => {
    const samples: JudgedSamples = { ...times, slis: [{ ...SLI, after: [...flat(2, 1), null] }] };
    const progress = {
      ...{ orderId, phase: 'judgeCanary' as const, since: from, nodesDone: 1, nodesTotal: 4, samples },
      reason: reason('judging', { phase: 'judgeCanary', until: from + 30 * MINUTE }),
    };
    await hub.storage.orders.take(judged, { kind: 'progress', progress });
    const explained = (await hub.ask('GET', `/api/v1/rollouts/${rollout}/explain?cluster=c1`)).body;
    expect(explained.judged.slis[0]).toMatchObject({ name: SLI.name, since: [[1, 1000], [1, 1000], null] });
    const picture = await hub.ask('GET', path('apiserver-availability.svg'));
    expect([picture.status, picture.type]).toEqual([200, expect.stringContaining('image/svg+xml')]);
    expect(picture.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(picture.body).toContain('c1: apiserver-availability, judgeCanary');
    expect((await hub.ask('GET', path('evidence'))).status).toBe(404);

    const [order] = await hub.storage.controls.judged();
    expect(order).toMatchObject({ orderId, clusterId: 'c1', rolloutId: rollout, from, periodMs: MINUTE });
    // Those that wait, the last to start first; not the one that is judged, nor one that somebody else works at.
    expect(await hub.storage.controls.peersOf(rollout, 7)).toHaveLength(4);
  });

  it('peers answer over several messages → one series each, joined', async () => {
    const digest = (await hub.storage.controls.judged())[0]?.planDigest ?? '';
    const told = (first: number, series: Series) => ({
      ...{ planDigest: digest, from: first, periodMs: MINUTE, slis: [{ name: SLI.name, series }] },
    });
    await hub.storage.controls.saveControl('c2', told(from, flat(3, 1)));
    await hub.storage.controls.saveControl('c2', told(from + 2 * MINUTE, flat(2, 5)));
    const [control] = await hub.storage.controls.controls(digest, ['c2', 'c3']);
    expect(control?.slis[0]?.series).toEqual([...flat(2, 1), ...flat(2, 5)]);
  });

  it('a verdict with its samples → evidence that recomputes to the same, and a picture that shows when', async () => {
    const slis = [
      { ...SLI, after: flat(6, 50), controls: [1, 2, 3].map(() => ({ baseline: flat(60, 1), after: flat(6, 1) })) },
    ];
    const disruptionSeconds = new Array<number>(6).fill(0);
    const input = {
      ...{ slis, gates: [], policy: policyOfPlan(plan, 'judgeCanary'), elapsedMs: 6 * MINUTE, disruptionSeconds },
      objectives: [SLI.name],
    };
    const verdict = judge(input);
    expect(verdict.kind).toBe('rollback');
    const { elapsedMs, gates, objectives } = input;
    const given = { elapsedMs, gates, objectives, samplesHash: samplesHash(input) };
    const samples: JudgedSamples = { ...times, slis, disruptionSeconds, given };
    const report = { kind: 'verdict' as const, orderId, phase: 'judgeCanary' as const, verdict, samples };
    expect((await hub.storage.orders.take(judged, report)).kind).toBe('taken');
    // Told again after a restart, by an agent that has the samples no more: known, and they stay.
    const { samples: _, ...again } = report;
    expect((await hub.storage.orders.take(judged, again)).kind).toBe('duplicate');
    const moved = { orderId, phase: 'rollback' as const, since: from, nodesDone: 1, nodesTotal: 4 };
    await hub.storage.orders.take(judged, {
      kind: 'progress',
      progress: { ...moved, reason: reason('order_running', { kind: 'upgrade' }) },
    });

    const [item] = (await hub.ask('GET', `/api/v1/rollouts/${rollout}/verdicts`)).body.items;
    expect(item).toMatchObject({ phase: 'judgeCanary', kind: 'rollback', cluster: 'name-c1' });
    const evidence = (await hub.ask('GET', item.evidence)).body as VerdictEvidence;
    expect(recompute(evidence)).toMatchObject({ verdict: { kind: 'rollback' }, differences: [] });
    expect(item.pictures).toHaveLength(1);
    expect((await hub.ask('GET', item.pictures[0])).body).toContain('rollback in period 2');
  });

  it('a phase that was not judged, an objective that nobody measured, a cluster elsewhere → 404 that says what there is', async () => {
    expect((await hub.ask('GET', path('evidence?phase=judgeFinal'))).status).toBe(404);
    const other = await hub.ask('GET', path('checkout.svg'));
    expect([other.status, other.body.title]).toEqual([404, expect.stringContaining('apiserver-availability.svg')]);
    expect((await hub.ask('GET', `/api/v1/rollouts/${rollout}/verdicts/nobody/evidence`)).status).toBe(404);
  });
});
