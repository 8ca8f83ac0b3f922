// The screens, for programs that show rollouts themselves (the demo): pure functions from API shapes to text.
export { renderClusters } from './screens/cluster-table.js';
export type { ScreenOptions } from './screens/moment.js';
export { renderPreview } from './screens/preview-screen.js';
export { renderRollout, type RolloutScreenOptions } from './screens/rollout-screen.js';
export type { Rollout, RolloutCluster } from './gen/types.gen.js';
