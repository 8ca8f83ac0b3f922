import { describe, expect, it } from '@jest/globals';
import { declaredGauges } from './gauge.js';
import { canonicalText } from './canonical.js';
import { readPlan } from './plan-problems.js';

const MEMORY = 'avg(process_resident_memory_bytes{job="shop"})';

function read(gauges?: readonly unknown[]) {
  return readPlan({
    ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
    spec: { target: { kubernetes: '1.35.4' }, verdict: gauges === undefined ? {} : { gauges } },
  });
}

function problems(...gauges: readonly unknown[]): string[] {
  const answer = read(gauges);
  return 'problems' in answer ? answer.problems.map(({ code, detail }) => `${code}: ${detail}`) : [];
}

describe('the gauges of a plan', () => {
  it('a name, and a query of one’s own → both declared, with everything filled in', () => {
    const answer = read(['apiserver-memory', { name: 'shop-memory', query: MEMORY, where: { team: 'a' } }]);
    if ('problems' in answer) throw new Error(JSON.stringify(answer.problems));
    expect(declaredGauges(answer.plan)).toEqual([
      {
        ...{ name: 'apiserver-memory', gauge: 'apiserver-memory', params: {}, where: {} },
        ...{ query: null, source: null },
      },
      { name: 'shop-memory', gauge: null, params: {}, where: { team: 'a' }, query: MEMORY, source: null },
    ]);
  });

  it('a plan without gauges → they are not written out: an agent of an older release reads it (ADR 0011)', () => {
    const answer = read();
    if ('problems' in answer) throw new Error(JSON.stringify(answer.problems));
    expect(declaredGauges(answer.plan)).toEqual([]);
    expect(canonicalText(answer.plan)).not.toContain('gauges');
  });

  it('averages, ratios, quantiles and rates over any window are gauges, unlike objectives', () => {
    const queries = [
      'sum(rate(http_requests_total[5m]))',
      'sum(increase(http_requests_total[$period]))',
      'sum(a) / sum(b)',
      'histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))',
      'max_over_time(queue_length[10m:1m])',
    ];
    expect(problems(...queries.map((query, n) => ({ name: `g-${n}`, query })))).toEqual([]);
  });

  it.each([
    [[{ name: 'a', query: 'sum(http_requests_total)' }], /^gauge_is_counter: .*always be higher; write sum\(rate\(/],
    [[{ name: 'a', query: 'sum(x' }], /^query_unreadable: .*parentheses/],
    [[{ name: 'a', query: '1 + 1' }], /^query_unreadable: .*names no metric/],
    [[{ name: 'a', query: 'avg_over_time(x[$window])' }], /^query_unreadable: .*only \[\$period\]/],
    [[{ name: 'a', query: 'sum(x{job="$job"}) + $job' }], /^query_unreadable: .*"\$"/],
    [[{ name: 'a', gauge: 'b', query: MEMORY }], /^gauge_ambiguous/],
    [[{ name: 'a', query: MEMORY, params: { job: 'x' } }], /^params_without_gauge/],
    [[{ name: 'a', where: { 'a-b': 'x' } }], /^label_name_invalid/],
    [['a', { name: 'a', query: MEMORY }], /^gauge_duplicate: .*gauges\[?.?1/],
    [[], /gauges/],
    [Array.from({ length: 11 }, (_, n) => `g${n}`), /gauges/],
  ])('%j → refused, with what would be right', (gauges, expected) => {
    const found = problems(...gauges);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });
});
