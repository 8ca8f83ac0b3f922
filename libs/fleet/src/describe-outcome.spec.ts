import { describe, expect, it } from '@jest/globals';
import { describeOutcome, describeStanding } from './describe-outcome.js';
import type { Outcome } from './outcome.js';
import { reason } from './reason.js';

const standing = {
  'apiserver/cp-1': '1.35.4',
  'kubelet/w-1': '1.34.4',
  'kubelet/w-2': '1.34.4',
  'kubelet/w-3': '1.35.4',
};

describe('outcomes in words', () => {
  it.each<[string, Outcome, string]>([
    [
      'a rollback of workers says that the committed control plane stays',
      {
        kind: 'rolledBack',
        rung: 2,
        extent: { returned: ['workers w-1, w-2'], stays: ['control plane 1.35.4'] },
        reason: reason('slo_burned', { objective: 'checkout-availability', consumedPercent: 2.4, minutes: 6 }),
        standing,
      },
      'rolled back (rung 2, worker): checkout-availability burned 2.4 % of its 30-day budget in 6 minutes. ' +
        'workers w-1, w-2 returned; what stays: control plane 1.35.4',
    ],
    [
      'a rollback that was judged afterwards says whether it helped',
      {
        kind: 'rolledBack',
        rung: 2,
        extent: { returned: ['w-1'], stays: [] },
        reason: reason('rollback_asked', { by: 'ada', rungs: '2' }),
        standing,
        judged: reason('rollback_judged', { helped: 'yes', detail: 'checkout 4.2 % → 0.1 %' }),
      },
      'rolled back (rung 2, worker): rollback asked for by ada, approved rungs: 2. w-1 returned; nothing stays behind. ' +
        'Judged afterwards: it helped (checkout 4.2 % → 0.1 %)',
    ],
    [
      'a restore of etcd says what is lost',
      {
        kind: 'rolledBack',
        rung: 6,
        extent: { returned: ['control plane 1.34.4'], stays: [] },
        reason: reason('rollback_asked', { by: 'ada', rungs: '6' }),
        standing: {},
      },
      'rolled back (rung 6, etcdRestore; data loss: every write since the snapshot): rollback asked for by ada, approved rungs: 6. ' +
        'control plane 1.34.4 returned; nothing stays behind',
    ],
    [
      'a halt names the versions and what is still cordoned',
      {
        kind: 'halted',
        reason: reason('drain_timed_out', { node: 'w-3', pod: 'payments/cart-1', pdb: 'cart' }),
        standing,
        cordoned: ['w-3'],
      },
      'halted for a person: draining node w-3 took too long: pod payments/cart-1 is held by PDB cart. ' +
        'It stands at apiserver 1.35.4, kubelet 1.35.4, kubelet 1.34.4 ×2; still cordoned: w-3',
    ],
    [
      'a skip changed nothing',
      { kind: 'skipped', reason: reason('skipped_by_person', { by: 'ada' }) },
      'skipped, nothing was changed: skipped by ada',
    ],
    [
      'a lost cluster promises nothing',
      { kind: 'lost', since: 0 },
      'lost: started, then silent since 1970-01-01T00:00Z; what stands at which version is not known',
    ],
    ['an upgrade', { kind: 'upgraded', standing: { 'apiserver/cp-1': '1.35.4' } }, 'upgraded: apiserver 1.35.4'],
  ])('%s', (_, outcome, sentence) => {
    expect(describeOutcome(outcome)).toBe(sentence);
  });

  it('nothing was seen → nothing is claimed', () => {
    expect(describeStanding({})).toBe('versions not seen');
  });

  it('many nodes are counted instead of listed', () => {
    const cordoned = Array.from({ length: 9 }, (_, n) => `w-${n}`);
    const halted: Outcome = { kind: 'halted', reason: reason('aborted_mid_order'), standing: {}, cordoned };
    expect(describeOutcome(halted)).toMatch(/still cordoned: w-0, w-1, w-2, w-3, w-4 and 4 more$/);
  });
});
