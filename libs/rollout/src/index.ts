export type * from './action.js';
export type * from './event.js';
export * from './rollout.js';
