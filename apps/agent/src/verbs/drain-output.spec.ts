import { describe, expect, it } from '@jest/globals';
import { reason, type DrainCounts, type DrainProgress, type DrainWait } from '@wavegate/fleet';
import { endText, nodeLeft } from './drain-output.js';

const NONE: DrainCounts = { kept: 0, queued: 0, evicting: 0, blocked: 0, terminating: 0, gone: 0 };
const wait: DrainWait = {
  ...{ pod: 'shop/cart-1', state: 'blocked', pdb: 'shop/cart', owner: 'Deployment shop/cart' },
  detail: '0 disruptions allowed: 3 of its 3 pods are healthy, 3 must be',
  since: Date.parse('2026-11-21T10:00:00Z'),
};
const progress = (counts: Partial<DrainCounts>, waits: readonly DrainWait[] = []): DrainProgress => ({
  ...{ node: 'w-1', counts: { ...NONE, ...counts }, waits },
});
const timedOut = {
  kind: 'failed',
  reason: reason('drain_timed_out', { node: 'w-1', pod: 'shop/cart-1', pdb: 'cart' }),
} as const;

describe('how a drain that failed left the node', () => {
  it.each([
    ['nothing was looked at', null, 'nothing was changed'],
    ['refused before the first eviction', progress({ queued: 3, kept: 2 }), 'nothing was changed'],
    ['all pods still asked for, none answered', progress({ evicting: 3 }), 'the node stays closed'],
    ['blocked', progress({ blocked: 1, queued: 2 }), 'the node stays closed'],
    ['some gone', progress({ gone: 1 }), 'the node stays closed'],
  ])('%s → told as it is', (_title, last, words) => {
    expect(nodeLeft('w-1', last)).toContain(words);
  });
});

describe('the end of a drain for scripts', () => {
  const end = { node: 'w-1', end: timedOut, last: progress({ gone: 2, blocked: 1 }, [wait]), ms: 20_130 };

  it('as CSV → the node’s own row first, then a row for each pod that is named', () => {
    expect(endText(end, 'csv').split('\r\n')).toEqual([
      'node,pod,state,owner,pdb,since,why',
      'w-1,,failed,,,,draining node w-1 took too long: pod shop/cart-1 is held by PDB cart',
      'w-1,shop/cart-1,blocked,Deployment shop/cart,shop/cart,2026-11-21T10:00:00.000Z,"0 disruptions allowed: 3 of its 3 pods are healthy, 3 must be"',
      '',
    ]);
  });

  it('as JSON → one document with the reason, the numbers and the waits', () => {
    expect(JSON.parse(endText(end, 'json'))).toMatchObject({
      ...{ node: 'w-1', drained: false, seconds: 20.1, reason: { code: 'drain_timed_out' } },
      ...{ counts: { gone: 2 }, waits: [{ pod: 'shop/cart-1', since: '2026-11-21T10:00:00.000Z' }] },
    });
  });

  it('drained, and a pod came back by its toleration → named in its own line', () => {
    const kept: DrainWait = { ...wait, state: 'kept', pdb: '', detail: 'came after the node was closed' };
    const text = endText({ ...end, end: { kind: 'succeeded' }, last: progress({ gone: 2, kept: 1 }, [kept]) }, 'text');
    expect(text).toBe(
      'w-1  drained in 20.1 s: 2 pods evicted, 1 stay; the node is closed\n' +
        'w-1  stays  shop/cart-1: came after the node was closed; owner Deployment shop/cart\n',
    );
  });
});
