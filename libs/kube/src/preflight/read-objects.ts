import type {
  V1CustomResourceDefinition,
  V1DaemonSet,
  V1Deployment,
  V1EndpointSlice,
  V1LimitRange,
  V1Namespace,
  V1Node,
  V1PersistentVolume,
  V1PodDisruptionBudget,
  V1ResourceQuota,
  V1StatefulSet,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import type { Labels } from '@wavegate/fleet';
import { CORDON_ANNOTATION } from '../drain/cordon.js';
import { toNodeFacts } from '../node-view.js';
import type * as pictured from './picture.js';
import { ownerByLabels } from './pod-picture.js';
import { amountsOf } from './quantity.js';
import { idOfSent, int, list, record, text } from './sent.js';

/** Objects as the API sends them → what the checks need of them. */

const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

export function toNode(node: V1Node): pictured.NodePicture {
  const { name, role, kubelet, ready, schedulable } = toNodeFacts(node);
  const { metadata, spec, status } = node;
  return {
    ...{ name, role, kubelet, ready, schedulable },
    labels: record(metadata?.labels),
    taints: list(spec?.taints).map(({ key, value, effect }) => ({ key, value: text(value), effect })),
    runtime: text(status?.nodeInfo?.containerRuntimeVersion),
    osImage: text(status?.nodeInfo?.osImage),
    cordonedByUs: CORDON_ANNOTATION in record(metadata?.annotations),
    pressures: list(status?.conditions)
      .filter(({ type, status: is }) => is === 'True' && PRESSURES.includes(type))
      .map(({ type, message }) => (message ? `${type} (${message})` : type)),
    allocatable: amountsOf(status?.allocatable),
  };
}

export function toBudget(budget: V1PodDisruptionBudget): pictured.BudgetPicture {
  const { metadata, spec, status } = budget;
  return {
    ...idOfSent(budget),
    ...toRule(spec),
    labels: record(metadata?.labels),
    expected: int(status?.expectedPods),
    desired: int(status?.desiredHealthy),
    healthy: int(status?.currentHealthy),
    allowed: int(status?.disruptionsAllowed),
    counted: int(status?.observedGeneration) >= Math.max(1, int(metadata?.generation)),
  };
}

type Rule = 'selector' | 'minAvailable' | 'maxUnavailable' | 'alwaysAllowUnhealthy';

function toRule(spec: V1PodDisruptionBudget['spec']): Pick<pictured.BudgetPicture, Rule> {
  const { selector = null, minAvailable = null, maxUnavailable = null, unhealthyPodEvictionPolicy } = spec ?? {};
  const alwaysAllowUnhealthy = unhealthyPodEvictionPolicy === 'AlwaysAllow';
  return { selector, minAvailable, maxUnavailable, alwaysAllowUnhealthy };
}

type Webhooks = V1ValidatingWebhookConfiguration;

export function toWebhooks(
  kind: 'validating' | 'mutating',
  { metadata, webhooks }: Webhooks,
): pictured.WebhookPicture[] {
  return (webhooks ?? []).map((webhook) => ({
    configuration: metadata?.name ?? '',
    name: webhook.name,
    kind,
    failsClosed: webhook.failurePolicy !== 'Ignore',
    service: webhook.clientConfig.service
      ? `${webhook.clientConfig.service.namespace}/${webhook.clientConfig.service.name}`
      : '',
    rules: (webhook.rules ?? []).map(({ apiGroups = [], resources = [], operations = [] }) => ({
      ...{ groups: apiGroups, resources, operations },
    })),
    namespaceSelector: webhook.namespaceSelector ?? null,
    hasConditions: (webhook.matchConditions ?? []).length > 0 || Object.keys(webhook.objectSelector ?? {}).length > 0,
  }));
}

export function toEndpoints(slice: V1EndpointSlice): pictured.EndpointPicture[] {
  const port = slice.ports?.find(({ name }) => name === 'https' || name === 'dns')?.port ?? slice.ports?.[0]?.port ?? 0;
  return (slice.endpoints ?? []).map(({ addresses, conditions, targetRef }) => ({
    address: addresses[0] ?? '',
    port,
    // Absent means ready, by the API's own word.
    ready: conditions?.ready !== false,
    pod: targetRef?.kind === 'Pod' ? `${targetRef.namespace ?? ''}/${targetRef.name ?? ''}` : '',
  }));
}

interface ApiService {
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly service?: unknown };
  readonly status?: {
    readonly conditions?: readonly { type: string; status: string; message?: string; reason?: string }[];
  };
}

