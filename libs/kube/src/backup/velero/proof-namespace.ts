import { isConflict, isGone } from '../../kube-error.js';
import { refusedBy } from './velero-backup.js';
import { resourceModifiers } from './proof-rules.js';
import type { RawObject } from './raw-api.js';
import { VeleroFailure, type VeleroMeans } from './velero-means.js';
import { LABELS, veleroPath } from './velero-objects.js';

const POLL_MS = 1_000;
/** Seen: 5 s for an empty namespace, 11 s with 30 pods. */
const GONE_WITHIN_MS = 120_000;

/** Everything that one proof makes, by names that say whose it is. */
export interface ProofPlace {
  /** The scratch namespace, and the name of the Restore and of its rules. */
  readonly name: string;
  readonly canary: string;
  readonly veleroNamespace: string;
}

const namespacePath = (name: string): string => `/api/v1/namespaces/${name}`;

/**
 * Makes the scratch namespace, or adopts our own of an earlier life. Nothing may run in it: beside the rules that turn
 * workloads off, a quota of no pods stands before anything is restored.
 */
export async function openProof({ api }: VeleroMeans, place: ProofPlace): Promise<void> {
  const labels = { [LABELS.proof]: place.name };
  const annotations = { 'wavegate.dev/proof-of': place.canary };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: place.name, labels, annotations } };
  await ours(place, () => api.create('/api/v1/namespaces', namespace));
  const there = await api.get<RawObject>(namespacePath(place.name));
  if (there.metadata.labels?.[LABELS.proof] !== place.name) {
    throw new VeleroFailure(`namespace ${place.name} is somebody else's: the proof does not touch it`);
  }
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'wavegate-proof', labels },
    spec: { hard: { pods: '0', 'services.loadbalancers': '0' } },
  };
  await ours(place, () => api.create(`${namespacePath(place.name)}/resourcequotas`, quota));
  const rules = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: place.name, labels },
    data: { rules: resourceModifiers() },
  };
  await ours(place, () => api.create(`${namespacePath(place.veleroNamespace)}/configmaps`, rules));
}

/** Exists already: an earlier life of this agent made it. */
async function ours(place: ProofPlace, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `what the proof in ${place.name} needs`);
  }
}

/**
 * Removes what the proof made, and only that: each object is looked at for our label first, and removed by its UID.
 * Returns what stays and why; empty when all is gone.
 */
export async function closeProof(means: VeleroMeans, place: ProofPlace): Promise<string[]> {
  const { veleroNamespace, name } = place;
  const paths = [
    namespacePath(name),
    `${namespacePath(veleroNamespace)}/configmaps/${name}`,
    veleroPath(veleroNamespace, 'restores', name),
  ];
  const stays: string[] = [];
  for (const path of paths) {
    const why = await removeOurs(means, path, name).catch((error: unknown) =>
      String((error as Error).message ?? error),
    );
    if (why) stays.push(`${path.split('/').slice(-2).join('/')}: ${why}`);
  }
  if (stays.length === 0 && !(await isGoneInTime(means, namespacePath(name)))) {
    stays.push(`namespaces/${name}: still terminating`);
  }
  return stays;
}

async function removeOurs({ api }: VeleroMeans, path: string, proof: string): Promise<string | null> {
  try {
    const { metadata } = await api.get<RawObject>(path);
    if (metadata.labels?.[LABELS.proof] !== proof) return 'not ours (no label of the proof)';
    await api.remove(path, metadata.uid);
    return null;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

async function isGoneInTime({ api, clock }: VeleroMeans, path: string): Promise<boolean> {
  const until = clock.now() + GONE_WITHIN_MS;
  while (clock.now() < until) {
    const gone = await api.get(path).then(() => false, isGone);
    if (gone) return true;
    await clock.sleep(POLL_MS);
  }
  return false;
}
