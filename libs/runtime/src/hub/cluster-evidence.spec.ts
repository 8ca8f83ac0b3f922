import { describe, expect, it } from '@jest/globals';
import type { SliEvidence, Verdict } from '@wavegate/fleet';
import { sampleOrder } from '../agent/testing/sample-order.js';
import { strataOf, withEvidence } from './cluster-evidence.js';

const sli = (name: string, total: number, more: Partial<SliEvidence> = {}): SliEvidence => ({
  ...{ name, decisive: true, periods: 10, bad: total / 100, total, missing: 0, consumed: 0, burn: 0, state: 'good' },
  comparison: {
    ...{ baselinePeriods: 60, before: 0.01, now: 0.01, overdispersion: 1, evidence: 1.5, evidenceNeeded: 100 },
    ...{ atMost: 0.02, allowed: 0.02, peers: 0 },
  },
  ...more,
});
const judged = (...slis: SliEvidence[]) => ({
  verdict: { schema: 1, kind: 'promote', period: 10, reasons: [], slis } satisfies Verdict,
});
const ended = {
  ...{ kind: 'clusterEnded' as const, clusterId: 'c', orderId: 'o' },
  outcome: { kind: 'upgraded' as const, standing: {} },
};

describe('what a cluster’s verdicts leave for its wave', () => {
  it('several phases saw an objective → the one that saw the most, not their sum', () => {
    const phases = [judged(sli('shop', 500)), judged(sli('shop', 900)), judged(sli('shop', 100))];
    expect(withEvidence(ended, phases)).toEqual({
      ...ended,
      evidence: [{ name: 'shop', evidence: 1.5, bad: 9, total: 900, before: 0.01 }],
    });
  });

  it('advisory objectives, and those without a past → nothing', () => {
    const { comparison: _, ...alone } = sli('alone', 10);
    expect(withEvidence(ended, [judged(sli('shown', 10, { decisive: false }), alone)])).toBe(ended);
  });

  it('strata are the labels that the plan spreads by', () => {
    const { plan } = sampleOrder({}, { strategy: { spreadBy: ['region', 'provider'] } });
    expect(strataOf(plan)({ region: 'fra', env: 'prod' })).toBe('region=fra, provider=');
    expect(strataOf(sampleOrder().plan)({ region: 'fra' })).toBe('');
  });
});
