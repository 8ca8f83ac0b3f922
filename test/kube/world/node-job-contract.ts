import { DEFAULT_BACKUP, etcdBackupJob, JOB_LABELS, NODE_JOB_NAMESPACE, nodeJob } from '@wavegate/kube';

/**
 * What the agent's node Jobs and the node's side of them agree on. Namespace, labels and the Job itself are the agent's
 * own, taken from where production takes them; this file adds what the node answers.
 */
export { JOB_LABELS, NODE_JOB_NAMESPACE };

export const NODE_STEPS = [
  'etcdSnapshot',
  'etcdLook',
  'exportManifests',
  'controlPlane',
  'kubelet',
  'kubeletRollback',
  'inspect',
] as const;
export type NodeStep = (typeof NODE_STEPS)[number];

/** In the environment of the pod's first container; versions without the leading v. */
export interface NodeJobEnv {
  readonly WG_STEP: NodeStep;
  readonly WG_TARGET: string;
  readonly WG_FROM: string;
  readonly WG_FIRST: 'true' | 'false';
  /** Of a snapshot: read back only, or restored into a scratch folder too. */
  readonly WG_VERIFY: 'status' | 'restore';
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

/** The agent's real Job, for tests that have no agent: the name says what it is, so that a failure can be read. */
export function sampleJob(of: { order: string; node: string; step: NodeStep; to: string; from: string }) {
  const name = `${of.order}-${of.step.toLowerCase()}-${of.node}`;
  if (of.step === 'etcdSnapshot') {
    const snapshot = { node: of.node, cluster: 'sample', verify: 'restore' } as const;
    return etcdBackupJob(name, of.order, snapshot, DEFAULT_BACKUP);
  }
  type Work = Parameters<typeof nodeJob>[2];
  // `inspect` is played for whoever looks into a host by hand; the agent has no such verb.
  const work: Work = {
    verb: of.step as Work['verb'],
    node: of.node,
    from: of.from,
    to: of.to,
    first: true,
    verify: 'restore',
  };
  return nodeJob(name, of.order, work, 'registry.example/wavegate-node:1');
}
