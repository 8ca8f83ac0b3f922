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
/** An hour before the change, with a worse minute now and then. */
const long = (bad: number, total: number): Series =>
  Array.from({ length: 60 }, (_, n) => [n % 7 === 0 ? bad * 3 : bad, total] as const);
const sli = (name: string): fc.Arbitrary<SliSamples> =>
  fc.record({
    name: fc.constant(name),
    objective: fc.constantFrom(0.99, 0.999),
    decisive: fc.boolean(),
    baseline: fc.constantFrom<Series>([], [[1, 20], null, [0, 40_000]], long(0, 1000), long(2, 1000), long(4, 40_000)),
    after: series,
  });
const given: fc.Arbitrary<JudgeInput> = fc
  .record({
    slis: fc.tuple(sli('a'), sli('b')).chain((both) => fc.subarray(both)),
    violated: fc.array(fc.boolean(), { maxLength: 2 }),
    minutes: fc.integer({ min: 0, max: 40 }),
    allowanceMs: fc.constantFrom(0, 60_000, 180_000),
    onBurn: fc.constantFrom('hold' as const, 'rollback' as const),
    disruptionSeconds: fc.array(fc.constantFrom(0, 0, 1, 20, 60), { minLength: 25, maxLength: 25 }),
  })
  .map(({ slis, violated, minutes, allowanceMs, onBurn, disruptionSeconds }) => ({
    disruptionSeconds,
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
        const blind: SliSamples = { name: 'c', objective: 0.999, decisive: true, baseline: long(0, 1000), after };
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

  it('what the probe saw up is charged whole, however much is declared', () => {
    const up = new Array<number>(25).fill(0);
    fc.assert(
      fc.property(given, (input) => {
        const [none, declared] = [0, 3_600_000].map((allowanceMs) =>
          judge({ ...input, disruptionSeconds: up, policy: { ...input.policy, allowanceMs } }),
        );
        expect(declared).toEqual(none);
      }),
    );
  });

  it('more disruption seen, with enough declared, never gives a harsher verdict', () => {
    fc.assert(
      fc.property(given, fc.nat(24), (input, at) => {
        const policy = { ...input.policy, allowanceMs: 3_600_000 };
        const saw = (seconds: number) => input.disruptionSeconds?.map((one, k) => (k === at ? seconds : one)) ?? [];
        const [up = 0, some = 0, all = 0] = [0, 20, 60].map(
          (seconds) => harm[judge({ ...input, policy, disruptionSeconds: saw(seconds) }).kind],
        );
        expect(some).toBeLessThanOrEqual(up);
        expect(all).toBeLessThanOrEqual(some);
      }),
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
        const slis = input.slis.map((one) => ({ ...one, baseline: long(0, 1000) }));
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

  /** Errors in bursts of many: what a past of such scatter makes of counts, it makes of ten times the counts. */
  const bursts = (seed: number, factor: number, each: number): SliSamples => {
    let state = seed >>> 0;
    const next = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4_294_967_296;
    const of = (periods: number, times: number): Series =>
      Array.from({ length: periods }, () => [Math.floor(next() * 200 * times) * each, 50_000 * each] as const);
    return { name: 'a', objective: 0.999, decisive: true, baseline: of(60, 1), after: of(20, factor) };
  };

  it('every event counted ten times → neither surer of a regression nor of none: the scatter grows with the counts', () => {
    const seeds = fc.integer({ min: 1, max: 1e9 });
    const policy = { ...DEFAULT_POLICY, consumedLimit: 1, fastBurn: 1e6 };
    fc.assert(
      fc.property(seeds, fc.constantFrom(0.5, 1, 2, 4), (seed, factor) => {
        const [one, ten] = [1, 10].map((each) => {
          const slis = [bursts(seed, factor, each)];
          return judge({ slis, gates: [], policy, elapsedMs: 20 * 60_000 }).slis[0]?.comparison;
        });
        expect(ten?.overdispersion).toBeGreaterThan(9 * (one?.overdispersion ?? Infinity));
        expect(Math.log(ten?.evidence ?? 0)).toBeCloseTo(Math.log(one?.evidence ?? 0), 1);
        expect(ten?.atMost).toBeCloseTo(one?.atMost ?? 0, 4);
      }),
    );
  });

  it('equal clusters in another order, and a past told backwards in whole blocks → the same verdict', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(1, 2, 4), (seed, factor) => {
        const own = bursts(seed, factor, 1);
        const controls = [1, 2, 3, 4].map((n) => bursts(seed + n * 7919, n === 4 ? factor : 1, 1));
        const verdictOf = (sli: SliSamples) => {
          const { kind, period, slis } = judge({
            slis: [sli],
            gates: [],
            policy: DEFAULT_POLICY,
            elapsedMs: 1_200_000,
          });
          return { kind, period, state: slis[0]?.state, peers: slis[0]?.comparison?.peers };
        };
        const told = verdictOf({ ...own, controls });
        expect(verdictOf({ ...own, controls: controls.toReversed() })).toEqual(told);
        expect(verdictOf({ ...own, controls, baseline: own.baseline.toReversed() })).toEqual(told);
      }),
    );
  });
});
