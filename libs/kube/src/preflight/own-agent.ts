import type { PodPicture } from './picture.js';
import type { PreflightContext } from './preflight-context.js';

/** As the chart labels it, whatever release and namespace it went into. */
const LABELS = { 'app.kubernetes.io/name': 'wavegate-agent', 'app.kubernetes.io/component': 'agent' } as const;

/**
 * Whether a pod is the agent itself. It runs once by design, leaves its node last and takes its journal up again on
 * another: nobody waits for it meanwhile.
 */
export function isOwnAgent({ namespace, name, labels }: PodPicture, self: PreflightContext['self']): boolean {
  if (self !== null && namespace === self.namespace && name === self.name) return true;
  return Object.entries(LABELS).every(([key, value]) => labels[key] === value);
}
