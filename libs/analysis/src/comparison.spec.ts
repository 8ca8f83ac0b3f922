import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ControlSamples, Series, SliSamples } from '@wavegate/fleet';
import { DEFAULT_POLICY, type JudgePolicy } from './judge-input.js';
import { judge, replay } from './judge.js';
import { plotSli } from './plot-sli.js';
import { readSeries } from './read-series.js';
import { makeEvidence, recompute } from './verdict-evidence.js';

const MINUTE = 60_000;
/** A cluster with an ordinary past: 0, 1 or 2 bad of 1,000 a minute, one on average. */
const usual = (periods: number, factor = 1): Series =>
  Array.from({ length: periods }, (_, n) => [[1, 0, 2, 1, 1, 2, 0, 1][n % 8]! * factor, 1000] as const);
const sli = (after: Series, more: Partial<SliSamples> = {}): SliSamples => ({
  ...{ name: 'availability', objective: 0.999, decisive: true, baseline: usual(60), after },
  ...more,
});
const run = (slis: readonly SliSamples[], policy: Partial<JudgePolicy> = {}) =>
  replay({ slis, gates: [], policy: { ...DEFAULT_POLICY, ...policy } }).verdict;
const peers = (count: number, after: Series): ControlSamples[] =>
  Array.from({ length: count }, () => ({ baseline: usual(60), after }));

describe('a cluster against its own past', () => {
  it('as before → promote, with how bad it may still be at most', () => {
    const verdict = run([sli(usual(30))]);
    expect(verdict).toMatchObject({ kind: 'promote', reasons: [], slis: [{ state: 'good' }] });
    const { atMost = 1, allowed = 0 } = verdict.slis[0]?.comparison ?? {};
    expect(atMost).toBeLessThanOrEqual(allowed);
    expect(verdict.period).toBeGreaterThanOrEqual(5);
  });

  it('five times as bad → held within five periods by default, rolled back where the plan says so', () => {
    const held = run([sli(usual(30, 5))]);
    expect(held).toMatchObject({ kind: 'hold', reasons: [{ code: 'slo_regressed' }], slis: [{ state: 'worse' }] });
    expect(held.period).toBeLessThanOrEqual(5);
    expect(run([sli(usual(30, 5))], { onRegression: 'rollback' })).toMatchObject({
      kind: 'rollback',
      period: held.period,
    });
  });

  it('a past that is already bad, and no worse since → promoted, though the objective is missed', () => {
    expect(run([sli(usual(30, 20), { baseline: usual(60, 20) })]).kind).toBe('promote');
  });

  it('a past of nine periods → nothing is promoted, and it says what is missing', () => {
    expect(run([sli(usual(30), { baseline: usual(9) })])).toMatchObject({
      kind: 'hold',
      period: null,
      reasons: [{ code: 'baseline_missing', params: { periods: 9, need: 10 } }],
    });
  });

  it('a counter reset (more bad than all) → no sample, and no alarm', () => {
    const after = usual(30).map((sample, t) => (t === 3 ? ([412, 37] as const) : sample));
    expect(run([sli(after)])).toMatchObject({ kind: 'promote', slis: [{ missing: 1 }] });
  });

  it('periods without events do not count as soak', () => {
    const idle: Series = usual(30).map((sample, t) => (t % 3 === 0 ? sample : [0, 0]));
    const verdict = run([sli(idle)]);
    expect(verdict.kind === 'promote' ? verdict.period : 99).toBeGreaterThanOrEqual(13);
  });

  it('metrics that end → never promoted, whatever they said before', () => {
    const after: Series = [...usual(4), ...Array.from({ length: 36 }, () => null)];
    expect(run([sli(after)])).toMatchObject({ kind: 'inconclusive', period: 31, reasons: [{ code: 'no_data' }] });
  });

  it('one objective of ten asks for ten times the evidence', () => {
    const others = Array.from({ length: 9 }, (_, n) => sli(usual(30), { name: `other-${n}` }));
    const verdict = run([sli(usual(30, 5)), ...others]);
    expect(verdict.slis[0]?.comparison?.evidenceNeeded).toBeCloseTo(1000, 6);
  });
});

