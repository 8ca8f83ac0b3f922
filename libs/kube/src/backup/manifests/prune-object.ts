import type { ApiObject, Metadata } from './derived-object.js';
import { apiVersionOf, type ApiKind } from './kinds.js';

/** What a server wrote into metadata. Owner references go too: they name UIDs, and the garbage collector of another
 * cluster deletes whatever has an owner that is not there. */
const SERVERS_METADATA = [
  ...['managedFields', 'resourceVersion', 'uid', 'creationTimestamp', 'generation', 'selfLink', 'ownerReferences'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds'],
] as const;

const CONTROLLERS_ANNOTATIONS = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision',
  'deprecated.daemonset.template.generation',
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
  'control-plane.alpha.kubernetes.io/leader',
];

/** Added by admission to whatever needs them. */
const CLUSTERS_FINALIZERS = new Set(['kubernetes.io/pvc-protection', 'kubernetes.io/pv-protection']);

type Spec = Record<string, unknown>;

/** The object as a person would have written it: what another cluster's server would set, or refuse, is gone. */
export function pruneObject(kind: ApiKind, object: ApiObject): ApiObject {
  const { metadata, status: _status, apiVersion: _version, kind: _kind, ...rest } = object;
  const pruned: ApiObject = {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: pruneMetadata(metadata),
    ...rest,
  };
  const special = BY_KIND[`${kind.group}/${kind.resource}`];
  if (special) special(pruned);
  return pruned;
}

function pruneMetadata(metadata: Metadata): Metadata {
  const kept: Metadata = { ...metadata };
  for (const field of SERVERS_METADATA) delete kept[field];
  if (kept.annotations) kept.annotations = without(kept.annotations, CONTROLLERS_ANNOTATIONS);
  if (kept.finalizers) kept.finalizers = kept.finalizers.filter((name) => !CLUSTERS_FINALIZERS.has(name));
  for (const field of ['annotations', 'finalizers', 'labels'] as const) {
    if (kept[field] && Object.keys(kept[field]).length === 0) delete kept[field];
  }
  return kept;
}

/** Keyed by group/resource. */
const BY_KIND: Readonly<Record<string, (object: ApiObject) => void>> = {
  '/namespaces': (namespace) => delete namespace.spec,
  '/serviceaccounts': (account) => delete account['secrets'],
  '/services': ({ spec = {} }) => {
    // Given out anew; "None" is a wish, not an address.
    if (spec['clusterIP'] === 'None') return;
    drop(spec, ['clusterIP', 'clusterIPs', 'healthCheckNodePort']);
  },
  '/persistentvolumes': ({ spec }) => {
    const claim = spec?.['claimRef'] as Spec | undefined;
    if (claim) drop(claim, ['uid', 'resourceVersion']);
  },
  '/pods': ({ spec = {} }) => prunePod(spec),
  'batch/jobs': ({ spec = {} }) => pruneJob(spec),
};

function drop(from: Spec, fields: readonly string[]): void {
  for (const field of fields) delete from[field];
}

/** A bare pod: the scheduler places it again, and admission mounts the token again. */
function prunePod(spec: Spec): void {
  drop(spec, ['nodeName']);
  const injected = (one: { readonly name: string }): boolean => one.name.startsWith('kube-api-access-');
  const named = (list: unknown): { name: string }[] => (Array.isArray(list) ? (list as { name: string }[]) : []);
  spec['volumes'] = named(spec['volumes']).filter((volume) => !injected(volume));
  for (const containers of [spec['containers'], spec['initContainers']]) {
    for (const container of named(containers) as (Spec & { name: string })[]) {
      container['volumeMounts'] = named(container['volumeMounts']).filter((mount) => !injected(mount));
    }
  }
}

const JOB_LABELS = ['controller-uid', 'batch.kubernetes.io/controller-uid', 'job-name', 'batch.kubernetes.io/job-name'];

/** The API server generates selector and labels from the Job's UID, and refuses others. */
function pruneJob(spec: Spec): void {
  if (spec['manualSelector'] === true) return;
  drop(spec, ['selector']);
  const metadata = (spec['template'] as { metadata?: { labels?: Record<string, string> } } | undefined)?.metadata;
  if (metadata?.labels) metadata.labels = without(metadata.labels, JOB_LABELS);
}

function without(from: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name)));
}
