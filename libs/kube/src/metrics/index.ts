export { AlertmanagerSilences } from './alertmanager-silences.js';
export { checkObjectives, type ObjectiveCheckMeans } from './check-objectives.js';
export * from './metric-sources.js';
export * from './prometheus-metrics.js';
export { SLI_LIBRARY } from './gen/sli-library.js';
export type { SliDefinition } from './sli-definition.js';
export { PROBE_OBJECTIVE } from './sli-query.js';
export { ApiProbe } from '../probe/api-probe.js';
