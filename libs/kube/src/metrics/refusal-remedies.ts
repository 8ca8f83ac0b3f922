import type { PrometheusRefusal } from './prometheus-client.js';

/** What to do about a refusal, beside its own words. */
export const REFUSAL_REMEDIES: Readonly<Record<PrometheusRefusal['kind'], string>> = {
  unreachable:
    "see that the URL of wavegate-metrics is that of a Service and that the agent's network policy lets it pass",
  timedOut: 'record the query by a recording rule, or narrow its labels',
  denied: 'put a token that may query into the Secret that wavegate-metrics names',
  badQuery: 'write PromQL that this Prometheus parses; try it in its own screen with 1m instead of $period',
  tooLarge: 'aggregate: sum(increase(…[$period]))',
  tooManySeries: 'aggregate: sum(increase(…[$period]))',
  wrongShape: 'write a query that gives one number of events per period: sum(increase(…[$period]))',
  failed: 'see what the source itself logs about it',
};
