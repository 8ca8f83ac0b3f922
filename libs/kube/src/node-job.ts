import type { V1Job } from '@kubernetes/client-node';
import type { Step } from '@wavegate/runtime/agent';
import { sha256Hex } from '@wavegate/fleet';
import type { NodeWords } from './node/node-words.js';

/** Where node Jobs live: a namespace of their own, so that "privileged" is allowed there and nowhere else. */
export const NODE_JOB_NAMESPACE = 'wavegate-nodes';

export const JOB_LABELS = {
  order: 'wavegate.dev/order',
  node: 'wavegate.dev/node',
  step: 'wavegate.dev/step',
} as const;

/** What the script on the node is asked to do. */
export type NodeVerb =
  | 'etcdSnapshot'
  | 'controlPlane'
  | 'controlPlaneRollback'
  | 'kubelet'
  | 'kubeletRollback'
  | 'prefetch'
  | 'inspect'
  | 'stageRestore';

export interface NodeWork {
  readonly verb: NodeVerb;
  readonly node: string;
  readonly from: string;
  readonly to: string;
  readonly first: boolean;
  readonly verify: 'status' | 'restore';
  /** The minor that the new binaries are to behave as; absent: their own. */
  readonly emulate?: string;
  /** What the plan says of packages, limits and kubeadm's checks; absent: the script's own defaults. */
  readonly words?: NodeWords;
}

/** Bound of a node Job that no plan bounds; it ends a Job whose node never answers. */
const JOB_DEADLINE_S = 1800;

/**
 * Named from order, step and node: a restarted agent asks for the same name, finds the Job there, and adopts it.
 * `try` is in the name because a Job that failed stays as evidence, and a second try needs a name of its own.
 */
export function nodeJobName(orderId: string, step: Step, attempt: number): string {
  return `wg-${sha256Hex(`${orderId}\n${step.name}\n${attempt}`).slice(0, 20)}`;
}

/**
 * The one template. Everything that varies is in the arguments: pinned to the node past taints and cordons, no
 * service-account token, no retries by the Job controller (the engine decides about tries), the host's root mounted.
 */
export function nodeJob(name: string, orderId: string, work: NodeWork, image: string): V1Job {
  const labels = { [JOB_LABELS.order]: orderId, [JOB_LABELS.node]: nodeLabel(work.node), [JOB_LABELS.step]: work.verb };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: NODE_JOB_NAMESPACE, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: work.words?.deadlineS ?? JOB_DEADLINE_S,
      ttlSecondsAfterFinished: 86_400,
      template: {
        metadata: { labels },
        spec: {
          nodeName: work.node,
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          hostPID: true,
          priorityClassName: 'system-node-critical',
          tolerations: [{ operator: 'Exists' }],
          containers: [
            {
              name: 'step',
              image,
              env: environment(work, orderId),
              securityContext: { privileged: true },
              // The script writes its message; one that was killed before it could leaves the end of its log.
              terminationMessagePolicy: 'FallbackToLogsOnError',
              volumeMounts: [{ name: 'host', mountPath: '/host' }],
            },
          ],
          volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }],
        },
      },
    },
  };
}

/** A node's name may be longer than a label's value (63): the hash of it then stands for it. */
export function nodeLabel(node: string): string {
  return node.length <= 63 ? node : sha256Hex(node).slice(0, 40);
}

/** Always the same names: what a Job may differ in can be read from one of them. */
function environment(work: NodeWork, orderId: string): { name: string; value: string }[] {
  const { words } = work;
  return [
    { name: 'WG_STEP', value: work.verb },
    { name: 'WG_FROM', value: work.from },
    { name: 'WG_TARGET', value: work.to },
    { name: 'WG_FIRST', value: String(work.first) },
    { name: 'WG_VERIFY', value: work.verify },
    { name: 'WG_NODE', value: work.node },
    { name: 'WG_ORDER', value: orderId },
    { name: 'WG_EMULATE', value: work.emulate ?? '' },
    { name: 'WG_PACKAGES', value: words?.packages ?? 'node' },
    { name: 'WG_MIRROR', value: words?.mirror ?? '' },
    { name: 'WG_LIMITS', value: words?.limits ?? '' },
    { name: 'WG_IGNORE', value: words?.ignore ?? '' },
  ];
}
