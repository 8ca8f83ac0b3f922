import { BEFORE, type Check } from '../check.js';

/**
 * What a verdict will be measured by. The questions themselves are asked in ../../metrics/check-objectives.ts, since only
 * the metrics source can answer them; this passes on what it said.
 */
export const serviceLevels: Check = {
  id: 'service-levels',
  phases: BEFORE,
  needs: [],
  codes: [
    {
      code: 'metrics_source_missing',
      title: 'Nobody says where service levels are measured',
      meaning:
        'The plan has objectives or blocking alerts, and the ConfigMap `wavegate-metrics` of this cluster is missing, not understood, or names no such source. Without samples a verdict never promotes.',
      remedy: "Have the cluster's admin create it as `docs/metrics.md` shows; or take the objectives out of the plan.",
    },
    {
      code: 'metrics_source_unreachable',
      title: 'A metrics source does not answer',
      meaning: 'The URL of `wavegate-metrics` does not answer the agent, or refuses its token or certificate.',
      remedy: 'Mend the URL, the Secret or the network policy; the message has the answer.',
    },
    {
      code: 'metrics_source_single',
      title: 'The metrics source is drained with its node',
      meaning:
        'This Prometheus has one replica and writes nowhere else. While its own node is drained, nothing is measured: the verdict holds until it is back.',
      remedy: 'Run two replicas, or remote-write to a store of several.',
    },
    {
      code: 'objective_query_refused',
      title: 'A query cannot be judged',
      meaning:
        'It does not parse, gives several series or too many, a vector where values over time are asked for, or a ratio instead of counts. The message has query and answer.',
      remedy: 'Write the number of events of one period: `sum(increase(…[$period]))`, bad (or good) and total apart.',
    },
    {
      code: 'objective_without_data',
      title: 'A service level has no data here',
      meaning:
        'Fewer than half of the last ten periods have a sample, or a metric of that name does not exist. A decisive objective without data would hold every phase until a person looks; for a dry run it is a warning.',
      remedy: 'See that the metrics are scraped and the labels are those of this Prometheus; or set `mode: dryRun`.',
    },
    {
      code: 'objective_period_too_short',
      title: 'The period is shorter than two scrapes',
      meaning:
        '`increase()` needs two samples in each period, and the samples of this metric come too seldom for that.',
      remedy: 'Write a longer `verdict.period`, four times the scrape interval or more.',
    },
    {
      code: 'objective_not_measured_at_target',
      title: 'The target minor has other metrics',
      meaning: 'The metrics of this service level are not known for the version that is to be reached.',
      remedy: 'Write a query of your own for both versions, joined by `or`.',
    },
    {
      code: 'blocking_alert_firing',
      title: 'An alert that blocks fires already',
      meaning: 'The plan says that this alert blocks. One that fires before the change cannot tell anything about it.',
      remedy: 'Mend what it tells of, or take it out of `verdict.alerts`.',
    },
    {
      code: 'gauge_not_measured',
      title: 'A gauge cannot be measured here',
      meaning:
        'The plan names it in `verdict.gauges`, and this cluster has no metrics source for it, its query is refused or gives several series, or most of the last ten periods have no number. Gauges are shown and decide nothing: the upgrade goes on, and the verdict says `tooFew`.',
      remedy:
        'See that its metrics are scraped and that its query gives one series, as `docs/metrics.md` shows; or take it out of `verdict.gauges`.',
    },
    {
      code: 'silence_not_possible',
      title: 'Alerts cannot be silenced as the plan asks',
      meaning:
        'The plan has `verdict.silences`, and `wavegate-metrics` allows no such Alertmanager, or it does not answer the agent. The upgrade goes on; people are paged for the nodes that are worked on.',
      remedy:
        "Have the cluster's admin add it under `alertmanagers` as `docs/metrics.md` shows, or mend its URL, Secret or network policy.",
    },
  ],
  run: (_picture, { serviceLevels = [] }) => serviceLevels,
};
