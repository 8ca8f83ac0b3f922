import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reason, type Series, type SliSamples } from '@wavegate/fleet';
import { judge } from './judge.js';
import { DEFAULT_POLICY, type JudgeInput } from './judge-input.js';

const harm = { promote: 0, hold: 1, inconclusive: 2, rollback: 3 };

/** Bad shares lie around the limits that matter: none, about the objective, fast burn, an outage. */
const sample = fc
  .tuple(fc.constantFrom(0, 0.0005, 0.002, 0.02, 0.3, 1), fc.constantFrom(0, 20, 1000, 40_000))
  .map(([share, total]): readonly [number, number] => [Math.floor(share * total), total]);
const series: fc.Arbitrary<Series> = fc.array(fc.option(sample, { freq: 6 }), { maxLength: 25 });
const sli = (name: string): fc.Arbitrary<SliSamples> =>
  fc.record({
    name: fc.constant(name),
    objective: fc.constantFrom(0.99, 0.999),
    decisive: fc.boolean(),
    baseline: fc.constantFrom<Series>([], [[0, 1000]], [[1, 20], null, [0, 40_000]]),
    after: series,
  });
const given: fc.Arbitrary<JudgeInput> = fc
  .record({
    slis: fc.tuple(sli('a'), sli('b')).chain((both) => fc.subarray(both)),
    violated: fc.array(fc.boolean(), { maxLength: 2 }),
    minutes: fc.integer({ min: 0, max: 40 }),
    allowanceMs: fc.constantFrom(0, 60_000, 180_000),
    onBurn: fc.constantFrom('hold' as const, 'rollback' as const),
  })
  .map(({ slis, violated, minutes, allowanceMs, onBurn }) => ({
    slis,
    gates: violated.map((is, n) => ({ name: `gate-${n}`, violated: is, reason: reason('aborted_mid_order') })),
    policy: { ...DEFAULT_POLICY, allowanceMs, onBurn },
    elapsedMs: minutes * 60_000,
  }));

describe('judging, whatever the samples', () => {
  it('the verdict is one of four words, and a rollback always says why', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(given, (input) => {
        const verdict = judge(input);
        reached.add(verdict.kind);
        expect(Object.keys(harm)).toContain(verdict.kind);
        if (verdict.kind === 'rollback') expect(verdict.reasons.length).toBeGreaterThan(0);
        if (verdict.kind === 'promote') expect(verdict.reasons).toEqual([]);
      }),
      { numRuns: 2000 },
    );
    expect([...reached].sort()).toEqual(['hold', 'inconclusive', 'promote', 'rollback']);
  });

  it('I14: with a decisive objective unseen, nothing is ever promoted', () => {
    const unseen = fc.constantFrom<Series>(
      [],
      [null, null, null],
      [
        [0, 0],
        [0, 0],
      ],
      [[NaN, 5]],
      [[7, 3]],
    );
    fc.assert(
      fc.property(given, unseen, (input, after) => {
        const blind: SliSamples = { name: 'c', objective: 0.999, decisive: true, baseline: [[0, 1000]], after };
        expect(judge({ ...input, slis: [...input.slis, blind] }).kind).not.toBe('promote');
      }),
    );
  });

  it('I14: taking a sample away never turns a verdict into a promotion, unless that sample was the harm', () => {
    fc.assert(
      fc.property(given, fc.nat(1), fc.nat(24), (input, which, at) => {
        const before = judge(input).kind;
        const slis = input.slis.map((one, n) =>
          n === which ? { ...one, after: one.after.map((s, k) => (k === at && s?.[0] === 0 ? null : s)) } : one,
        );
        if (before !== 'promote')
          expect(judge({ ...input, policy: { ...input.policy, allowanceMs: 0 }, slis }).kind).not.toBe('promote');
      }),
    );
  });

  it('more harm never gives a milder verdict', () => {
    fc.assert(
      fc.property(given, fc.nat(1), fc.nat(24), fc.nat(40_000), (input, which, at, extra) => {
        const worse = input.slis.map((one, n) => {
          if (n !== which) return one;
          const after = one.after.map((s, k): readonly [number, number] | null =>
            s && k === at ? [Math.min(s[1], s[0] + extra), s[1]] : s,
          );
          return { ...one, after };
        });
        expect(harm[judge({ ...input, slis: worse }).kind]).toBeGreaterThanOrEqual(harm[judge(input).kind]);
      }),
      { numRuns: 1000 },
    );
  });

  it('the order of objectives and of gates never changes the verdict', () => {
    fc.assert(
      fc.property(given, (input) => {
        const turned = { ...input, slis: input.slis.toReversed(), gates: input.gates.toReversed() };
        expect(judge(turned).kind).toBe(judge(input).kind);
        expect(judge(turned).period).toBe(judge(input).period);
      }),
    );
  });

  it('a budget that fired is not forgotten: more periods never take a rollback back', () => {
    fc.assert(
      fc.property(given, series, (input, later) => {
        // Without a baseline the budget's size is counted from the very periods that are added.
        const slis = input.slis.map((one) => ({ ...one, baseline: [[0, 1000]] as Series }));
        if (judge({ ...input, slis }).kind !== 'rollback') return;
        const longer = slis.map((one) => ({ ...one, after: [...one.after, ...later] }));
        expect(judge({ ...input, slis: longer }).kind).toBe('rollback');
      }),
    );
  });

  it('a larger allowance never gives a harsher verdict', () => {
    fc.assert(
      fc.property(given, (input) => {
        const more = { ...input, policy: { ...input.policy, allowanceMs: input.policy.allowanceMs + 60_000 } };
        expect(harm[judge(more).kind]).toBeLessThanOrEqual(harm[judge(input).kind]);
      }),
    );
  });
});
