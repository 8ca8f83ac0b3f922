import { isTree, asRestored } from './proof-rules.js';
import type { RawObject } from './raw-api.js';

/** One way in which a restored object is not what was expected. */
export interface ProofDifference {
  /** "deployments.apps/web" */
  readonly object: string;
  /** "spec.template.spec.containers[0].image"; '' for the object as a whole. */
  readonly field: string;
  readonly what: 'missing' | 'extra' | 'differs';
  /** Set where the difference is no fault of the backup, and why. */
  readonly explained: string;
}

export interface ProofSide {
  readonly resource: string;
  readonly namespace: string;
  readonly objects: readonly RawObject[];
}

export interface ProofTerms {
  /** Epoch ms of the backup's start: what was written later cannot be in it. */
  readonly backupAt: number;
  /** Does an object with these labels belong to the backup? */
  readonly belongs: (labels: Readonly<Record<string, string>>) => boolean;
}

const EXCLUDED = 'velero.io/exclude-from-backup';
/** More of one object would say nothing new. */
const FIELDS_PER_OBJECT = 5;

/** Objects of one kind, live against restored. Both sides are normalised the same way, and nothing else is left out. */
export function compareKind(live: ProofSide, restored: ProofSide, terms: ProofTerms): ProofDifference[] {
  const copies = new Map(restored.objects.map((object) => [object.metadata.name, object]));
  const originals = live.objects.filter((object) => !isMadeByCluster(live.resource, object));
  const known = new Set(live.objects.map(({ metadata }) => metadata.name));
  const differences = originals.flatMap((object) => {
    const copy = copies.get(object.metadata.name);
    return copy ? compareOne(live, object, { ...restored, copy }, terms) : missing(live.resource, object, terms);
  });
  const extra = restored.objects
    .filter((object) => !known.has(object.metadata.name) && !isMadeByCluster(live.resource, object))
    .map(({ metadata }) => ({
      object: `${live.resource}/${metadata.name}`,
      field: '',
      what: 'extra' as const,
      explained: 'deleted since the backup',
    }));
  return [...differences, ...extra];
}

function missing(resource: string, object: RawObject, terms: ProofTerms): ProofDifference[] {
  const labels = object.metadata.labels ?? {};
  if (!terms.belongs(labels)) return [];
  const explained = () => {
    if (labels[EXCLUDED] === 'true') return `excluded by its label ${EXCLUDED}`;
    if (Date.parse(object.metadata.creationTimestamp ?? '') >= terms.backupAt) return 'created since the backup';
    return '';
  };
  return [{ object: `${resource}/${object.metadata.name}`, field: '', what: 'missing', explained: explained() }];
}

function compareOne(
  live: ProofSide,
  object: RawObject,
  restored: ProofSide & { readonly copy: RawObject },
  terms: ProofTerms,
): ProofDifference[] {
  const expected = normalise(live.resource, asRestored(live.resource, object), live.namespace, restored.namespace);
  const got = normalise(live.resource, restored.copy, live.namespace, restored.namespace);
  const fields = differingFields(expected, got).slice(0, FIELDS_PER_OBJECT);
  const explained = fields.length > 0 && writtenAt(object) >= terms.backupAt ? 'changed since the backup' : '';
  const name = `${live.resource}/${object.metadata.name}`;
  return fields.map((field) => ({ object: name, field, what: 'differs', explained }));
}

/** When somebody last wrote the object itself; writes of its status are not in a backup. Seconds, like the server's. */
function writtenAt({ metadata }: RawObject): number {
  const { managedFields = [] } = metadata as {
    readonly managedFields?: readonly { readonly time?: string; readonly subresource?: string }[];
  };
  const times = managedFields.filter(({ subresource }) => !subresource).map(({ time }) => Date.parse(time ?? ''));
  return Math.max(0, ...times.filter((time) => !Number.isNaN(time)));
}

/** What comes into being by itself, or is over and not restored by Velero: nobody's intent is lost with it. */
export function isMadeByCluster(resource: string, object: RawObject): boolean {
  const { name, ownerReferences = [] } = object.metadata as RawObject['metadata'] & {
    readonly ownerReferences?: readonly { readonly controller?: boolean }[];
  };
  if (ownerReferences.some(({ controller }) => controller)) return true;
  if (resource === 'configmaps' && name === 'kube-root-ca.crt') return true;
  if (resource === 'secrets' && object.type === 'kubernetes.io/service-account-token') return true;
  return resource === 'jobs.batch' && isTree(object.status) && typeof object.status.completionTime === 'string';
}

