import { describe, expect, it } from '@jest/globals';
import { reason, type HardGate, type Series, type SliSamples } from '@wavegate/fleet';
import { judge, replay } from './judge.js';
import { DEFAULT_POLICY, type JudgeInput, type JudgePolicy } from './judge-input.js';

const MINUTE = 60_000;
const flat = (periods: number, bad: number, total: number): Series =>
  Array.from({ length: periods }, (): readonly [number, number] => [bad, total]);
const sli = (after: Series, more: Partial<SliSamples> = {}): SliSamples => ({
  name: 'apiserver-availability',
  objective: 0.999,
  decisive: true,
  baseline: flat(60, 0, 1000),
  after,
  ...more,
});
const gate = (violated: boolean): HardGate => ({
  name: 'nodeReady',
  violated,
  reason: reason('node_not_ready', { node: 'w-1', until: 0 }),
});
const input = (slis: readonly SliSamples[], more: Partial<JudgeInput> = {}): JudgeInput => ({
  slis,
  gates: [],
  policy: DEFAULT_POLICY,
  elapsedMs: (slis[0]?.after.length ?? 0) * MINUTE,
  ...more,
});
const policy = (more: Partial<JudgePolicy>): JudgePolicy => ({ ...DEFAULT_POLICY, ...more });
const codes = (given: JudgeInput) => judge(given).reasons.map(({ code }) => code);

describe('a quiet cluster', () => {
  it('ten clean minutes → promote, with the numbers it rests on', () => {
    const verdict = judge(input([sli(flat(10, 0, 1000))]));
    expect(verdict).toMatchObject({
      schema: 1,
      kind: 'promote',
      period: 10,
      reasons: [],
      slis: [
        {
          name: 'apiserver-availability',
          decisive: true,
          periods: 10,
          bad: 0,
          total: 10_000,
          missing: 0,
          consumed: 0,
          burn: 0,
          state: 'good',
          comparison: { baselinePeriods: 60, before: 0, now: 0, overdispersion: 1, evidenceNeeded: 100, peers: 0 },
        },
      ],
    });
    const { atMost = 1, allowed = 0 } = verdict.slis[0]?.comparison ?? {};
    expect(atMost).toBeLessThan(allowed);
  });

  it('clean, but not soaked long enough → hold', () => {
    expect(judge(input([sli(flat(4, 0, 1000))])).kind).toBe('hold');
  });

  it('errors at half the rate that the objective allows, as before → promote', () => {
    const usual = { baseline: flat(60, 1, 2000) };
    expect(judge(input([sli(flat(14, 1, 2000), usual)])).kind).toBe('promote');
  });

  it('the same errors where there were none before → hold, decided: it is worse than its own past', () => {
    expect(judge(input([sli(flat(10, 1, 2000))]))).toMatchObject({
      kind: 'hold',
      period: 3,
      reasons: [{ code: 'slo_regressed', params: { objective: 'apiserver-availability', periods: 3, peers: 0 } }],
      slis: [{ state: 'worse' }],
    });
  });
});

