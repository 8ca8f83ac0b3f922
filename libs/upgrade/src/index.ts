export * from './journal.js';
export type * from './observed.js';
export type * from './step.js';
