export * from './cluster-spec.js';
export type * from './cluster-state.js';
export * from './mortal-process.js';
export * from './seeded-random.js';
export * from './simulated-cluster.js';
export * from './simulated-driver.js';
export * from './simulated-metrics.js';
export * from './virtual-clock.js';
