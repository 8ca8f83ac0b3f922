import { reason, sha256Hex } from '@wavegate/fleet';
import type { AgentClock, Receipt, Step, StepContext, StepResult } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import { nodeJobName } from '../node-job.js';
import { runStepJob, type NodeStepEnd } from '../node-step.js';
import { etcdBackupJob, etcdProofJob, exportJob, unsafeTarget, type BackupSettings } from './backup-job.js';

export interface BackupMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
  readonly backup: BackupSettings;
}

/** A snapshot of etcd with its proof, by the agent's own program on that control-plane host. */
export async function snapshotByJob(
  means: BackupMeans,
  step: Extract<Step, { kind: 'snapshotEtcd' }>,
  context: StepContext,
): Promise<StepResult> {
  const { order, attempt } = context;
  const unsafe = unsafeTarget(means.backup);
  if (unsafe) return { kind: 'failed', reason: reason('backup_failed', { detail: unsafe }) };
  const name = nodeJobName(order.id, step, attempt);
  const { ttlMs = 0, archive = '' } = step;
  const keeping = { ttlMs, label: archive };
  const work = { node: step.node, cluster: seriesOf(order.clusterUid), verify: step.verify, keeping };
  const make = step.prove ? etcdProofJob : etcdBackupJob;
  const job = make(name, order.id, work, means.backup);
  const end = await runStepJob(means.kube, means.clock, { job, step, node: step.node, cancel: context.cancel });
  return endOf(end, step.prove ? `the proof on ${step.node}` : `the snapshot on ${step.node}`);
}

/** An export of manifests, by a Job with rights to read. Secrets are never part of an order: an admin's own Job takes them. */
export async function exportByJob(
  means: BackupMeans,
  step: Extract<Step, { kind: 'exportManifests' }>,
  context: StepContext,
): Promise<StepResult> {
  const { order, attempt } = context;
  const unsafe = unsafeTarget(means.backup);
  if (unsafe) return { kind: 'failed', reason: reason('backup_failed', { detail: unsafe }) };
  const { namespaces, selector, ttlMs, archive } = step;
  const keeping = { ttlMs, label: archive };
  const work = { cluster: seriesOf(order.clusterUid), namespaces, selector, secrets: false, keeping };
  const job = exportJob(nodeJobName(order.id, step, attempt), order.id, work, means.backup);
  const end = await runStepJob(means.kube, means.clock, { job, step, node: '', cancel: context.cancel });
  return endOf(end, 'the export');
}

/** Names of one cluster's backups share this; the hub's name for it may change, its UID does not. */
const seriesOf = (clusterUid: string): string => clusterUid || sha256Hex('').slice(0, 8);

function endOf(end: NodeStepEnd, what: string): StepResult {
  if (end.kind === 'failed') return end;
  const receipt = toReceipt(end.message);
  if (receipt) return { kind: 'succeeded', receipt };
  return { kind: 'failed', reason: reason('backup_failed', { detail: `${what} left no receipt` }) };
}

/** What the Job wrote as its termination message; null when it is not one of ours. */
function toReceipt(message: Readonly<Record<string, unknown>>): Receipt | null {
  const { path, sha256, revision, totalKeys, sizeBytes, takenAt, verified, node, backup } = message;
  if (typeof path !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (![revision, totalKeys, sizeBytes, takenAt].every((value) => typeof value === 'number')) return null;
  return {
    backup: backup === 'manifests' ? 'manifests' : 'etcd',
    node: typeof node === 'string' ? node : '',
    path,
    sha256,
    revision: revision as number,
    totalKeys: totalKeys as number,
    sizeBytes: sizeBytes as number,
    takenAt: takenAt as number,
    verified: verified === 'restore' ? 'restore' : 'status',
    checks: texts(message['checks']),
    encryptedTo: texts(message['encryptedTo']),
    ...(typeof message['provenAt'] === 'number' ? { provenAt: message['provenAt'] } : {}),
  };
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
