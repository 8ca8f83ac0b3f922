import type {
  V1CustomResourceDefinition,
  V1EndpointSlice,
  V1LimitRange,
  V1Node,
  V1PersistentVolume,
  V1Pod,
  V1PodDisruptionBudget,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import type { Labels } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import { bareVersion } from '../node-view.js';
import * as pictured from './picture.js';
import { PodReader } from './pod-picture.js';
import type { PreflightContext } from './preflight-context.js';
import { RawReader, ReadRefused } from './raw-reader.js';
import { askDns } from './read-dns.js';
import { readKubeadm } from './read-kubeadm.js';
import { readMetrics } from './read-metrics.js';
import { readNodeJob } from './read-node-job.js';
import * as objects from './read-objects.js';
import { ownCertificates, readServers } from './read-servers.js';
import { readVelero } from './read-velero.js';
import { readWriters } from './read-writers.js';

export interface PictureMeans {
  readonly kube: KubeAccess;
  /** Epoch ms. */
  readonly now: () => number;
  /** Told the path of each request: live progress of a verb. */
  readonly say?: (path: string) => void;
}

/** Nobody answers, or not in earnest: says nothing about the cluster, and asking again is right. */
export class ClusterUnreachable extends Error {
  override readonly name = 'ClusterUnreachable';
}

/**
 * `after`: what only an upgrade that is still to come would meet is not looked at. `self`: we run in the cluster, and its
 * inner addresses are ours too.
 */
type Looking = Pick<PreflightContext, 'target' | 'spec'> & Partial<Pick<PreflightContext, 'phase' | 'self'>>;

/**
 * Reads the cluster once, for all checks. What cannot be read becomes a gap that names what and why, except where
 * nobody answers at all: then there is no picture.
 */
export async function takePicture(means: PictureMeans, context: Looking): Promise<pictured.ClusterPicture> {
  const reader = new RawReader(means.kube, means.say);
  try {
    return await new PictureTaking(reader, means).take(context);
  } finally {
    reader.close();
  }
}

class PictureTaking {
  private readonly gaps: pictured.Gap[] = [];

  constructor(
    private readonly reader: RawReader,
    private readonly means: PictureMeans,
  ) {}

  async take({ target, spec, phase = 'before', self = null }: Looking): Promise<pictured.ClusterPicture> {
    const { reader } = this;
    const at = this.means.now();
    // One request first: a server that does not answer is found out once, not twenty times.
    const greeting = await this.part('version', { version: '', clock: null }, () => this.greet());
    const api = await this.part('version', { groups: new Set<string>(), served: new Set<string>() }, () =>
      this.discover(),
    );
    const namespaces = await this.part('namespaces', [], () => this.list('/api/v1/namespaces', objects.toNamespace));
    const others = (await this.part('endpoints', null, () => this.slices('default', 'kubernetes'))) ?? [];
    const labels = new Map(namespaces.map((one) => [one.name, one.labels]));
    const [nodes, pods, plane, rest, metrics] = await Promise.all([
      this.part('nodes', [], () => this.list('/api/v1/nodes', objects.toNode)),
      this.part('pods', [], () => this.pods(spec, (namespace) => labels.get(namespace))),
      this.plane(others),
      this.objects((namespace) => labels.get(namespace)),
      this.metrics(others),
    ]);
    const [kubeadm, velero, nodeJob, writers] = await Promise.all([
      this.part('kubeadm', NO_KUBEADM, () => readKubeadm(reader)),
      ...(phase === 'after'
        ? ([NO_VELERO, NO_NODE_JOB, []] as const)
        : ([
            this.part('velero', NO_VELERO, () => readVelero(reader, api.groups)),
            this.part('nodeJob', NO_NODE_JOB, () => readNodeJob(reader, nodes[0]?.name ?? 'node')),
            this.writers(greeting.version, target, api.served, metrics),
          ] as const)),
    ]);
    const endpoints = await this.endpoints(rest.webhooks);
    const dns = phase === 'after' && self !== null ? await askDns(kubeadm) : null;
    const { authorities, client } = ownCertificates(this.means.kube);
    return {
      ...{ at, ...greeting, ...plane, authorities, metrics },
      certificates: [...plane.certificates, ...(client ? [client] : [])],
      ...{
        nodes: sorted(nodes),
        pods,
        namespaces,
        ...rest,
        endpoints,
        kubeadm,
        velero,
        nodeJob,
        writers,
        dns,
        gaps: this.gaps,
      },
    };
  }

  /** What is essential and has no answer ends the look; every other failure is a gap. */
  private async part<T>(part: pictured.PartName, without: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ReadRefused)) throw error;
      const passing = error.code === 0 || error.code === 429 || error.code >= 500;
      if (passing && pictured.ESSENTIAL.includes(part)) throw new ClusterUnreachable(`${error.path}: ${error.message}`);
      this.gaps.push({ part, code: error.code, why: error.message, partial: false });
      return without;
    }
  }

  /** The Date header has whole seconds: the truth lies within half a round trip and one second. */
  private async greet(): Promise<{ version: string; clock: pictured.ClusterPicture['clock'] }> {
    const before = this.means.now();
    const { code, body, headers } = await this.reader.answer('/version');
    const after = this.means.now();
    if (code >= 400) throw new ReadRefused('/version', code, body.slice(0, 300));
    const server = Date.parse(headers.date ?? '') + 500;
    const clock = Number.isNaN(server)
      ? null
      : { aheadMs: Math.round(server - (before + after) / 2), withinMs: 500 + (after - before) / 2 };
    return { version: bareVersion((JSON.parse(body) as { gitVersion?: string }).gitVersion), clock };
  }

  private async discover(): Promise<{ groups: Set<string>; served: Set<string> }> {
    const { groups = [] } = await this.reader.json<{
      groups?: { name: string; versions: { groupVersion: string }[] }[];
    }>('/apis');
    const served = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion));
    return { groups: new Set(groups.map(({ name }) => name)), served: new Set(served) };
  }

  private async list<In, Out>(path: string, to: (item: In) => Out, limit?: number): Promise<Out[]> {
    const found: Out[] = [];
    await this.reader.each<In>(path, (item) => void found.push(to(item)), limit === undefined ? {} : { limit });
    return found;
  }

  private async pods(spec: PreflightContext['spec'], namespaceLabels: (name: string) => Labels | undefined) {
    const reading = new PodReader(spec.drain, namespaceLabels);
    return sorted(await this.list('/api/v1/pods', (pod: V1Pod) => reading.read(pod)));
  }

  private async metrics(others: readonly pictured.EndpointPicture[]): Promise<pictured.MetricsPicture> {
    const none = { metrics: NO_METRICS, unread: [] };
    const { metrics, unread } = await this.part('metrics', none, () => readMetrics(this.reader, others));
    if (unread.length > 0) {
      const why = `the counters of API servers that were not read: ${unread.join(', ')}; who asks them for deprecated versions was not seen`;
      this.gaps.push({ part: 'metrics', code: 0, why, partial: true });
    }
    return metrics;
  }

  private async plane(
    others: readonly pictured.EndpointPicture[],
  ): Promise<Pick<pictured.ClusterPicture, 'servers' | 'certificates'>> {
    const none = { servers: [], certificates: [], unreached: [] };
    const { servers, certificates, unreached } = await this.part('servers', none, () =>
      readServers(this.reader, others),
    );
    if (unreached.length > 0) {
      const why = `API servers not reached from here: ${unreached.join(', ')}; their certificates and health were not seen`;
      this.gaps.push({ part: 'servers', code: 0, why, partial: true });
    }
    return { servers, certificates };
  }

  /** Null where the Service has no slice at all: there is no such Service. */
  private async slices(namespace: string, service: string): Promise<pictured.EndpointPicture[] | null> {
    const label = encodeURIComponent(`kubernetes.io/service-name=${service}`);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${label}`;
    const found = await this.list(path, (slice: V1EndpointSlice) => objects.toEndpoints(slice));
    return found.length === 0 ? null : found.flat();
  }

  /** Of the Services that admission depends on, and of DNS. */
  private async endpoints(webhooks: readonly pictured.WebhookPicture[]) {
    const names = new Set(['kube-system/kube-dns', ...webhooks.map(({ service }) => service).filter(Boolean)]);
    const found = new Map<string, readonly pictured.EndpointPicture[]>();
    for (const name of names) {
      const [namespace = '', service = ''] = name.split('/');
      const endpoints = await this.part('endpoints', null, () => this.slices(namespace, service));
      if (endpoints) found.set(name, endpoints);
    }
    return found;
  }

  private async writers(
    from: string,
    target: string,
    served: ReadonlySet<string>,
    { deprecated }: pictured.MetricsPicture,
  ) {
    const alsoEndpoints = deprecated.some(({ group, resource }) => group === '' && resource === 'endpoints');
    const none = { writers: [], refused: [] };
    const read = () => readWriters(this.reader, { from, target, served, alsoEndpoints });
    const { writers, refused } = await this.part('writers', none, read);
    this.gaps.push(...refused.map((one) => ({ part: 'writers' as const, ...one, partial: true })));
    return writers;
  }

  private async objects(namespaceLabels: (namespace: string) => Labels | undefined) {
    const admission = '/apis/admissionregistration.k8s.io/v1';
    const hooks = (kind: 'validating' | 'mutating') => () =>
      this.list(`${admission}/${kind}webhookconfigurations`, (one: V1ValidatingWebhookConfiguration) =>
        objects.toWebhooks(kind, one),
      );
    // CustomResourceDefinitions carry their schemas, up to a megabyte each: small pages.
    const crds = () =>
      this.list(
        '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
        (one: V1CustomResourceDefinition) => objects.toCrd(one),
        20,
      );
    const budgets = () =>
      this.list('/apis/policy/v1/poddisruptionbudgets', (one: V1PodDisruptionBudget) => objects.toBudget(one));
    const volumes = () =>
      this.list('/api/v1/persistentvolumes', (one: V1PersistentVolume) => objects.toLocalVolume(one));
    const services = () => this.list('/apis/apiregistration.k8s.io/v1/apiservices', objects.toApiService);
    const drivers = () =>
      this.list('/apis/storage.k8s.io/v1/csidrivers', ({ metadata }: V1Node) => metadata?.name ?? '');
    // Side by side, as many at once as the reader has connections.
    const read = await Promise.all([
      this.part('budgets', [], budgets),
      this.part('workloads', [], () => this.workloads(namespaceLabels)),
      this.part('quotas', [], () => this.list('/api/v1/resourcequotas', objects.toQuota)),
      this.part('limits', [], () => this.list('/api/v1/limitranges', (one: V1LimitRange) => objects.toLimits(one))),
      this.part('webhooks', [], hooks('validating')),
      this.part('webhooks', [], hooks('mutating')),
      this.part('apiServices', [], services),
      this.part('crds', [], crds),
      this.part('volumes', [], volumes),
      this.part('csiDrivers', [], drivers),
    ]);
    const [counted, workloads, quotas, limits, validating, mutating, apiServices, definitions, local, csiDrivers] =
      read;
    return {
      budgets: sorted(counted),
      ...{ workloads, quotas, limits, csiDrivers, crds: definitions },
      webhooks: [...validating, ...mutating].flat(),
      apiServices: present(apiServices),
      volumes: present(local),
    };
  }

  private async workloads(namespaceLabels: (name: string) => Labels | undefined): Promise<pictured.WorkloadPicture[]> {
    const make = (kind: pictured.WorkloadPicture['kind']) => (sent: objects.SentWorkload) =>
      objects.toWorkload(kind, sent, namespaceLabels);
    return [
      ...(await this.list('/apis/apps/v1/deployments', make('Deployment'))),
      ...(await this.list('/apis/apps/v1/statefulsets', make('StatefulSet'))),
      ...(await this.list('/apis/apps/v1/daemonsets', make('DaemonSet'))),
    ];
  }
}

const NO_VELERO: pictured.VeleroPicture = { installed: false, locations: [], backups: [], schedules: [] };
const NO_NODE_JOB: pictured.NodeJobPicture = { namespaceThere: true, refusal: '' };
const NO_METRICS: pictured.MetricsPicture = { since: 0, deprecated: [], etcdBytes: 0, shortClientCertificates: 0 };
const NO_KUBEADM: pictured.KubeadmPicture = { configuration: null, kubelet: null, proxyFeatureGates: {} };

function present<T>(items: readonly (T | null)[]): T[] {
  return items.filter((item) => item !== null);
}

function sorted<T extends { readonly name: string; readonly namespace?: string }>(items: readonly T[]): T[] {
  const key = ({ namespace = '', name }: T): string => `${namespace}/${name}`;
  return [...items].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
