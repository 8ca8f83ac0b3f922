import { describe, expect, it } from '@jest/globals';
import { acceptOrder, beginStep, endStep, startOrder, type Observed, type ObservedNode } from '@wavegate/upgrade';
import { hardGates } from './hard-gates.js';
import { sampleOrder } from './testing/sample-order.js';

const AT = 10_000_000;
const step = { kind: 'upgradeKubelet', name: 'upgradeKubelet/w-1', node: 'w-1', from: '1.34.4', to: '1.35.4' } as const;
const journal = (() => {
  const begun = beginStep(startOrder(acceptOrder(sampleOrder(), 0), 0), step, 1);
  return endStep(begun, step.name, { kind: 'succeeded' }, 2);
})();

function seen(node: Partial<ObservedNode>, reachableSince = 0): Observed {
  const base = { zone: '', kubelet: '1.35.4', ready: true, readySince: 0, cordoned: false, cordonedBy: null };
  const one = { ...base, name: 'w-1', role: 'worker', podsToEvict: 0, staticPods: {}, ...node } as const;
  return { at: AT, uid: 'uid-1', reachable: true, reachableSince, nodes: [one], etcd: null };
}

const violated = (observed: Observed) => hardGates(journal, observed).some((gate) => gate.violated);

describe('hard gates', () => {
  it('a changed node is unready for over a minute → violated; for less → a blink', () => {
    expect(violated(seen({ ready: false, readySince: AT - 61_000 }))).toBe(true);
    expect(violated(seen({ ready: false, readySince: AT - 30_000 }))).toBe(false);
  });

  it('unready since an outage of the API that has just ended → given its time again', () => {
    expect(violated(seen({ ready: false, readySince: AT - 300_000 }, AT - 5_000))).toBe(false);
    expect(violated(seen({ ready: false, readySince: AT - 300_000 }, AT - 61_000))).toBe(true);
  });

  it('an unready node that this order did not change → none of its gates', () => {
    expect(hardGates(journal, seen({ name: 'w-2', ready: false, readySince: 0 }))).toEqual([]);
  });
});
