import { durationMs, type PlanSpec } from './plan.js';

const SLACK_MS = 5 * 60_000;
/** The cluster's own policy for node Jobs (chart agent, admission) lets none run longer. */
const MOST_MS = 2 * 3_600_000;

/**
 * The longest a step on one node may take by the plan's word: each phase at its limit, and kubeadm's wait for etcd and
 * the API server after it. Agent, Job and engine count from this one number, so that none ends what another still allows.
 */
export function nodeStepLimitMs({ upgrade }: Pick<PlanSpec, 'upgrade'>): number {
  const { packages, images, manifests, kubeadm, kubelet } = upgrade.limits;
  // Packages are fetched, kept and installed; etcd and the API server are each waited for.
  const parts = [packages, packages, images, kubeadm, manifests, manifests, kubelet].map(durationMs);
  return Math.min(
    parts.reduce((sum, ms) => sum + ms, SLACK_MS),
    MOST_MS,
  );
}
