export * from './config-map-journal-store.js';
export { CORDON_ANNOTATION } from './cordon.js';
export * from './drain.js';
export * from './inventory.js';
export * from './kube-access.js';
export { toKubeError, isConflict, isGone } from './kube-error.js';
export * from './kubeadm-driver.js';
export * from './no-metrics.js';
export { JOB_LABELS, NODE_JOB_NAMESPACE, nodeJob, nodeJobName } from './node-job.js';