const SERVER_METADATA = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'managedFields', 'selfLink'],
  ...['deletionGracePeriodSeconds', 'generateName', 'ownerReferences', 'namespace', 'finalizers'],
];
const SERVER_ANNOTATIONS = [
  ...['deployment.kubernetes.io/', 'pv.kubernetes.io/', 'volume.kubernetes.io/', 'volume.beta.kubernetes.io/'],
  ...['kubectl.kubernetes.io/last-applied-configuration', 'deprecated.daemonset.template.generation'],
  ...['batch.kubernetes.io/cronjob-scheduled-timestamp', 'endpoints.kubernetes.io/'],
];
const SERVER_LABELS = ['velero.io/backup-name', 'velero.io/restore-name'];
/** Drawn by the server for each object anew. */
const SERVER_SPEC: Readonly<Record<string, readonly string[]>> = {
  services: ['clusterIP', 'clusterIPs', 'healthCheckNodePort'],
  persistentvolumeclaims: ['volumeName'],
  'jobs.batch': ['selector'],
};

/** The object as its author means it. */
function normalise(resource: string, object: RawObject, from: string, into: string): Record<string, unknown> {
  const { metadata, status: _status, ...rest } = object;
  const kept: Record<string, unknown> = { ...rest, metadata: authorsMetadata(metadata) };
  delete kept.apiVersion; // list items carry neither
  delete kept.kind;
  if (isTree(kept.spec)) kept.spec = authorsSpec(resource, kept.spec);
  if (resource === 'serviceaccounts') delete kept.secrets; // made by the cluster
  if (resource === 'rolebindings.rbac.authorization.k8s.io') kept.subjects = mapSubjects(kept.subjects, from, into);
  return kept;
}

function authorsMetadata(metadata: RawObject['metadata']): Record<string, unknown> {
  const kept = Object.entries(metadata).filter(([key]) => !SERVER_METADATA.includes(key));
  const texts = (of: Readonly<Record<string, string>> = {}, ours: readonly string[]) =>
    Object.fromEntries(Object.entries(of).filter(([key]) => !ours.some((start) => key.startsWith(start))));
  return {
    ...Object.fromEntries(kept),
    labels: texts(metadata.labels, SERVER_LABELS),
    annotations: texts(metadata.annotations, SERVER_ANNOTATIONS),
  };
}

function authorsSpec(resource: string, spec: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const drawn = (SERVER_SPEC[resource] ?? []).filter((key) => !(key.startsWith('clusterIP') && isHeadless(spec)));
  const kept = Object.fromEntries(Object.entries(spec).filter(([key]) => !drawn.includes(key)));
  if (resource === 'services' && Array.isArray(kept.ports)) {
    kept.ports = kept.ports.map((port: unknown) => {
      const { nodePort: _nodePort, ...rest } = isTree(port) ? port : {};
      return rest;
    });
  }
  return resource === 'jobs.batch' ? withoutControllerUid(kept) : kept;
}

const isHeadless = (spec: Readonly<Record<string, unknown>>): boolean => spec.clusterIP === 'None';

/** The job controller labels the template with the Job's own UID. */
function withoutControllerUid(spec: Record<string, unknown>): Record<string, unknown> {
  const template = isTree(spec.template) ? spec.template : {};
  const metadata = isTree(template.metadata) ? template.metadata : {};
  const labels = Object.entries(isTree(metadata.labels) ? metadata.labels : {});
  const kept = Object.fromEntries(labels.filter(([key]) => !/controller-uid$|job-name$/.test(key)));
  return { ...spec, template: { ...template, metadata: { ...metadata, labels: kept } } };
}

/** Velero gives a binding's subjects the new namespace, too. */
function mapSubjects(subjects: unknown, from: string, into: string): unknown {
  if (!Array.isArray(subjects)) return subjects;
  return subjects.map((subject: unknown) =>
    isTree(subject) && subject.namespace === from ? { ...subject, namespace: into } : subject,
  );
}

/** Paths at which two trees are not the same, sorted. Absent, empty object and empty list are one. */
export function differingFields(left: unknown, right: unknown, path = ''): string[] {
  if (isEmpty(left) && isEmpty(right)) return [];
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    return left.flatMap((value: unknown, index) => differingFields(value, right[index], `${path}[${index}]`));
  }
  if (!isTree(left) || !isTree(right)) return left === right ? [] : [path];
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  return keys.flatMap((key) => differingFields(left[key], right[key], path ? `${path}.${key}` : key));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isTree(value) && Object.keys(value).length === 0;
}
