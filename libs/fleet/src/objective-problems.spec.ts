import { describe, expect, it } from '@jest/globals';
import { declaredObjectives } from './objective.js';
import { readPlan } from './plan-problems.js';

const BAD = 'sum(increase(http_requests_total{code=~"5.."}[$period]))';
const TOTAL = 'sum(increase(http_requests_total[$period]))';

function read(objectives: readonly unknown[], alerts: readonly unknown[] = []) {
  return readPlan({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'p' },
    spec: { target: { kubernetes: '1.35.4' }, verdict: { objectives, alerts } },
  });
}

function problems(objective: unknown, alerts: readonly unknown[] = []): string[] {
  const answer = read([objective], alerts);
  return 'problems' in answer ? answer.problems.map(({ code, detail }) => `${code}: ${detail}`) : [];
}

const own = (query: object, more: object = {}): object => ({ name: 'shop', objective: 0.999, query, ...more });

describe('the service levels of a plan', () => {
  it('a name, and a query of one’s own → both declared, with everything filled in', () => {
    const answer = read(['apiserver-availability', own({ bad: BAD, total: TOTAL }, { mode: 'dryRun' })]);
    if ('problems' in answer) throw new Error(JSON.stringify(answer.problems));
    expect(declaredObjectives(answer.plan)).toEqual([
      {
        name: 'apiserver-availability',
        sli: 'apiserver-availability',
        params: {},
        where: {},
        objective: null,
        decisive: true,
        query: null,
        source: null,
      },
      {
        name: 'shop',
        sli: null,
        params: {},
        where: {},
        objective: 0.999,
        decisive: false,
        query: { bad: BAD, good: null, total: TOTAL },
        source: null,
      },
    ]);
  });

  it.each([
    [1, '100 %: it tolerates no single bad event'],
    [0, '0 %: it tolerates everything'],
    [99.9, 'above 0 and below 1: 0.999 for 99.9 %'],
  ])('an objective of %s → refused, with what would be right', (objective, words) => {
    const found = problems(own({ bad: BAD, total: TOTAL }, { objective }));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain('spec.verdict.objectives[0].objective');
    expect(found[0]).toContain(words);
  });

  it.each([
    ['a ratio instead of counts', `${BAD} / ${TOTAL}`, 'query_is_ratio'],
    ['events per second', 'sum(rate(http_requests_total[$period]))', 'query_not_counts'],
    ['a window of its own', 'sum(increase(http_requests_total[5m]))', 'query_window_fixed'],
    ['a bare counter', 'sum(http_requests_total)', 'query_without_period'],
    ['an average', 'avg(increase(http_requests_total[$period]))', 'query_not_counts'],
    ['parentheses left open', 'sum(increase(http_requests_total[$period])', 'query_unreadable'],
    ['a placeholder nobody fills in', 'sum(increase(x{ns="a"}[$__interval]))', 'query_window_fixed'],
    ['no metric at all', '1', 'query_unreadable'],
  ])('a query that is %s → refused', (_what, bad, code) => {
    expect(problems(own({ bad, total: TOTAL }))).toEqual([
      expect.stringMatching(`^${code}: spec.verdict.objectives\\[0\\].query.bad`),
    ]);
  });

  it('no total, both bad and good, or no objective → each named', () => {
    expect(problems(own({ bad: BAD }))[0]).toContain('spec.verdict.objectives[0].query.total is missing');
    expect(problems(own({ bad: BAD, good: BAD, total: TOTAL }))[0]).toContain('needs one of bad and good');
    expect(problems({ name: 'shop', query: { bad: BAD, total: TOTAL } })[0]).toContain('objective is missing');
  });

  it('a misspelt field → named with the one that was meant', () => {
    expect(problems({ name: 'shop', sli: 'workload', parms: {} })[0]).toContain('did you mean "params"?');
  });

  it('two of one name, a label that is none, alerts that match everything → refused', () => {
    const twice = read(['a', 'a']);
    expect('problems' in twice && twice.problems[0]?.code).toBe('objective_duplicate');
    expect(problems({ name: 'a', where: { 'x"} or up{': 'y' } })[0]).toContain('not the name of a label');
    expect(problems('a', [{ match: {} }])[0]).toContain('alerts_match_everything');
  });
});

describe('OpenSLO documents', () => {
  const metricSource = (query: string, type = 'Prometheus') => ({ metricSource: { type, spec: { query } } });
  const document = (ratioMetric: object, spec: object = {}): object => ({
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name: 'checkout' },
    spec: {
      service: 'shop',
      indicator: { spec: { ratioMetric } },
      budgetingMethod: 'Occurrences',
      objectives: [{ target: 0.99 }],
      ...spec,
    },
  });
  const counter = {
    good: metricSource('http_requests_total{code!~"5.."}'),
    total: metricSource('http_requests_total'),
  };
  const declared = (openslo: object) => {
    const answer = read([{ name: 'checkout', openslo }]);
    if ('problems' in answer) throw new Error(answer.problems.map(({ detail }) => detail).join());
    return declaredObjectives(answer.plan)[0];
  };
  const refused = (openslo: object): string => problems({ name: 'checkout', openslo }).join();

  it('bare counters → the events of one period', () => {
    expect(declared(document({ counter: true, ...counter }))).toMatchObject({
      objective: 0.99,
      query: {
        bad: null,
        good: 'sum(increase(http_requests_total{code!~"5.."}[$period]))',
        total: 'sum(increase(http_requests_total[$period]))',
      },
    });
  });

  it('rates over a window of its own, and a target in per cent → the same events', () => {
    const ratio = { bad: metricSource('sum(rate(x{e="1"}[5m]))'), total: metricSource('sum(rate(x[{{.window}}]))') };
    expect(declared(document(ratio, { objectives: [{ targetPercent: 99.95 }] }))).toMatchObject({
      objective: 0.9995,
      query: { bad: 'sum(increase(x{e="1"}[$period]))', good: null, total: 'sum(increase(x[$period]))' },
    });
  });

  it.each([
    ['no total', document({ good: counter.good }), 'ratioMetric.total is missing'],
    ['a ready ratio', document({ raw: counter.good }), 'ready ratio'],
    [
      'a ratio in the query',
      document({ ...counter, good: metricSource('sum(rate(a[5m])) / sum(rate(b[5m]))') }),
      'is a ratio',
    ],
    ['a target of 100 %', document(counter, { objectives: [{ target: 1 }] }), '100 %'],
    ['a target of 0 %', document(counter, { objectives: [{ target: 0 }] }), '0 %'],
    ['two targets', document(counter, { objectives: [{ target: 0.9 }, { target: 0.99 }] }), 'one document for each'],
    ['a threshold', document(counter, { indicator: { spec: { thresholdMetric: {} } } }), 'not counts'],
    [
      'an indicator elsewhere',
      document(counter, { indicator: undefined, indicatorRef: 'x' }),
      'write the indicator in place',
    ],
    ['another monitoring system', document({ ...counter, total: metricSource('x', 'Datadog') }), 'only Prometheus'],
    ['time slices', document(counter, { budgetingMethod: 'Timeslices' }), 'write Occurrences'],
    ['another version', { ...document(counter), apiVersion: 'openslo/v2' }, 'openslo/v1'],
  ])('%s → refused, with what would be right', (_what, openslo, words) => {
    expect(refused(openslo)).toContain(words);
  });
});
