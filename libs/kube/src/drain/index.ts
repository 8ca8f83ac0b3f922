export { CORDON_ANNOTATION, SCALE_DOWN_ANNOTATION, uncordonNode } from './cordon.js';
export * from './drain-preview.js';
export * from './drain-request.js';
export { drainNode } from './drain.js';
export type { AgentPod, ConsentScope, DrainConsent } from './pod-filter.js';
