import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeReason } from './describe-reason.js';
import { REASON_CODES, reason, type Reason, type ReasonCode } from './reason.js';

const at = Date.UTC(2026, 10, 23, 10, 40, 59);

describe('reasons in words', () => {
  it.each<[Reason, string]>([
    [reason('soak_running', { wave: 2, until: at }), 'wave 2 soaks until 2026-11-23T10:40Z'],
    [reason('budget_exceeded', { wave: 1, failures: 1, tolerated: 0 }), 'wave 1 has 1 failure and tolerates 0'],
    [reason('budget_exceeded', { wave: 2, failures: 2, tolerated: 1 }), 'wave 2 has 2 failures and tolerates 1'],
    [reason('approval_missing', { wave: 3, have: 1, need: 2 }), 'wave 3 has 1 of 2 approvals'],
    [reason('window_closed', { opensAt: at }), 'its window opens at 2026-11-23T10:40Z'],
    [
      reason('drain_blocked', {
        node: 'w-3',
        pod: 'payments/cart-1',
        pdb: 'cart',
        owner: '',
        since: at,
        until: at + 60_000,
      }),
      'node w-3: pod payments/cart-1 is held by PDB cart (owner unknown) since 2026-11-23T10:40Z; gives up at 2026-11-23T10:41Z',
    ],
    [reason('rollout_finished'), 'the rollout is finished'],
  ])('%j → %s', (given, sentence) => {
    expect(describeReason(given)).toBe(sentence);
  });

  it('every parameter of every code is said', () => {
    for (const [code, names] of Object.entries(REASON_CODES)) {
      const params = Object.fromEntries(names.map((name, n) => [name, `<${name}-${n}>`]));
      const sentence = describeReason({ code: code as ReasonCode, params });
      for (const name of names) expect(`${code}: ${sentence}`).toContain(String(params[name]));
    }
  });

  it('every sentence is one line without a full stop', () => {
    for (const code of Object.keys(REASON_CODES)) {
      expect(describeReason({ code: code as ReasonCode, params: {} })).toMatch(/^[^\n]{4,200}[^.\n]$/);
    }
  });

  it('a formatter of the reader is used for times', () => {
    expect(describeReason(reason('soak_running', { wave: 2, until: at }), () => '10:40')).toBe(
      'wave 2 soaks until 10:40',
    );
  });

  it('a code of a newer release is shown with its parameters', () => {
    const newer = { code: 'moon_phase', params: { phase: 'full', day: 3 } } as unknown as Reason;
    expect(describeReason(newer)).toBe('moon_phase (day 3, phase full)');
  });

  it('whatever parameters a peer sends, there is a sentence and no crash', () => {
    const codes = fc.constantFrom(...(Object.keys(REASON_CODES) as ReasonCode[]));
    const params = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double(), fc.integer()));
    fc.assert(
      fc.property(codes, params, (code, given) => {
        expect(describeReason({ code, params: given }).length).toBeGreaterThan(0);
      }),
    );
  });
});
