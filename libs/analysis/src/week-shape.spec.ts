import { describe, expect, it } from '@jest/globals';
import type { ControlSamples, Series, SliSamples } from '@wavegate/fleet';
import * as fc from 'fast-check';
import { DEFAULT_POLICY } from './judge-input.js';
import { judge, replay } from './judge.js';
import { readSeries } from './read-series.js';
import { makeEvidence, recompute } from './verdict-evidence.js';

const POLICY = { ...DEFAULT_POLICY, onRegression: 'hold' as const };
const N = 6000;

/** A deterministic scatter: what chance would give, the same each time. */
const wobble = (at: number): number => 1 + 0.25 * Math.sin(at * 2.4) + 0.15 * Math.sin(at * 5.3);
const series = (periods: number, share: (at: number) => number): Series =>
  Array.from({ length: periods }, (_, at) => [Math.round(N * share(at) * wobble(at)), N] as const);

/** One part of a thousand by night; from the change's moment on it rises to five, as every morning of that weekday. */
const night = (): number => 0.001;
const morning = (at: number): number => 0.001 + Math.min(1, (at + 1) / 10) * 0.004;
const lastWeek = (rise = morning): ControlSamples => ({ baseline: series(60, night), after: series(35, rise) });

function sliOf(after: (at: number) => number, weeks?: readonly ControlSamples[]): SliSamples {
  const own = { name: 'shop', objective: 0.99, decisive: true, baseline: series(60, night), after: series(30, after) };
  return weeks ? { ...own, weeks } : own;
}
const judged = (sli: SliSamples) => replay({ slis: [sli], gates: [], policy: POLICY });
const stopped = (sli: SliSamples) => {
  const { verdict } = judged(sli);
  return verdict.reasons.some(({ code }) => code === 'slo_regressed');
};

describe('the same hour of last week', () => {
  it('errors rise every morning → the hours before falsely stop; beside last week’s morning nothing does', () => {
    expect(stopped(sliOf(morning))).toBe(true);
    expect(stopped(sliOf(morning, [lastWeek()]))).toBe(false);
    expect(stopped(sliOf(morning, [lastWeek(), lastWeek()]))).toBe(false);
  });

  it('five times the morning that is usual → stopped all the same, within ten periods', () => {
    const { verdict } = judged(sliOf((at) => 5 * morning(at), [lastWeek()]));
    expect(verdict.reasons[0]?.code).toMatch(/slo_regressed|slo_burned|slo_fast_burn/);
    expect(verdict.period).toBeLessThanOrEqual(10);
  });

  it('last week was worse all the day, as today is not → only its rise counts, and a regression is seen', () => {
    const bad = { baseline: series(60, () => 0.005), after: series(35, () => 0.005) };
    expect(stopped(sliOf(() => 0.005, [bad]))).toBe(true);
  });

  it('an incident in one of two weeks → it excuses nothing', () => {
    expect(stopped(sliOf(() => 0.005, [lastWeek(() => 0.05), lastWeek(night)]))).toBe(true);
  });

  it('a flat week → the verdict comes in the same period as without one', () => {
    const alone = judged(sliOf(() => 0.005));
    const beside = judged(sliOf(() => 0.005, [lastWeek(night)]));
    expect(beside.verdict.period).toBe(alone.verdict.period);
  });

  it('a burning error budget → rolled back, whatever last week was like', () => {
    const outage = (): number => 0.5;
    expect(judged(sliOf(outage, [lastWeek(outage)])).verdict.kind).toBe('rollback');
  });

  it('three peers with samples → they tell, and last week is not asked', () => {
    const controls = [lastWeek(night), lastWeek(night), lastWeek(night)];
    expect(stopped({ ...sliOf(morning, [lastWeek()]), controls })).toBe(true);
  });

  it('what was used → weeks and their rise in the evidence; judged again from it, the same verdict', () => {
    const input = { slis: [sliOf(morning, [lastWeek()])], gates: [], policy: POLICY, elapsedMs: 30 * 60_000 };
    const verdict = judge(input);
    expect(verdict.slis[0]?.comparison?.week?.weeks).toBe(1);
    expect(verdict.slis[0]?.comparison?.week?.rise).toBeCloseTo(0.004, 3);
    expect(recompute(makeEvidence(input, verdict)).differences).toEqual([]);
    expect(judge({ ...input, slis: [sliOf(morning)] }).slis[0]?.comparison).not.toHaveProperty('week');
  });

  it('live and replayed are the same: no period depends on a later sample of this week', () => {
    const whole = sliOf(morning, [lastWeek()]);
    for (const periods of [1, 5, 12, 29]) {
      const live = {
        ...whole,
        after: whole.after.slice(0, periods),
        weeks: [lastWeek()].map((week) => ({ ...week, after: week.after.slice(0, periods + 5) })),
      };
      const input = { gates: [], policy: POLICY, elapsedMs: periods * 60_000 };
      const cut = { ...whole, after: whole.after.slice(0, periods) };
      expect(judge({ ...input, slis: [live] })).toEqual(judge({ ...input, slis: [cut] }));
    }
  });

  it('property: no history, an empty one, or one too short → the verdict is as without it', () => {
    const sample = fc.oneof(fc.constant(null), fc.tuple(fc.nat(50), fc.constant(1000)));
    const some = (min: number, max: number) => fc.array(sample, { minLength: min, maxLength: max });
    const short = fc.record({ baseline: some(0, 9), after: some(0, 40) });
    const unseen = fc.record({ baseline: some(60, 60), after: fc.array(fc.constant(null), { maxLength: 40 }) });
    const weeks = fc.oneof(fc.constant([]), fc.array(short, { maxLength: 2 }), fc.array(unseen, { maxLength: 2 }));
    fc.assert(
      fc.property(some(10, 60), some(1, 30), weeks, (baseline, after, past) => {
        const own: SliSamples = { name: 'a', objective: 0.99, decisive: true, baseline, after };
        const input = { gates: [], policy: POLICY, elapsedMs: after.length * 60_000 };
        expect(judge({ ...input, slis: [{ ...own, weeks: past }] })).toEqual(judge({ ...input, slis: [own] }));
      }),
      { numRuns: 200 },
    );
  });

  it('property: whatever last week was → it never stops what the hours before do not', () => {
    const sample = fc.tuple(fc.nat(60), fc.constant(1000));
    const some = (length: number) => fc.array(sample, { minLength: length, maxLength: length });
    fc.assert(
      fc.property(some(60), some(20), some(60), some(25), (baseline, after, past, then) => {
        const own: SliSamples = { name: 'a', objective: 0.99, decisive: true, baseline, after };
        const beside: SliSamples = { ...own, weeks: [{ baseline: past, after: then }] };
        if (stopped(beside)) expect(stopped(own)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('a file with "weeks" → read; of the wrong shape → told', () => {
    const file = { periodSeconds: 60, slis: [sliOf(morning, [lastWeek()])] };
    expect(JSON.stringify(readSeries(file))).toContain('"weeks"');
    const wrong = { periodSeconds: 60, slis: [{ ...sliOf(morning), weeks: 7 }] };
    expect(JSON.stringify(readSeries(wrong))).toContain('baseline');
  });
});