describe('a cluster against its peers', () => {
  it('three peers suffer the same → held without a decision, neither rolled back nor promoted', () => {
    const outage = usual(30, 300);
    expect(run([sli(outage)]).kind).toBe('rollback');
    expect(run([sli(outage, { controls: peers(3, outage) })])).toMatchObject({
      kind: 'hold',
      period: null,
      reasons: [{ code: 'slo_peers_too', params: { peers: 3 } }],
    });
  });

  it('two peers are no comparison: the own past decides', () => {
    const outage = usual(30, 300);
    expect(run([sli(outage, { controls: peers(2, outage) })]).kind).toBe('rollback');
  });

  it('quiet peers do not hide a regression', () => {
    expect(run([sli(usual(30, 5), { controls: peers(4, usual(30)) })])).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'slo_regressed', params: { peers: 4 } }],
    });
  });

  it('peers are asked for and there are none → hold, and it says so', () => {
    expect(run([sli(usual(20))], { withoutControls: 'hold' })).toMatchObject({
      kind: 'hold',
      reasons: [{ code: 'controls_missing', params: { have: 0, need: 3 } }],
    });
    expect(run([sli(usual(30), { controls: peers(3, usual(30)) })], { withoutControls: 'hold' }).kind).toBe('promote');
  });
});

const series = fc.array(
  fc.option(
    fc
      .tuple(fc.constantFrom(0, 0.001, 0.005, 0.05, 1), fc.constantFrom(0, 50, 600, 6000))
      .map(([share, total]): readonly [number, number] => [Math.round(share * total), total]),
    { freq: 9 },
  ),
  { minLength: 1, maxLength: 35 },
);

const probe = fc.option(
  fc.record({ disruptionSeconds: fc.array(fc.constantFrom(0, 1, 20, 60, null), { maxLength: 35 }) }),
  { nil: {} },
);

