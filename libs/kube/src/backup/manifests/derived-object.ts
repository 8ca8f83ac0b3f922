import type { ApiKind } from './kinds.js';

/** An object as the API gives it. */
export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: Metadata;
  spec?: Record<string, unknown>;
  status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  [field: string]: unknown;
}

export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: readonly { readonly controller?: boolean }[];
  finalizers?: string[];
  deletionTimestamp?: string;
  [field: string]: unknown;
}

/** Why an object is not exported. The words are shown to people, with how often. */
export type LeftOut = 'made by its owner' | 'being deleted' | 'finished' | 'made by the cluster itself';

/** By kind (resource.group) and namespace/name: what every cluster makes for itself. */
const SELF_MADE: readonly { readonly resource: string; readonly name: RegExp; readonly namespace?: string }[] = [
  { resource: 'configmaps', name: /^kube-root-ca\.crt$/ },
  { resource: 'configmaps', name: /^extension-apiserver-authentication$/, namespace: 'kube-system' },
  { resource: 'services', name: /^kubernetes$/, namespace: 'default' },
  { resource: 'servicecidrs', name: /^kubernetes$/ },
  { resource: 'priorityclasses', name: /^system-(node|cluster)-critical$/ },
];

/** Null: it belongs to an export. */
export function leftOutFor(kind: ApiKind, object: ApiObject): LeftOut | null {
  const { metadata, type } = object;
  if (metadata.ownerReferences?.some(({ controller }) => controller === true)) return 'made by its owner';
  if (metadata.deletionTimestamp) return 'being deleted';
  if (hasEnded(kind, object)) return 'finished';
  if (type === 'kubernetes.io/service-account-token') return 'made by the cluster itself';
  return isSelfMade(kind, metadata) ? 'made by the cluster itself' : null;
}

/** Run again, a Job does its work again. */
function hasEnded({ resource }: ApiKind, { status }: ApiObject): boolean {
  if (resource === 'pods') return ['Succeeded', 'Failed'].includes(status?.phase ?? '');
  const ended = status?.conditions?.some((one) => ['Complete', 'Failed'].includes(one.type) && one.status === 'True');
  return resource === 'jobs' && ended === true;
}

function isSelfMade({ resource }: ApiKind, { name, namespace, labels, annotations }: Metadata): boolean {
  if (labels?.['kube-aggregator.kubernetes.io/automanaged']) return true;
  if (annotations?.['apf.kubernetes.io/autoupdate-spec'] === 'true') return true;
  return SELF_MADE.some(
    (one) =>
      one.resource === resource && one.name.test(name) && (one.namespace === undefined || one.namespace === namespace),
  );
}
