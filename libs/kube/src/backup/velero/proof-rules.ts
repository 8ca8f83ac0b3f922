import type { RawObject } from './raw-api.js';

/**
 * What the proof restores and compares: kinds of Kubernetes itself that are someone's intent and do nothing by
 * themselves. Custom resources stay out, for their operators would act on the copies; so do Pods, and whatever
 * controllers make from the rest. Each must be listable in the agent's rights (`deploy/agent/velero-proof-rbac.yaml`).
 */
export interface ProofKind {
  /** As Velero names it. */
  readonly resource: string;
  readonly group: string;
  readonly version: string;
}

const kind =
  (group: string, version: string) =>
  (resource: string): ProofKind => ({
    resource: group ? `${resource}.${group}` : resource,
    group,
    version,
  });

export const PROOF_KINDS: readonly ProofKind[] = [
  ...['configmaps', 'secrets', 'services', 'serviceaccounts', 'persistentvolumeclaims'].map(kind('', 'v1')),
  ...['limitranges', 'resourcequotas', 'replicationcontrollers'].map(kind('', 'v1')),
  ...['deployments', 'statefulsets', 'daemonsets', 'replicasets'].map(kind('apps', 'v1')),
  ...['cronjobs', 'jobs'].map(kind('batch', 'v1')),
  ...['horizontalpodautoscalers'].map(kind('autoscaling', 'v2')),
  ...['poddisruptionbudgets'].map(kind('policy', 'v1')),
  ...['ingresses', 'networkpolicies'].map(kind('networking.k8s.io', 'v1')),
  ...['roles', 'rolebindings'].map(kind('rbac.authorization.k8s.io', 'v1')),
];

export function listPath({ resource, group, version }: ProofKind, namespace: string): string {
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  return `${root}/namespaces/${namespace}/${resource.split('.')[0]}`;
}

/** How a restored copy must differ from what it is a copy of, so that nothing of it ever runs, costs or answers. */
export interface ProofRule {
  readonly resource: string;
  /** JSON merge patch. */
  readonly patch: Readonly<Record<string, unknown>>;
  /** Only objects that have this value there; the path as Velero's rules take it. */
  readonly where?: { readonly path: string; readonly value: string };
}

const NOWHERE = 'wavegate-proof';
const noReplicas = (resource: string): ProofRule => ({ resource, patch: { spec: { replicas: 0 } } });
const suspended = (resource: string): ProofRule => ({ resource, patch: { spec: { suspend: true } } });

export const PROOF_RULES: readonly ProofRule[] = [
  ...['deployments.apps', 'statefulsets.apps', 'replicasets.apps', 'replicationcontrollers'].map(noReplicas),
  {
    resource: 'daemonsets.apps',
    patch: { spec: { template: { spec: { nodeSelector: { 'wavegate.dev/proof': 'nowhere' } } } } },
  },
  ...['cronjobs.batch', 'jobs.batch'].map(suspended),
  // A cloud's load balancer costs money, and an ingress would answer for the real one's host name.
  {
    resource: 'services',
    where: { path: '/spec/type', value: 'LoadBalancer' },
    patch: {
      spec: {
        type: 'ClusterIP',
        loadBalancerClass: null,
        loadBalancerIP: null,
        loadBalancerSourceRanges: null,
        allocateLoadBalancerNodePorts: null,
        externalTrafficPolicy: null,
        healthCheckNodePort: null,
      },
    },
  },
  {
    resource: 'ingresses.networking.k8s.io',
    patch: { metadata: { annotations: { 'kubernetes.io/ingress.class': null } }, spec: { ingressClassName: NOWHERE } },
  },
  // No class of that name: nothing is provisioned, the claim stays Pending.
  { resource: 'persistentvolumeclaims', patch: { spec: { storageClassName: NOWHERE, volumeName: null } } },
  // A finalizer's controller would act on the copy when it goes, on what belongs to the original.
  { resource: '**', patch: { metadata: { finalizers: null } } },
];

/** The rules as Velero's resource modifiers: JSON is YAML. */
export function resourceModifiers(): string {
  return JSON.stringify({
    version: 'v1',
    resourceModifierRules: PROOF_RULES.map(({ resource, patch, where }) => ({
      conditions: { groupResource: resource, ...(where ? { matches: [where] } : {}) },
      mergePatches: [{ patchData: JSON.stringify(patch) }],
    })),
  });
}

/** What the rules make of an object: the same patches, applied here. */
export function asRestored(resource: string, object: RawObject): RawObject {
  const rules = PROOF_RULES.filter(
    (rule) => (rule.resource === resource || rule.resource === '**') && isMeant(rule, object),
  );
  return rules.reduce<unknown>((before, { patch }) => mergePatch(before, patch), object) as RawObject;
}

function isMeant({ where }: ProofRule, object: RawObject): boolean {
  if (!where) return true;
  const steps = where.path.split('/').slice(1);
  const found = steps.reduce<unknown>((value, step) => (isTree(value) ? value[step] : undefined), object);
  return found === where.value;
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = isTree(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = isTree(value) ? mergePatch(merged[key], value) : value;
  }
  return merged;
}

export function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
