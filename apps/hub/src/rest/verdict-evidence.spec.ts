import { describe, expect, it } from '@jest/globals';
import { judge, policyOfPlan, recompute, samplesHash, type JudgeInput } from '@wavegate/analysis';
import {
  boundSamples,
  readPlan,
  VERDICT_BOUNDS,
  type GaugeSamples,
  type JudgedSamples,
  type SliSamples,
} from '@wavegate/fleet';
import { toEvidence } from './verdict-evidence.js';

const read = readPlan({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
  spec: {
    target: { kubernetes: '1.35.4' },
    verdict: { objectives: ['shop'], window: '24h', minSoak: '24h', period: '1m' },
    rollback: { onBurn: 'hold', onRegression: 'rollback' },
  },
});
if ('problems' in read) throw new Error(JSON.stringify(read.problems));
const { plan } = read;
const PHASE = 'judgeCanary';
const MINUTE = 60_000;

const sli = (name: string, periods: number, more: Partial<SliSamples> = {}): SliSamples => ({
  ...{ name, objective: 0.99, decisive: true },
  baseline: Array.from({ length: 60 }, (_, n) => [n % 3, 1000] as const),
  after: Array.from({ length: periods }, (_, n) => [n % 4, 1000] as const),
  ...more,
});

/** What a hub keeps of a judgement by an agent: the samples within the bounds of a message, and the hash of all. */
function kept(slis: readonly SliSamples[], gauges: readonly GaugeSamples[] = []) {
  const periods = slis[0]?.after.length ?? 0;
  const input: JudgeInput = {
    ...{ slis, gates: [], policy: policyOfPlan(plan, PHASE), elapsedMs: periods * MINUTE, objectives: ['shop'] },
    ...(gauges.length > 0 ? { gauges } : {}),
  };
  const times = { from: 0, baselineUntil: 0, periodMs: MINUTE, dropped: 0 };
  const given = { elapsedMs: input.elapsedMs, gates: [], objectives: ['shop'], samplesHash: samplesHash(input) };
  const samples: JudgedSamples = { ...boundSamples({ ...times, slis, gauges }, VERDICT_BOUNDS), given };
  return { phase: PHASE, verdict: judge(input), samples };
}

describe('evidence as the hub hands it out', () => {
  it('six hours of minutes, with peers and a week → kept whole, and the verdict follows', () => {
    const other = { baseline: sli('', 360).baseline, after: sli('', 360).after };
    const whole = kept([sli('shop', 360, { controls: new Array(7).fill(other), weeks: [other] })]);
    expect(whole.samples.slis[0]?.controls).toHaveLength(7);
    const evidence = toEvidence(whole, plan);
    expect(evidence).not.toHaveProperty('incomplete');
    expect(evidence && recompute(evidence).differences).toEqual([]);
  });

  it('two days of minutes → says which periods are left out, instead of a verdict that does not follow', () => {
    const evidence = toEvidence(kept([sli('shop', 2_000)]), plan);
    expect(evidence?.incomplete).toBe('the 560 oldest periods since the change');
  });

  it('more objectives, or peers, than a message carries → says which', () => {
    const many = Array.from({ length: 45 }, (_, n) => sli(`slo-${n}`, 30));
    expect(toEvidence(kept(many), plan)?.incomplete).toBe('the samples of slo-40, slo-41, slo-42, slo-43, slo-44');
    const peer = { baseline: sli('', 600).baseline, after: sli('', 600).after };
    const peers = { controls: [peer, peer, peer], weeks: [peer] };
    const heavy = Array.from({ length: 20 }, (_, n) => sli(`slo-${n}`, 600, peers));
    expect(toEvidence(kept(heavy), plan)?.incomplete).toMatch(/the samples of the peers/);
  });

  it('gauges → kept, recomputed with the rest; left out of what is too large first, and said', () => {
    const gauge = (name: string, periods: number): GaugeSamples => ({
      ...{ name, perPeriod: 4, query: `avg(${name})`, baseline: Array.from({ length: 240 }, (_, n) => n % 5) },
      after: Array.from({ length: periods * 4 }, (_, n) => (n === 7 ? null : 100 + (n % 5))),
    });
    const whole = kept([sli('shop', 30)], [gauge('memory', 30)]);
    expect(whole.verdict.gauges).toMatchObject([{ name: 'memory', state: 'higher', query: 'avg(memory)' }]);
    const evidence = toEvidence(whole, plan);
    expect(evidence).not.toHaveProperty('incomplete');
    expect(evidence && recompute(evidence).differences).toEqual([]);
    const peer = { baseline: sli('', 600).baseline, after: sli('', 600).after };
    const heavy = Array.from({ length: 5 }, (_, n) => sli(`slo-${n}`, 600, { controls: new Array(7).fill(peer) }));
    const incomplete = toEvidence(kept(heavy, [gauge('memory', 1_000)]), plan)?.incomplete;
    expect(incomplete).toBe('the numbers of the gauges memory');
  });

  it('a kept sample that was changed → not called incomplete: the hash tells', () => {
    const whole = kept([sli('shop', 30)]);
    const [first] = whole.samples.slis;
    const changed = { ...whole.samples, slis: first ? [{ ...first, after: first.after.map(() => null) }] : [] };
    const evidence = toEvidence({ ...whole, samples: changed }, plan);
    expect(evidence).not.toHaveProperty('incomplete');
    expect(evidence && recompute(evidence).differences[0]).toMatch(/^samplesHash: /);
  });

  it('an agent that told no more than its verdict → no evidence', () => {
    const { given: _, ...samples } = kept([sli('shop', 5)]).samples;
    expect(toEvidence({ phase: PHASE, verdict: null, samples }, plan)).toBeNull();
  });
});
