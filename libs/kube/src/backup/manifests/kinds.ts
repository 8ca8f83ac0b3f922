/** One listable kind of the API, in its group's preferred version. */
export interface ApiKind {
  /** '' is the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export const apiVersionOf = ({ group, version }: ApiKind): string => (group ? `${group}/${version}` : version);
/** As people and RBAC write it: `deployments.apps`, `pods`. */
export const nameOf = ({ group, resource }: ApiKind): string => (group ? `${resource}.${group}` : resource);

export function listPath(kind: ApiKind, namespace: string | null): string {
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`;
  return namespace === null ? `${root}/${kind.resource}` : `${root}/namespaces/${namespace}/${kind.resource}`;
}

/**
 * Kinds that are not exported, because the cluster makes them by itself or because they say how it was, not how it is
 * meant to be: applied elsewhere they would be lies. By group; null is the whole group.
 */
const DERIVED: Readonly<Record<string, readonly string[] | null>> = {
  '': ['events', 'endpoints', 'nodes', 'componentstatuses', 'bindings'],
  'events.k8s.io': null,
  'discovery.k8s.io': ['endpointslices'],
  'coordination.k8s.io': ['leases', 'leasecandidates'],
  'metrics.k8s.io': null,
  'custom.metrics.k8s.io': null,
  'external.metrics.k8s.io': null,
  'storage.k8s.io': ['csinodes', 'csistoragecapacities', 'volumeattachments'],
  'certificates.k8s.io': ['certificatesigningrequests'],
  'networking.k8s.io': ['ipaddresses'],
  'resource.k8s.io': ['resourceslices'],
  'internal.apiserver.k8s.io': null,
};

export function isDerivedKind({ group, resource }: ApiKind): boolean {
  const derived = DERIVED[group];
  return derived === null || (derived?.includes(resource) ?? false);
}

/**
 * The order in which an empty cluster takes them: what others refer to comes first. Admission comes last: a webhook
 * whose server is not up yet would refuse everything after it.
 */
const RANKS: readonly (readonly string[])[] = [
  ['customresourcedefinitions'],
  ['namespaces'],
  ['priorityclasses', 'storageclasses', 'runtimeclasses', 'ingressclasses', 'csidrivers', 'volumeattributesclasses'],
  ['prioritylevelconfigurations', 'flowschemas', 'servicecidrs'],
  ['serviceaccounts', 'clusterroles', 'roles'],
  ['clusterrolebindings', 'rolebindings'],
  ['secrets', 'configmaps'],
  ['resourcequotas', 'limitranges'],
  ['persistentvolumes', 'persistentvolumeclaims'],
  ['services', 'networkpolicies'],
  ['pods', 'replicationcontrollers', 'replicasets', 'deployments', 'statefulsets', 'daemonsets', 'jobs', 'cronjobs'],
  ['horizontalpodautoscalers', 'poddisruptionbudgets', 'ingresses'],
];
const LAST: readonly (readonly string[])[] = [
  ['apiservices'],
  ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
  ['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'],
  ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
];

/** Kinds of others (custom resources) come after the workloads, which are their controllers, and before admission. */
function rankOf({ group, resource }: ApiKind): number {
  const ofKubernetes = group === '' || !group.includes('.') || group.endsWith('.k8s.io');
  const find = (ranks: readonly (readonly string[])[]): number =>
    ofKubernetes ? ranks.findIndex((names) => names.includes(resource)) : -1;
  const first = find(RANKS);
  if (first >= 0) return first;
  const last = find(LAST);
  return last >= 0 ? RANKS.length + 1 + last : RANKS.length;
}

export function inApplyOrder(kinds: readonly ApiKind[]): readonly ApiKind[] {
  return [...kinds].sort((a, b) => rankOf(a) - rankOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
}
