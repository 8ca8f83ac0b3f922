import { reason, type Reason } from '@wavegate/fleet';
import { NODE_JOB_NAMESPACE } from '../node-job.js';
import type { KubeAccess } from '../kube-access.js';

/** A line of progress is short; kubeadm's own lines around it are not ours to carry. */
const TAIL_BYTES = 8_192;

interface Told {
  readonly phase: string;
  readonly percent: number;
  readonly waiting: string;
}

/** The newest progress in a step's log: JSON lines {"phase","percent","waiting"} among whatever programs wrote. */
export function lastProgress(log: string): Told | null {
  const lines = log.split('\n').filter((line) => line.startsWith('{"phase"'));
  for (const line of lines.reverse()) {
    const told = parsed(line);
    if (told) return told;
  }
  return null;
}

/**
 * What a running step waits for. Best effort: the log of a pod that has not started, an agent without the right to read
 * it, a node whose kubelet restarts: all of them say nothing, and the Job goes on.
 */
export async function readProgress(kube: KubeAccess, jobUid: string, node: string): Promise<Reason | null> {
  try {
    const labelSelector = `batch.kubernetes.io/controller-uid=${jobUid}`;
    const pods = await kube.core.listNamespacedPod({ namespace: NODE_JOB_NAMESPACE, labelSelector });
    const name = pods.items[0]?.metadata?.name;
    if (!name) return null;
    const where = { name, namespace: NODE_JOB_NAMESPACE, container: 'step' };
    const log = await kube.core.readNamespacedPodLog({ ...where, tailLines: 40, limitBytes: TAIL_BYTES });
    const told = lastProgress(log);
    return told && reason('node_step_running', { node, ...told });
  } catch {
    return null;
  }
}

function parsed(line: string): Told | null {
  try {
    const { phase, percent, waiting } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (typeof phase !== 'string' || typeof percent !== 'number' || typeof waiting !== 'string') return null;
    return { phase: phase.slice(0, 40), percent: Math.min(100, Math.max(0, percent)), waiting: waiting.slice(0, 200) };
  } catch {
    return null;
  }
}
