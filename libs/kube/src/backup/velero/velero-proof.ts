import { createHash } from 'node:crypto';
import { StepInterrupted } from '@wavegate/runtime/agent';
import { isConflict, isPassing, toKubeError } from '../../kube-error.js';
import { compareKind, isMadeByCluster, type ProofDifference, type ProofSide } from './proof-compare.js';
import { closeProof, openProof, type ProofPlace } from './proof-namespace.js';
import { listPath, PROOF_KINDS, type ProofKind } from './proof-rules.js';
import type { RawObject } from './raw-api.js';
import { refusedBy } from './velero-backup.js';
import { badEnd, countOf } from './velero-end.js';
import { followRun } from './velero-follow.js';
import { VeleroFailure, type VeleroMeans, type VeleroWatcher } from './velero-means.js';
import { LABELS, veleroPath, type BackupSpec, type StorageLocation, type VeleroBackup } from './velero-objects.js';
import type { VeleroRestore } from './velero-objects.js';
import { selects } from './velero-selector.js';

/** A canary is small by choice: a restore of it that takes longer will not help in an outage either. */
const PROOF_TIMEOUT_MS = 30 * 60_000;

export interface ProofRequest {
  /** The one namespace that is restored for proof. */
  readonly canary: string;
  readonly backup: VeleroBackup;
  readonly veleroNamespace: string;
  readonly location: StorageLocation | null;
  /** Names the proof: the same seed adopts what an earlier life began (order and attempt), another one starts anew. */
  readonly seed: string;
}

export interface VeleroProof {
  readonly canary: string;
  readonly scratch: string;
  /** Objects compared, all kinds. */
  readonly compared: number;
  readonly kinds: readonly { readonly resource: string; readonly objects: number }[];
  /** Faults first. */
  readonly differences: readonly ProofDifference[];
  /** A sentence each: what this proof says nothing about. */
  readonly unproven: readonly string[];
  /** What of ours could not be removed. */
  readonly left: readonly string[];
  /** Of the restore, without the cleaning up. */
  readonly restoreMs: number;
}

/** Differences that only the backup can be blamed for. */
export function faultsOf({ differences }: Pick<VeleroProof, 'differences'>): readonly ProofDifference[] {
  return differences.filter(({ explained }) => !explained);
}

/**
 * Restores the canary into a scratch namespace where nothing runs, compares it with the living one object by object, and
 * removes the scratch namespace. Throws VeleroFailure where it cannot be restored at all.
 */
export async function proveBackup(
  means: VeleroMeans,
  request: ProofRequest,
  watcher: VeleroWatcher,
): Promise<VeleroProof> {
  const kinds = coveredKinds(request);
  const live = await listSides(means, request.canary, kinds);
  refuseEmpty(request, live.sides);
  const place = placeOf(request);
  try {
    const seen = await restoreAndList(means, { request, place, kinds }, watcher);
    const left = await closeProof(means, place);
    return { ...judge(request, live, seen), scratch: place.name, left, restoreMs: seen.restoreMs };
  } catch (error) {
    // Stopping, or without an API server: the next life goes on with what is there. Anything else is tidied up.
    const goesOn = error instanceof StepInterrupted || isPassing(toKubeError(error));
    if (error instanceof VeleroFailure || !goesOn) await closeProof(means, place);
    throw error;
  }
}

function placeOf({ canary, backup, seed, veleroNamespace }: ProofRequest): ProofPlace {
  const digest = createHash('sha256').update(`${seed}/${backup.metadata.name}/${canary}`).digest('hex');
  return { name: `wavegate-proof-${digest.slice(0, 10)}`, canary, veleroNamespace };
}

interface Seen {
  readonly sides: readonly ProofSide[];
  readonly refused: readonly string[];
  readonly restoreMs: number;
}

async function restoreAndList(
  means: VeleroMeans,
  run: { readonly request: ProofRequest; readonly place: ProofPlace; readonly kinds: readonly ProofKind[] },
  watcher: VeleroWatcher,
): Promise<Seen> {
  const { request, place, kinds } = run;
  const startedAt = means.clock.now();
  await openProof(means, place);
  await createRestore(means, request, place);
  const { name } = place;
  const { veleroNamespace: namespace, location } = request;
  const backup = request.backup.metadata.name;
  const following = { plural: 'restores', namespace, name, backup, location } as const;
  const restore = await followRun<VeleroRestore>(means, { ...following, timeoutMs: PROOF_TIMEOUT_MS, watcher });
  const bad = await badEnd(means, { plural: 'restores', namespace, name, object: restore });
  if (bad) throw new VeleroFailure(`the proof failed: ${bad}`);
  const restoreMs = means.clock.now() - startedAt;
  return { ...(await listSides(means, name, kinds)), restoreMs };
}

