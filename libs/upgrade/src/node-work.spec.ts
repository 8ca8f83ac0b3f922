import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { decide } from './decide.js';
import { acceptOrder, beginStep, startOrder } from './journal-changes.js';
import { FROM, orderOf, planOf, START, tell, TO } from './testing/story.js';
import { TinyCluster, type Faults } from './testing/tiny-cluster.js';

const failure = (step: string) =>
  ({ kind: 'failed', reason: reason('step_failed', { step, node: 'w-2', detail: 'disk full' }) }) as const;
const playing = (faults: Faults) => new TinyCluster({ from: FROM, faults });

describe('a node that does not go along', () => {
  it('drain timed out under onTimeout=skipNode → the node is let in again, left old and named by the standing', () => {
    const cluster = playing({ 'drainNode/w-2': ['blocked'] });
    const { outcome } = tell({ cluster, plan: planOf({ drain: { onTimeout: 'skipNode' } }) });
    expect(outcome).toMatchObject({ kind: 'upgraded', standing: { 'kubelet/w-2': FROM, 'kubelet/w-3': TO } });
    expect(cluster.node('w-2').cordonedBy).toBeNull();
  });

  it('the canary cannot be drained under skipNode → the next worker is the canary', () => {
    const cluster = playing({ 'drainNode/w-1': ['blocked'] });
    const { log } = tell({ cluster, plan: planOf({ drain: { onTimeout: 'skipNode' } }) });
    const judging = log.findIndex((line) => line.endsWith('judging judgeCanary'));
    expect(log.slice(0, judging).some((line) => line.includes('upgradeKubelet/w-2'))).toBe(true);
  });

  it('drain timed out under onTimeout=pause → waits by name for a person, goes on once the pod is gone', () => {
    const cluster = playing({ 'drainNode/w-2': ['blocked'] });
    const { log, outcome } = tell({
      cluster,
      before: (_pass, at) => {
        if (at > START + 40 * 60_000) cluster.node('w-2').pods = 0;
      },
    });
    expect(log.some((line) => line.includes('waits: drain_timed_out node=w-2 pod=payments/cart-1 pdb=cart'))).toBe(
      true,
    );
    expect(outcome.kind).toBe('upgraded');
  });

  it('nobody clears a paused drain until the deadline → halted(deadline_passed)', () => {
    const order = { deadline: START + 60 * 60_000 };
    const cluster = playing({ 'drainNode/w-2': Array.from({ length: 100 }, () => 'blocked' as const) });
    const { outcome, endedAt } = tell({ cluster, order });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'deadline_passed' } });
    expect(endedAt - order.deadline).toBeLessThan(60_000);
    expect(cluster.effects.some((effect) => effect.endsWith('/w-3'))).toBe(false);
  });

  it('the blocker of a paused drain goes away → drained again by itself, and upgraded; nothing else began meanwhile', () => {
    const faults: Faults = { 'drainNode/w-2': ['blocked', 'blocked', 'blocked'] };
    const cluster = new TinyCluster({ from: FROM, workers: 4, faults });
    const plan = planOf({ drain: { maxUnavailable: 2 } });
    const { outcome, log } = tell({ cluster, plan });
    expect(outcome.kind).toBe('upgraded');
    const first = log.findIndex((line) => line.includes('drainNode/w-2 failed'));
    const through = log.findIndex((line) => line.includes('upgradeKubelet/w-2'));
    expect(log.slice(first, through).filter((line) => / drainNode\/w-4/.test(line))).toEqual([]);
    expect(cluster.effects).toContain('drainNode/w-2/4');
  });

  it('the agent was away for hours while a node was drained → the drain is taken up again, whatever onTimeout says', () => {
    for (const onTimeout of ['pause', 'skipNode', 'failCluster']) {
      const plan = planOf({ drain: { onTimeout } });
      const cluster = playing({});
      const order = orderOf(plan, { kind: 'drain', args: { kind: 'drain', node: 'w-2', nodeUid: '' } });
      const step = { kind: 'drainNode', name: 'drainNode/w-2', node: 'w-2', timeoutMs: 900_000 } as const;
      const journal = beginStep(startOrder(acceptOrder(order, START), START), step, START);
      const at = START + 3 * 3_600_000;
      const observed = { ...cluster.observe(at), at };
      const decision = decide({ order, plan, observed, journal, verdict: null, hubAwaySince: null, at });
      expect(decision).toMatchObject({ kind: 'steps', steps: [step] });
    }
  });

  it('a kubelet step fails once → it is run again under a new name', () => {
    const cluster = playing({ 'upgradeKubelet/w-2': [failure('upgradeKubelet')] });
    expect(tell({ cluster }).outcome.kind).toBe('upgraded');
    expect(cluster.effects).toContain('upgradeKubelet/w-2/2');
  });

  it('a kubelet step fails twice → halted, the half-upgraded node stays cordoned and is named', () => {
    const cluster = playing({ 'upgradeKubelet/w-2': [failure('upgradeKubelet'), failure('upgradeKubelet')] });
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'step_failed' }, cordoned: ['w-2'] });
    expect(cluster.effects.some((effect) => effect.endsWith('/w-3'))).toBe(false);
  });

  it('a kubelet step says it succeeded and the node never shows the version → halted(version_mismatch)', () => {
    const cluster = playing({ 'upgradeKubelet/w-2': [{ kind: 'succeeded' }] });
    expect(tell({ cluster }).outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'version_mismatch', params: { component: 'kubelet/w-2', expected: TO, observed: FROM } },
    });
  });

  it('a worker that we did not touch is NotReady → it counts against maxUnavailable and bounds the wait', () => {
    const cluster = playing({});
    cluster.node('w-3').readyFrom = Infinity;
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'node_not_ready', params: { node: 'w-3' } } });
  });
});
