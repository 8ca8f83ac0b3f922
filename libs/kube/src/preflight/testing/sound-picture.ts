import type { BudgetPicture, ClusterPicture, NodePicture, PodPicture } from '../picture.js';
import { bareContext, type PreflightContext } from '../preflight-context.js';

export const AT = Date.parse('2026-11-21T12:00:00Z');

/** A node that is well, with what the test says otherwise. */
export function node(name: string, of: Partial<NodePicture> = {}): NodePicture {
  return {
    ...{ name, role: 'worker', labels: { 'kubernetes.io/hostname': name }, taints: [], kubelet: '1.34.4' },
    ...{ runtime: 'containerd://2.1.4', osImage: 'Debian GNU/Linux 12 (bookworm)', ready: true, schedulable: true },
    ...{ cordonedByUs: false, pressures: [], allocatable: { cpu: 4000, memory: 8 * 2 ** 30, pods: 110 } },
    ...of,
  };
}

export function pod(name: string, of: Partial<PodPicture> = {}): PodPicture {
  return {
    ...{ namespace: 'shop', name, node: 'w-1', phase: 'Running', labels: { app: 'web' } },
    ...{ controller: { kind: 'ReplicaSet', name: 'web-1' }, workload: 'Deployment/web', owner: '' },
    ...{ fate: { kind: 'evict' }, loss: null, ready: true, restarts: 0, crashLooping: false, terminatingSince: 0 },
    ...{ finalizers: [], claims: [], images: [], component: null },
    shape: { requests: { cpu: 1000 }, nodeSelector: {}, affinity: null, tolerations: [] },
    ...of,
  };
}

/** A static pod of a control-plane component. */
export function component(
  name: string,
  at: string,
  of: Partial<PodPicture> & { readonly flags?: Record<string, string> } = {},
): PodPicture {
  const { flags = {}, ...rest } = of;
  return pod(`${name}-${at}`, {
    ...{
      namespace: 'kube-system',
      node: at,
      fate: { kind: 'kept', why: 'mirror' },
      workload: `Node/${at}`,
      labels: {},
    },
    component: { name, version: name === 'etcd' ? '3.6.5-0' : '1.34.4', flags, startedAt: AT - 86_400_000 },
    ...rest,
  });
}

export function budget(name: string, of: Partial<BudgetPicture> = {}): BudgetPicture {
  return {
    ...{ namespace: 'shop', name, labels: {}, selector: { matchLabels: { app: 'web' } }, minAvailable: null },
    ...{
      maxUnavailable: 1,
      alwaysAllowUnhealthy: false,
      expected: 3,
      desired: 2,
      healthy: 3,
      allowed: 1,
      counted: true,
    },
    ...of,
  };
}

/** Three workers and one control-plane node, all well, nothing running but the plane. */
export function picture(of: Partial<ClusterPicture> = {}): ClusterPicture {
  const plane = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'];
  return {
    ...{
      at: AT,
      version: '1.34.4',
      clock: { aheadMs: 100, withinMs: 500 },
      servers: [],
      certificates: [],
      authorities: [],
    },
    metrics: { since: AT - 86_400_000, deprecated: [], etcdBytes: 0, shortClientCertificates: 0 },
    nodes: [node('cp-1', { role: 'controlPlane' }), node('w-1'), node('w-2'), node('w-3')],
    pods: plane.map((name) => component(name, 'cp-1')),
    ...{ budgets: [], workloads: [], namespaces: [], quotas: [], limits: [], webhooks: [], endpoints: new Map() },
    ...{ apiServices: [], crds: [], volumes: [], csiDrivers: [], writers: [], gaps: [] },
    kubeadm: { configuration: null, kubelet: null, proxyFeatureGates: {} },
    velero: { installed: false, locations: [], backups: [], schedules: [] },
    nodeJob: { namespaceThere: true, refusal: '' },
    dns: null,
    ...of,
  };
}

export function context(of: Partial<PreflightContext> = {}): PreflightContext {
  return { ...bareContext('1.35.4', AT), self: null, ...of };
}
