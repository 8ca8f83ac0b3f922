export * from './canonical.js';
export * from './cluster.js';
export * from './finding.js';
export * from './order.js';
export * from './outcome.js';
export * from './plan.js';
export * from './reason.js';
export * from './verdict.js';