describe('the error budget', () => {
  it('14.4 × for an hour costs 2 % of the 30-day budget (the workbook), and rolls back', () => {
    // 1.44 % bad at 99.9 %; the fast rule is switched off to let the budget speak.
    const hour = input([sli(flat(60, 14.4, 1000))], { policy: policy({ fastBurn: Infinity }) });
    const verdict = judge(hour);
    expect(verdict.slis[0]?.consumed).toBeCloseTo(0.02, 10);
    expect(verdict.slis[0]?.burn).toBeCloseTo(14.4, 10);
    expect(verdict.kind).toBe('rollback');
    const less = input([sli(flat(59, 14.4, 1000))], { policy: policy({ fastBurn: Infinity, maxSoakMs: Infinity }) });
    expect(judge(less).kind).toBe('hold');
  });

  it('two periods of fast burn in a row → rollback in the second', () => {
    const after: Series = [...flat(6, 0, 1000), [20, 1000], [20, 1000]];
    expect(judge(input([sli(after)]))).toMatchObject({
      kind: 'rollback',
      period: 8,
      reasons: [{ code: 'slo_fast_burn', params: { objective: 'apiserver-availability', burn: 20 } }],
    });
  });

  it('one freak period → no rollback, and promoted once enough quiet minutes have outweighed it', () => {
    const freak: Series = [...flat(3, 0, 4000), [20, 4000], ...flat(4, 0, 4000)];
    const usual = { baseline: flat(60, 0, 4000) };
    expect(judge(input([sli(freak, usual)])).kind).toBe('hold');
    expect(judge(input([sli([...freak, ...flat(16, 0, 4000)], usual)])).kind).toBe('promote');
  });

  it('2 % of the budget gone and still going → rollback, saying how much in how long', () => {
    // 30 days of 1000 a minute at 99.9 % may have 43,200 bad events: 2 % are 864.
    const after: Series = [
      [500, 1000],
      [0, 1000],
      [0, 1000],
      [0, 1000],
      [0, 1000],
      [0, 1000],
      [364, 1000],
    ];
    expect(judge(input([sli(after)]))).toMatchObject({
      kind: 'rollback',
      period: 7,
      reasons: [{ code: 'slo_burned', params: { consumedPercent: 2, minutes: 7 } }],
    });
  });

  it('what fired once stays decided however the cluster looks later', () => {
    const after: Series = [...flat(2, 20, 1000), ...flat(20, 0, 1000)];
    expect(judge(input([sli(after)]))).toMatchObject({ kind: 'rollback', period: 2 });
  });

  it('the plan wants to hold instead → hold, later inconclusive', () => {
    const burning = [sli(flat(6, 20, 1000))];
    expect(judge(input(burning, { policy: policy({ onBurn: 'hold' }) })).kind).toBe('hold');
    expect(judge(input(burning, { policy: policy({ onBurn: 'hold' }), elapsedMs: 31 * MINUTE })).kind).toBe(
      'inconclusive',
    );
  });

  describe('a burn only holds, and a regression goes back', () => {
    const wanted = policy({ onBurn: 'hold', onRegression: 'rollback' });
    const usual = { baseline: flat(60, 1, 1000) };

    it('milder harm goes back, so that worse harm does too; both are told, what asked for it first', () => {
      const worse = judge(input([sli(flat(20, 6, 1000), usual)], { policy: wanted }));
      expect(worse).toMatchObject({ kind: 'rollback', reasons: [{ code: 'slo_regressed' }] });
      const both = judge(input([sli(flat(20, 200, 1000), usual)], { policy: wanted }));
      expect(both).toMatchObject({ kind: 'rollback', reasons: [{ code: 'slo_regressed' }, { code: 'slo_fast_burn' }] });
    });

    it('a violated gate beside a regression → back, since the regression asks for it; the gate alone → held', () => {
      const gates = [gate(true)];
      const worse = [sli(flat(20, 6, 1000), usual)];
      expect(judge(input(worse, { gates, policy: wanted })).kind).toBe('rollback');
      expect(judge(input([sli(flat(20, 1, 1000), usual)], { gates, policy: wanted })).kind).toBe('hold');
    });

    it('a burn without a past to compare with → held, and later a person looks', () => {
      const burning = [sli(flat(6, 200, 1000), { baseline: [] })];
      expect(judge(input(burning, { policy: wanted })).kind).toBe('hold');
      expect(judge(input(burning, { policy: wanted, elapsedMs: 31 * MINUTE })).kind).toBe('inconclusive');
    });

    it('replayed → does not stop at the burn that holds, as a live agent does not', () => {
      const { verdict, final, periods } = replay(input([sli(flat(20, 200, 1000), usual)], { policy: wanted }));
      expect([verdict.kind, final, periods]).toEqual(['rollback', true, verdict.period]);
    });
  });

  it('an advisory objective burns → it is shown and decides nothing', () => {
    const verdict = judge(
      input([sli(flat(10, 0, 1000)), sli(flat(10, 500, 1000), { name: 'churn', decisive: false })]),
    );
    expect(verdict.kind).toBe('promote');
    expect(verdict.slis.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'apiserver-availability good',
      'churn burning',
    ]);
  });

  it('a handful of events is chance, not harm: one bad of ten → hold, not rollback', () => {
    expect(
      judge(
        input([
          sli(
            [
              [1, 5],
              [0, 5],
            ],
            { baseline: flat(60, 0, 5) },
          ),
        ]),
      ).kind,
    ).toBe('hold');
  });

  it('no baseline → the budget is counted from the rate since the change, and nothing is promoted without a past', () => {
    const verdict = judge(input([sli(flat(10, 0.1, 1000), { baseline: [] })]));
    expect(verdict.slis[0]?.consumed).toBeCloseTo(1 / 43_200, 10);
    expect(verdict).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'baseline_missing', params: { periods: 0, need: 10 } }],
    });
  });
});