/** Those served by the API server itself are always there; null for them. */
export function toApiService(service: ApiService): pictured.ApiServicePicture | null {
  if (!service.spec?.service) return null;
  const { name } = idOfSent(service);
  const available = list(service.status?.conditions).find(({ type }) => type === 'Available');
  if (!available) return { name, available: false, message: 'not yet looked at by the aggregator' };
  const message = `${text(available.reason)}: ${text(available.message)}`;
  return { name, available: available.status === 'True', message };
}

export function toCrd({ metadata, spec, status }: V1CustomResourceDefinition): pictured.CrdPicture {
  return {
    name: metadata?.name ?? '',
    stored: status?.storedVersions ?? [],
    versions: spec.versions.map(({ name, served, storage, deprecated = false }) => ({
      name,
      served,
      storage,
      deprecated,
    })),
  };
}

/** Volumes bound to some nodes by their node affinity; others may be mounted anywhere, and are null. */
export function toLocalVolume(volume: V1PersistentVolume): pictured.LocalVolumePicture | null {
  const { spec } = volume;
  const terms = list(spec?.nodeAffinity?.required?.nodeSelectorTerms);
  const nodes = terms
    .flatMap(({ matchExpressions }) => list(matchExpressions))
    .filter(({ key, operator }) => key === 'kubernetes.io/hostname' && operator === 'In')
    .flatMap(({ values }) => list(values));
  const isLocal = nodes.length > 0 || [spec?.local, spec?.hostPath].some((one) => one !== undefined);
  if (!isLocal || !spec?.claimRef) return null;
  const { name, namespace } = idOfSent({ metadata: spec.claimRef });
  return { name: idOfSent(volume).name, claim: `${namespace}/${name}`, nodes };
}

export function toLimits({ metadata, spec }: V1LimitRange): pictured.LimitPicture {
  const bounds = (spec?.limits ?? []).flatMap(({ type, min, max }) => [
    ...Object.keys(min ?? {}).map((resource) => ({ type, kind: 'min' as const, resource })),
    ...Object.keys(max ?? {}).map((resource) => ({ type, kind: 'max' as const, resource })),
  ]);
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', bounds };
}

export function toNamespace(namespace: V1Namespace): pictured.NamespacePicture {
  const terminating = namespace.status?.phase === 'Terminating';
  return { name: idOfSent(namespace).name, labels: record(namespace.metadata?.labels), terminating };
}

export function toQuota(quota: V1ResourceQuota): pictured.QuotaPicture {
  const { spec, status } = quota;
  return { ...idOfSent(quota), hard: record(status?.hard ?? spec?.hard), used: record(status?.used) };
}

export type SentWorkload = V1Deployment & V1StatefulSet & V1DaemonSet;

export function toWorkload(
  kind: pictured.WorkloadPicture['kind'],
  sent: SentWorkload,
  namespaceLabels: (namespace: string) => Labels | undefined,
): pictured.WorkloadPicture {
  const { metadata, spec, status } = sent;
  const { name, namespace } = idOfSent(sent);
  const owner = ownerByLabels(metadata?.labels, spec?.template.metadata?.labels, namespaceLabels(namespace));
  const [desired, ready] =
    kind === 'DaemonSet'
      ? [status?.desiredNumberScheduled, status?.numberReady]
      : [spec?.replicas ?? 1, status?.readyReplicas];
  return { kind, namespace, name, owner, desired: int(desired), ready: int(ready) };
}