describe('a replay', () => {
  it('says in every period what the judge would have said then, and stops at the first final verdict', () => {
    fc.assert(
      fc.property(series, series, fc.constantFrom(0, 2 * MINUTE), probe, (first, second, allowanceMs, seen) => {
        const slis = [sli(first), sli(second, { name: 'other' })];
        const policy = { ...DEFAULT_POLICY, allowanceMs };
        const { verdict, final, periods } = replay({ slis, gates: [], policy, ...seen });
        const longest = Math.max(first.length, second.length);
        const padded = (after: Series): Series => Array.from({ length: longest }, (_, t) => after[t] ?? null);
        for (let t = 1; t <= longest; t += 1) {
          const then = judge({
            slis: slis.map((one) => ({ ...one, after: padded(one.after).slice(0, t) })),
            ...{ gates: [], policy, elapsedMs: t * MINUTE, ...seen },
          });
          const decided = then.kind !== 'hold' || then.period !== null;
          expect(decided).toBe(t < periods ? false : final);
          if (t < periods) continue;
          expect([verdict.kind, verdict.reasons]).toEqual([then.kind, then.reasons]);
          expect(verdict.slis).toEqual(then.slis);
          return;
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('stored evidence', () => {
  const input = { slis: [sli(usual(12))], gates: [], policy: DEFAULT_POLICY, elapsedMs: 12 * MINUTE };
  const evidence = makeEvidence(input, judge(input));

  it('judged again after a trip through JSON → the same verdict', () => {
    expect(recompute(JSON.parse(JSON.stringify(evidence)) as typeof evidence).differences).toEqual([]);
  });

  it('a changed sample, or a changed verdict → told', () => {
    const slis = [sli([[900, 1000], ...usual(11)])];
    expect(recompute({ ...evidence, input: { ...input, slis } }).differences[0]).toMatch(/^samplesHash: /);
    const other = { ...evidence, verdict: { ...evidence.verdict, kind: 'rollback' as const } };
    expect(recompute(other).differences).toEqual([`kind: rollback, recomputed ${evidence.verdict.kind}`]);
  });
});

describe('a file of series', () => {
  const file = (more: Record<string, unknown> = {}, one: Record<string, unknown> = {}) => ({
    periodSeconds: 60,
    slis: [{ name: 'a', objective: 0.999, decisive: true, baseline: [[0, 9]], after: [[0, 9], null], ...one }],
    ...more,
  });
  const problems = (value: unknown): string[] => {
    const read = readSeries(value);
    return 'problems' in read ? read.problems.map(({ path, detail }) => `${path.join('.')} ${detail}`) : [];
  };

  it.each<[string, unknown, RegExp]>([
    ['not an object', [], /^ is \[\]; write an object with periodSeconds, slis, policy, disruptionSeconds, gauges$/],
    ['an unknown field', file({ polcy: {} }), /^polcy is not a field here; known are/],
    ['no period', file({ periodSeconds: undefined }), /^periodSeconds is missing/],
    ['a period of nothing', file({ periodSeconds: 0 }), /^periodSeconds is 0; write a number above 0/],
    ['no SLI', file({ slis: [] }), /^slis is empty/],
    ['an objective of 100 %', file({}, { objective: 1 }), /100 % leaves no budget/],
    ['an objective in per cent', file({}, { objective: 99.9 }), /here 0\.999$/],
    ['an objective of 0', file({}, { objective: 0 }), /^slis\.0\.objective is 0; write the share/],
    ['samples that are no pairs', file({}, { after: [3] }), /^slis\.0\.after\.0 is 3; write two numbers/],
    ['a number in quotes', file({}, { after: [['1', 2]] }), /write two numbers \[bad, total\]/],
    ['more bad than all', file({}, { after: [[5, 3]] }), /more bad than all; pairs are \[bad, total\]/],
    ['a negative count', file({}, { after: [[-5, 3]] }), /a count below 0/],
    ['no periods', file({}, { after: [] }), /^slis\.0\.after is empty/],
    ['no baseline', file({}, { baseline: undefined }), /^slis\.0\.baseline is missing; write a list/],
    ['only advisory SLIs', file({}, { decisive: false }), /no decisive SLI/],
    ['controls that are no list', file({}, { controls: {} }), /^slis\.0\.controls is \{\}; write a list/],
    ['a wrong word', file({ policy: { onRegression: 'stop' } }), /write "hold" or "rollback"/],
    [
      'a word in a list',
      file({ policy: { onRegression: ['rollback'] } }),
      /^policy\.onRegression is \["rollback"\]; write/,
    ],
    [
      'a word in a list of one',
      file({ policy: { withoutControls: ['hold'] } }),
      /^policy\.withoutControls is \["hold"\]/,
    ],
    ['a policy that is misspelt', file({ policy: { onBurm: 'hold' } }), /^policy\.onBurm is not a field here/],
    ['a field of an SLI that is misspelt', file({}, { Controls: [] }), /^slis\.0\.Controls is not a field here/],
    ['evidence', file({ gates: [{ violated: true }] }), /^gates is a field of the evidence .* recompute judges it/],
    ['counts beyond what numbers tell apart', file({}, { after: [[0, 1e308]] }), /^slis\.0\.after\.0 .*beyond 9007199/],
    [
      'most counts impossible',
      file(
        {},
        {
          after: [
            [9, 3],
            [8, 0],
            [0, 9],
          ],
        },
      ),
      /more bad than all/,
    ],
    [
      'a gauge with words',
      file({ gauges: [{ name: 'm', baseline: ['a'], after: [1] }] }),
      /^gauges\.0\.baseline\.0 is "a"/,
    ],
    [
      'half a sample of a gauge',
      file({ gauges: [{ name: 'm', baseline: [], after: [], perPeriod: 0.5 }] }),
      /^gauges\.0\.perPeriod is 0\.5; write how many/,
    ],
    ['a window shorter than a period', file({ policy: { window: '30s', minSoak: 10 } }), /shorter than one period/],
    [
      'a disruption longer than its period',
      file({ disruptionSeconds: [0, 61] }),
      /^disruptionSeconds\.1 is 61; write seconds from 0 to 60/,
    ],
    ['a disruption that is no list', file({ disruptionSeconds: 30 }), /^disruptionSeconds is 30; write a list/],
    ['a soak longer than the window', file({ policy: { minSoak: '2h' } }), /nothing could ever be promoted/],
  ])('%s → the field, what it is, what would be right', (_, value, expected) => {
    expect(problems(value)[0]).toMatch(expected);
  });

  it('a few impossible samples among many → no samples, and noted', () => {
    const after = usual(30).map((sample, t) => (t === 7 ? [40, 3] : sample));
    const read = readSeries(file({}, { after }));
    expect(read).toMatchObject({ notes: [{ path: ['slis', 0, 'after', 7] }] });
    expect('input' in read && read.input.slis[0]?.after[7]).toBeNull();
  });

  it('one reset in a short series → missing, as live, and noted', () => {
    const read = readSeries(
      file(
        {},
        {
          after: [
            [0, 9],
            [1, 9],
            [412, 37],
            [0, 9],
          ],
        },
      ),
    );
    expect(read).toMatchObject({
      notes: [{ path: ['slis', 0, 'after', 2], detail: expect.stringMatching(/counter reset.*counted as no sample$/) }],
    });
    expect('input' in read && read.input.slis[0]?.after).toEqual([[0, 9], [1, 9], null, [0, 9]]);
  });

  it('null where something may be left out → left out', () => {
    const written = file({ policy: null, disruptionSeconds: null, gauges: null }, { controls: null, weeks: null });
    expect(readSeries(written)).toEqual(readSeries(file()));
    const policy = { onRegression: 'rollback', window: null, alpha: null };
    const read = readSeries(file({ policy }, { decisive: null }));
    expect('input' in read && read.input.policy).toEqual({
      ...{ ...DEFAULT_POLICY, onRegression: 'rollback' },
    });
  });

  it('an SLI as the hub keeps it, and remarks → judged; what was not read is noted', () => {
    const kept = { queries: { bad: 'a', total: 'b' }, comment: 'a bad night' };
    const read = readSeries(file({ id: 7 }, kept));
    expect('notes' in read && read.notes.map(({ path, detail }) => `${path.join('.')} ${detail}`)).toEqual([
      expect.stringMatching(/^id is not a field here.*; it is ignored$/),
      expect.stringMatching(/^slis\.0\.queries .*ignored$/),
      expect.stringMatching(/^slis\.0\.comment .*ignored$/),
    ]);
  });

  it('130,000 impossible samples, or 300,000 wrong ones → told, and the stack holds', () => {
    const many = Array.from({ length: 300_000 }, (_, n) => (n % 9 < 4 ? [9, 1] : [0, 9]));
    const read = readSeries(file({}, { after: many }));
    expect('notes' in read && read.notes.length).toBe(133_335);
    expect(problems(file({}, { after: many.map(() => 'x') })).length).toBe(20);
  });

  it('defaults: those of the judge, and for long periods as many periods', () => {
    const read = readSeries(file({ periodSeconds: 300, policy: { allowance: '3m', onRegression: 'rollback' } }));
    expect('input' in read && read.input.policy).toEqual({
      ...DEFAULT_POLICY,
      ...{
        periodMs: 300_000,
        minSoakMs: 1_500_000,
        maxSoakMs: 9_000_000,
        allowanceMs: 180_000,
        onRegression: 'rollback',
      },
    });
  });
});

describe('the picture of an objective', () => {
  it('shows band, samples, change and verdict; names are escaped, gaps are gaps, the same input gives the same text', () => {
    const one = sli([...usual(4), null, ...usual(4, 9)], { name: 'a<b & "c"' });
    const svg = plotSli(one, { verdict: { kind: 'rollback', period: 7 } });
    expect(svg).toBe(plotSli(one, { verdict: { kind: 'rollback', period: 7 } }));
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('a&lt;b &amp; &quot;c&quot;');
    expect(svg).toContain('rollback in period 7');
    expect(svg.match(/<circle /g)).toHaveLength(68);
    expect(svg.match(/<polyline /g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it.each<[string, Partial<SliSamples>]>([
    ['no samples', { baseline: [], after: [] }],
    ['only gaps', { baseline: [null], after: [null, [0, 0]] }],
    ['all bad', { baseline: usual(3, 500), after: [[1000, 1000]] }],
  ])('%s → still a picture', (_, more) => {
    expect(plotSli(sli([], more))).not.toMatch(/NaN|Infinity|undefined/);
  });
});