async function createRestore({ api }: VeleroMeans, request: ProofRequest, place: ProofPlace): Promise<void> {
  const { name, canary, veleroNamespace } = place;
  const spec = {
    backupName: request.backup.metadata.name,
    includedNamespaces: [canary],
    includedResources: PROOF_KINDS.map(({ resource }) => resource),
    namespaceMapping: { [canary]: name },
    includeClusterResources: false,
    restorePVs: false,
    resourceModifier: { kind: 'ConfigMap', name },
  };
  const metadata = { name, labels: { [LABELS.proof]: name } };
  try {
    await api.create(veleroPath(veleroNamespace, 'restores'), {
      apiVersion: 'velero.io/v1',
      kind: 'Restore',
      metadata,
      spec,
    });
  } catch (error) {
    if (!isConflict(error)) throw refusedBy(error, `Restore ${name}`);
  }
}

async function listSides(
  { api }: VeleroMeans,
  namespace: string,
  kinds: readonly ProofKind[],
): Promise<{ readonly sides: readonly ProofSide[]; readonly refused: readonly string[] }> {
  const sides: ProofSide[] = [];
  const refused: string[] = [];
  for (const kind of kinds) {
    try {
      const objects = await api.list<RawObject>(listPath(kind, namespace));
      sides.push({ resource: kind.resource, namespace, objects });
    } catch (error) {
      const { code } = toKubeError(error);
      if (code !== 403 && code !== 404) throw error;
      if (code === 403) refused.push(kind.resource);
    }
  }
  return { sides, refused };
}

function refuseEmpty({ canary, backup }: ProofRequest, sides: readonly ProofSide[]): void {
  const { includedNamespaces = [], excludedNamespaces = [] } = backup.spec;
  const all = includedNamespaces.length === 0 || includedNamespaces.includes('*');
  if (excludedNamespaces.includes(canary) || !(all || includedNamespaces.includes(canary))) {
    throw new VeleroFailure(`namespace ${canary} is not in Backup ${backup.metadata.name}: nothing to prove with it`);
  }
  const objects = sides.flatMap(({ resource, objects: some }) =>
    some.filter((object) => !isMadeByCluster(resource, object) && belongs(backup.spec, object.metadata.labels ?? {})),
  );
  if (objects.length > 0) return;
  throw new VeleroFailure(`namespace ${canary} holds nothing to compare: choose a canary with workloads and settings`);
}

function belongs(spec: BackupSpec, labels: Readonly<Record<string, string>>): boolean {
  const either = spec.orLabelSelectors ?? [];
  return either.length > 0 ? either.some((one) => selects(one, labels)) : selects(spec.labelSelector, labels);
}

/** Kinds that the backup itself was asked to take: what a Schedule leaves out on purpose is no fault. */
function coveredKinds({ backup: { spec } }: ProofRequest): readonly ProofKind[] {
  const included = [...(spec.includedResources ?? []), ...(spec.includedNamespaceScopedResources ?? [])];
  const excluded = [...(spec.excludedResources ?? []), ...(spec.excludedNamespaceScopedResources ?? [])];
  const named = (list: readonly string[], { resource }: ProofKind) =>
    list.some((one) => one === '*' || one === resource || one === resource.split('.')[0]);
  return PROOF_KINDS.filter((kind) => (included.length === 0 || named(included, kind)) && !named(excluded, kind));
}

function judge(
  { canary, backup }: ProofRequest,
  live: { readonly sides: readonly ProofSide[]; readonly refused: readonly string[] },
  seen: Seen,
): Pick<VeleroProof, 'canary' | 'compared' | 'kinds' | 'differences' | 'unproven'> {
  const terms = {
    backupAt: Date.parse(backup.status?.startTimestamp ?? ''),
    belongs: (labels: Readonly<Record<string, string>>) => belongs(backup.spec, labels),
  };
  const pairs = live.sides.flatMap((side) => {
    const copy = seen.sides.find(({ resource }) => resource === side.resource);
    return copy ? [{ side, copy: { ...copy, objects: copy.objects.filter(notOurs) } }] : [];
  });
  const differences = pairs.flatMap(({ side, copy }) => compareKind(side, copy, terms));
  const kinds = pairs
    .map(({ side, copy }) => ({ resource: side.resource, objects: comparable(side, copy) }))
    .filter(({ objects }) => objects > 0);
  return {
    canary,
    compared: kinds.reduce((sum, { objects }) => sum + objects, 0),
    kinds,
    differences: differences.sort((a, b) => Number(Boolean(a.explained)) - Number(Boolean(b.explained))),
    unproven: unprovenOf(live.sides, [...new Set([...live.refused, ...seen.refused])]),
  };
}

const notOurs = ({ metadata }: RawObject): boolean => metadata.labels?.[LABELS.proof] === undefined;

function comparable(side: ProofSide, copy: ProofSide): number {
  const copies = new Set(copy.objects.map(({ metadata }) => metadata.name));
  return side.objects.filter((object) => copies.has(object.metadata.name) && !isMadeByCluster(side.resource, object))
    .length;
}

function unprovenOf(sides: readonly ProofSide[], refused: readonly string[]): string[] {
  const claims = sides.find(({ resource }) => resource === 'persistentvolumeclaims')?.objects.length ?? 0;
  return [
    'Pods, custom resources and objects outside of namespaces are not restored in a proof',
    ...(claims > 0 ? [`the data of ${countOf(claims, 'volume')}: claims are compared, their contents are not`] : []),
    ...(refused.length > 0 ? [`${refused.join(', ')}: no right to list them`] : []),
  ];
}
