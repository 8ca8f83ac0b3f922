import { StepInterrupted, type Cancel, type Step } from '@wavegate/runtime/agent';
import { boundedBy } from '../bounded-by.js';
import { nodeJobName } from '../node-job.js';
import { runStepJob } from '../node-step.js';
import { nodeName, toNodeFacts } from '../node-view.js';
import { etcdLookJob, LOOK_DEADLINE_S } from './backup-job.js';
import type { BackupMeans } from './backup-step.js';
import type { EtcdLook, EtcdMember } from './etcd/look-at-etcd.js';
import type { LeaderChanges } from './etcd/etcd-leaders.js';

/** Until its pod has started, its image pulled. */
const START_S = 60;

export interface EtcdLookRequest {
  readonly orderId: string;
  readonly target: string;
  readonly attempt: number;
  readonly cancel: Cancel;
}

/**
 * What an etcd beside the cluster tells of itself, asked from a control-plane host by the agent's own program. Undefined
 * where the agent was told of none. Throws only while the API server is away.
 */
export async function lookAtEtcdByJob(
  { kube, clock, backup }: BackupMeans,
  { orderId, target, attempt, cancel }: EtcdLookRequest,
): Promise<EtcdLook | { readonly whyNot: string } | undefined> {
  if (!backup.externalEtcd) return undefined;
  const { items } = await kube.core.listNode();
  const planes = items.filter((node) => toNodeFacts(node).role === 'controlPlane' && toNodeFacts(node).ready);
  const [node] = planes.map(nodeName).sort();
  if (node === undefined) return { whyNot: 'no control-plane node is Ready to ask it from' };
  const step: Step = { kind: 'preflight', name: 'look/etcd', target };
  const job = etcdLookJob(nodeJobName(orderId, step, attempt), orderId, node, backup);
  const bound = boundedBy(clock, cancel, (LOOK_DEADLINE_S + START_S) * 1000);
  try {
    const end = await runStepJob(kube, clock, { job, step, node, cancel: bound });
    if (end.kind === 'failed') return { whyNot: String(end.reason.params.detail ?? 'its Job took too long') };
    return toEtcdLook(end.message) ?? { whyNot: 'its Job told nothing that can be read' };
  } catch (error) {
    if (!(error instanceof StepInterrupted) || cancel.cancelled) throw error;
    const { secret } = backup.externalEtcd;
    return {
      whyNot: `its Job did not end in time (is Secret ${secret} in wavegate-nodes, and the agent's image there?)`,
    };
  } finally {
    bound.cancel();
  }
}

/** What the Job wrote; null where it is none of ours. */
function toEtcdLook({ members, alarms }: Readonly<Record<string, unknown>>): EtcdLook | null {
  if (!Array.isArray(members) || members.length === 0 || !Array.isArray(alarms)) return null;
  return {
    members: members.map((one: unknown) => toMember((one ?? {}) as Readonly<Record<string, unknown>>)),
    alarms: alarms.map(String),
  };
}

function toMember(of: Readonly<Record<string, unknown>>): EtcdMember {
  const text = (name: string): string => (typeof of[name] === 'string' ? of[name] : '');
  const number = (name: string): number => (typeof of[name] === 'number' ? of[name] : 0);
  const { count, since } = (of['leaders'] ?? {}) as Partial<LeaderChanges>;
  return {
    ...{ name: text('name'), at: text('at'), silent: text('silent'), version: text('version') },
    ...{ learner: of['learner'] === true, led: of['led'] === true, leads: of['leads'] === true },
    ...{ dbBytes: number('dbBytes'), quotaBytes: number('quotaBytes') },
    leaders: typeof count === 'number' && typeof since === 'number' ? { count, since } : null,
  };
}
