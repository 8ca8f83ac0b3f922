import { describe, expect, it } from '@jest/globals';
import { rehearse, type RehearsedAct } from './rehearse.js';
import { orderOf, planOf, START, tell } from './testing/story.js';
import { TinyCluster } from './testing/tiny-cluster.js';

const stepsOf = (acts: readonly RehearsedAct[]): string[] =>
  acts.flatMap((act) => (act.kind === 'step' ? [act.step.name] : []));

function rehearsed(of: { readonly controlPlanes: number; readonly workers: number }, spec: object = {}) {
  const plan = planOf(spec);
  const cluster = new TinyCluster({ ...of, from: '1.34.4' });
  return rehearse(orderOf(plan), plan, cluster.observe(START), START);
}

describe('a rehearsal', () => {
  it.each([
    [{ controlPlanes: 1, workers: 2 }, {}],
    [{ controlPlanes: 3, workers: 4 }, { drain: { maxUnavailable: 2 } }],
    [{ controlPlanes: 3, workers: 1 }, { upgrade: { controlPlane: { twoStep: true } } }],
  ])('%j %j → the very steps, in the very order, that a real attempt without trouble takes', (of, spec) => {
    const cluster = new TinyCluster({ ...of, from: '1.34.4' });
    expect(tell({ cluster, plan: planOf(spec) }).outcome.kind).toBe('upgraded');
    expect(stepsOf(rehearsed(of, spec).acts)).toEqual(cluster.effects);
  });

  it('the point of no return stands after the last control-plane node and before any kubelet', () => {
    const { acts } = rehearsed({ controlPlanes: 3, workers: 1 });
    const commit = acts.findIndex((act) => act.kind === 'note' && act.note.kind === 'committed');
    const at = (kind: string): number[] =>
      acts.flatMap((act, n) => (act.kind === 'step' && act.step.kind === kind ? [n] : []));
    expect(Math.max(...at('upgradeControlPlane'))).toBeLessThan(commit);
    expect(commit).toBeLessThan(Math.min(...at('upgradeKubelet')));
  });

  it('the next hop begins where the first ends', () => {
    const { observed, acts } = rehearsed({ controlPlanes: 1, workers: 1 });
    expect(acts.at(-1)).toMatchObject({ kind: 'done', outcome: { kind: 'upgraded' } });
    expect(observed.nodes.map(({ kubelet, cordoned }) => [kubelet, cordoned])).toEqual([
      ['1.35.4', false],
      ['1.35.4', false],
    ]);
  });

  it('a cluster of two etcd members → ends as the engine would end it, with its reason', () => {
    const { acts } = rehearsed({ controlPlanes: 2, workers: 1 });
    expect(acts).toMatchObject([{ kind: 'done', outcome: { kind: 'skipped', reason: { code: 'quorum_at_risk' } } }]);
  });
});