describe('a declared disruption', () => {
  const outage: Series = [null, [1000, 1000], ...flat(8, 0, 1000)];

  it('two minutes without API server, three declared → promote', () => {
    expect(judge(input([sli(outage)], { policy: policy({ allowanceMs: 3 * MINUTE }) }))).toMatchObject({
      kind: 'promote',
      slis: [{ bad: 1000, missing: 1, consumed: 0 }],
    });
  });

  it('two minutes without API server, none declared → rollback', () => {
    expect(judge(input([sli(outage)])).kind).toBe('rollback');
  });

  it('the allowance is used up by the first trouble: what comes after is charged', () => {
    const again: Series = [...flat(3, 1000, 1000), ...flat(5, 0, 1000), ...flat(2, 1000, 1000)];
    expect(judge(input([sli(again)], { policy: policy({ allowanceMs: 3 * MINUTE }) }))).toMatchObject({
      kind: 'rollback',
      period: 9,
    });
  });

  it('5 % errors while the probe says "up" → rolled back as if nothing were declared, with a probe and without', () => {
    const declared = policy({ allowanceMs: 3 * MINUTE });
    const partial = [sli(flat(10, 50, 1000))];
    const up = { disruptionSeconds: new Array<number>(10).fill(0) };
    const expected = { kind: 'rollback', period: 2, reasons: [{ code: 'slo_fast_burn' }] };
    expect(judge(input(partial))).toMatchObject(expected);
    expect(judge(input(partial, { policy: declared, ...up }))).toMatchObject(expected);
    expect(judge(input(partial, { policy: declared }))).toMatchObject(expected);
  });

  it('a regression is held as early as if nothing were declared', () => {
    const worse = [sli(flat(10, 5, 1000), { baseline: flat(60, 1, 1000) })];
    const up = { disruptionSeconds: new Array<number>(10).fill(0) };
    const bare = judge(input(worse));
    expect(bare).toMatchObject({ kind: 'hold', reasons: [{ code: 'slo_regressed' }] });
    expect(judge(input(worse, { policy: policy({ allowanceMs: 3 * MINUTE }), ...up })).period).toBe(bare.period);
  });

  it('20 of 60 seconds down → a third of the period is covered, and what is beyond counts', () => {
    const given = (bad: number) =>
      judge(
        input([sli([[bad, 1000], ...flat(6, 0, 1000)])], {
          policy: policy({ allowanceMs: 3 * MINUTE }),
          disruptionSeconds: [20, 0, 0, 0, 0, 0, 0],
        }),
      ).slis[0]?.consumed;
    expect(given(300)).toBe(0);
    expect(given(600)).toBeCloseTo((600 - 1000 / 3) / 43_200, 10);
  });

  it('an outage whose errors are scraped a period late → covered there, and not two periods late', () => {
    const late = (at: number) => {
      const after = flat(8, 0, 1000).map((sample, n) => (n === at ? ([1000, 1000] as const) : sample));
      const seen = { disruptionSeconds: [60, 0, 0, 0, 0, 0, 0, 0] };
      return judge(input([sli(after)], { policy: policy({ allowanceMs: 3 * MINUTE }), ...seen })).slis[0]?.consumed;
    };
    expect([late(0), late(1)]).toEqual([0, 0]);
    expect(late(2)).toBeCloseTo(1000 / 43_200, 10);
  });

  it('an outage that the probe did not see is charged, however much is declared', () => {
    const seen = { disruptionSeconds: new Array<number>(10).fill(0) };
    const given = input([sli([...flat(2, 1000, 1000), ...flat(8, 0, 1000)])], {
      policy: policy({ allowanceMs: 3 * MINUTE }),
    });
    expect(judge({ ...given, ...seen }).kind).toBe('rollback');
    expect(judge({ ...given, disruptionSeconds: [60, 60, 0, 0, 0, 0, 0, 0, 0, 0] }).kind).toBe('promote');
  });

  it('half a period of allowance covers half a period of outage', () => {
    const given = input([sli([[1000, 1000], ...flat(6, 0, 1000)])], { policy: policy({ allowanceMs: MINUTE / 2 }) });
    expect(judge(given).slis[0]?.consumed).toBeCloseTo(500 / 43_200, 10);
  });
});

