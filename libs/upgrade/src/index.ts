export * from './decide.js';
export * from './journal-changes.js';
export * from './journal.js';
export type * from './observed.js';
export * from './progress.js';
export type { UpgradeInput } from './situation.js';
export { standing } from './standing.js';
export type * from './step.js';
export { runNumber } from './step-runs.js';
