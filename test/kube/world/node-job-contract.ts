/**
 * What the agent's node Jobs and the node's side of them agree on. The test world plays the node's side of exactly this;
 * the production side is the agent's Job template and the node image. One file, so that a change is seen by both.
 */

/** Where the agent puts its node Jobs. */
export const NODE_JOB_NAMESPACE = 'wavegate-nodes';

/** On the Job and on its pod. */
export const LABELS = { order: 'wavegate.dev/order', node: 'wavegate.dev/node', step: 'wavegate.dev/step' } as const;

export const NODE_STEPS = ['etcdSnapshot', 'controlPlane', 'kubelet', 'kubeletRollback', 'inspect'] as const;
export type NodeStep = (typeof NODE_STEPS)[number];

/** In the environment of the pod's first container; versions without the leading v. */
export interface NodeJobEnv {
  readonly WG_STEP: NodeStep;
  readonly WG_TARGET: string;
  readonly WG_FROM: string;
  readonly WG_FIRST: 'true' | 'false';
}

/** The container's termination message is one line of JSON (at most 4 KiB): `ok`, and what the step has to show. */
export type TerminationMessage =
  | { readonly ok: false; readonly error: string }
  | { readonly ok: true; readonly version: string }
  | {
      readonly ok: true;
      readonly path: string;
      readonly sha256: string;
      readonly revision: number;
      readonly totalKeys: number;
      readonly sizeBytes: number;
      readonly verified: 'restore' | 'status';
    }
  | { readonly ok: true; readonly kubelet: string; readonly staticPods: Readonly<Record<string, string>> };