describe('no data never promotes', () => {
  it.each<[string, SliSamples[], string]>([
    ['no sample at all', [sli([null, null, null, null, null, null])], 'noData'],
    ['no period yet', [sli([])], 'noData'],
    ['only periods without events', [sli(flat(10, 0, 0))], 'noData'],
    ['more than half missing', [sli([null, null, null, null, null, null, ...flat(5, 0, 1000)])], 'noData'],
    ['nothing in the last five minutes', [sli([...flat(10, 0, 1000), null, null, null, null, null])], 'noData'],
    ['too few events', [sli(flat(10, 0, 9))], 'tooFew'],
    ['more bad than all', [sli(flat(10, 2, 1))], 'noData'],
    ['negative counts', [sli(flat(10, -1, 1000))], 'noData'],
    ['not a number', [sli(flat(10, NaN, NaN))], 'noData'],
    ['infinitely many', [sli(flat(10, 0, Infinity))], 'noData'],
    ['an objective of 100 %', [sli(flat(10, 0, 1000), { objective: 1 })], 'noData'],
  ])('%s → hold, and it says for which objective', (_, slis, state) => {
    const given = input(slis, { elapsedMs: 10 * MINUTE });
    expect(judge(given)).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'no_data', params: { objective: 'apiserver-availability' } }],
      slis: [{ state }],
    });
  });

  it('an objective that was asked for has no samples → hold, then inconclusive', () => {
    const asked = { objectives: ['checkout-availability'] };
    expect(judge(input([], { ...asked, elapsedMs: 10 * MINUTE }))).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'no_data', params: { objective: 'checkout-availability' } }],
    });
    expect(judge(input([sli(flat(40, 0, 1000))], asked)).kind).toBe('inconclusive');
  });

  it('one objective is good and another has no data → hold', () => {
    expect(judge(input([sli(flat(10, 0, 1000)), sli([null], { name: 'writes' })])).kind).toBe('hold');
  });
});

describe('hard gates', () => {
  it('a violated gate → rollback at once, whatever the numbers say', () => {
    const given = input([sli(flat(10, 0, 1000))], { gates: [gate(false), gate(true)] });
    expect(judge(given)).toMatchObject({ kind: 'rollback', period: 10, reasons: [{ code: 'node_not_ready' }] });
  });

  it('a violated gate where the plan wants to hold → hold', () => {
    expect(judge(input([], { gates: [gate(true)], policy: policy({ onBurn: 'hold' }) })).kind).toBe('hold');
  });

  it('the gate is named before the objective that burns with it', () => {
    expect(codes(input([sli(flat(6, 20, 1000))], { gates: [gate(true)] }))).toEqual([
      'node_not_ready',
      'slo_fast_burn',
    ]);
  });

  it('no objectives asked for → the gates alone decide, after the least soak', () => {
    expect(judge(input([], { gates: [gate(false)], elapsedMs: 5 * MINUTE - 1 })).kind).toBe('hold');
    expect(judge(input([], { gates: [gate(false)], elapsedMs: 5 * MINUTE })).kind).toBe('promote');
  });
});
