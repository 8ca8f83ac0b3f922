import type { KubeApi, KubeObject } from './kube-api.js';
import { KubeRefusal } from './kube-api.js';

/** A node of the test world. Versions are written without the leading v, as in plans and orders. */
export interface NodeSpec {
  readonly name: string;
  readonly role: 'controlPlane' | 'worker';
  readonly kubelet: string;
  readonly zone?: string;
}

interface Conditions {
  readonly conditions?: readonly { type: string; status: string }[];
}

export type NodeObject = KubeObject<
  { readonly unschedulable?: boolean },
  Conditions & { readonly nodeInfo: { readonly kubeletVersion: string } }
>;

/** Whatever has conditions: a node, a pod. */
export type Standing = KubeObject<unknown, Conditions>;

export const isReady = ({ status }: Standing): boolean =>
  status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;

const CONTROL_PLANE = 'node-role.kubernetes.io/control-plane';
const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd'] as const;
const CAPACITY = { cpu: '32', memory: '64Gi', pods: '250' };

/** Registers the nodes as their kubelets would; kwok keeps them Ready from here on. */
export async function createNodes(api: KubeApi, nodes: readonly NodeSpec[]): Promise<void> {
  await Promise.all(nodes.map((node) => api.create('/api/v1/nodes', nodeObject(node))));
}

function nodeObject({ name, role, kubelet, zone }: NodeSpec): unknown {
  const isControlPlane = role === 'controlPlane';
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'topology.kubernetes.io/zone': zone ?? 'zone-a',
    ...(isControlPlane && { [CONTROL_PLANE]: '' }),
  };
  const nodeInfo = {
    architecture: 'amd64',
    bootID: `boot-${name}`,
    containerRuntimeVersion: 'containerd://2.1.4',
    kernelVersion: '6.1.0',
    kubeProxyVersion: '',
    kubeletVersion: `v${kubelet}`,
    machineID: `machine-${name}`,
    operatingSystem: 'linux',
    osImage: 'Debian GNU/Linux 12 (bookworm)',
    systemUUID: `system-${name}`,
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
    spec: { taints: isControlPlane ? [{ key: CONTROL_PLANE, effect: 'NoSchedule' }] : [] },
    status: { capacity: CAPACITY, allocatable: CAPACITY, nodeInfo },
  };
}

/** What a node's kubelet says about itself, without the v. */
export async function kubeletVersion(api: KubeApi, node: string): Promise<string> {
  const { status } = await api.get<NodeObject>(`/api/v1/nodes/${node}`);
  return status.nodeInfo.kubeletVersion.replace(/^v/, '');
}

export async function setKubeletVersion(api: KubeApi, node: string, version: string): Promise<void> {
  await api.patch(`/api/v1/nodes/${node}/status`, { status: { nodeInfo: { kubeletVersion: `v${version}` } } });
}

/** A node whose kubelet has stopped: NotReady until `ready` is true again. */
export async function setNodeReady(api: KubeApi, node: string, ready: boolean): Promise<void> {
  const annotations = { 'wavegate.test/kubelet': ready ? null : 'stopped' };
  await api.patch(`/api/v1/nodes/${node}`, { metadata: { annotations } });
  if (ready) return;
  const at = new Date().toISOString();
  const times = { lastHeartbeatTime: at, lastTransitionTime: at };
  const notReady = {
    ...times,
    type: 'Ready',
    status: 'False',
    reason: 'KubeletNotReady',
    message: 'stopped by the test',
  };
  await api.patch(`/api/v1/nodes/${node}/status`, { status: { conditions: [notReady] } });
}

/**
 * The static pods of a control-plane node, as the kubelet mirrors them: images and hash tell what runs there. They are
 * replaced, never changed, for that is what a kubelet does after a new manifest.
 */
export async function placeStaticPods(
  api: KubeApi,
  node: string,
  versions: { kubernetes: string; etcd: string },
): Promise<void> {
  const { metadata } = await api.get(`/api/v1/nodes/${node}`);
  await Promise.all(
    COMPONENTS.map(async (component) => {
      const version = component === 'etcd' ? `${versions.etcd}-0` : `v${versions.kubernetes}`;
      const pod = staticPod({ component, node, version, nodeUid: metadata.uid ?? '' });
      const path = '/api/v1/namespaces/kube-system/pods';
      await api.remove(`${path}/${component}-${node}`);
      await createSoon(() => api.create(path, pod));
    }),
  );
}

/** A removed pod may still be there for a moment (kwok may see the deletion first): 409 is "again", nothing else is. */
async function createSoon(create: () => Promise<unknown>, tries = 600): Promise<void> {
  for (let left = tries; ; left -= 1) {
    try {
      await create();
      return;
    } catch (error) {
      if (!(error instanceof KubeRefusal) || error.answer.code !== 409 || left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

function staticPod(of: { component: string; node: string; version: string; nodeUid: string }): unknown {
  const hash = Buffer.from(`${of.component}:${of.version}`).toString('hex').slice(0, 32);
  const owner = { apiVersion: 'v1', kind: 'Node', name: of.node, uid: of.nodeUid, controller: true };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${of.component}-${of.node}`,
      namespace: 'kube-system',
      labels: { component: of.component, tier: 'control-plane' },
      annotations: {
        'kubernetes.io/config.mirror': hash,
        'kubernetes.io/config.hash': hash,
        'kubernetes.io/config.source': 'file',
        'wavegate.test/ready-after': '200ms',
      },
      ownerReferences: [owner],
    },
    spec: {
      nodeName: of.node,
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
      containers: [{ name: of.component, image: `registry.k8s.io/${of.component}:${of.version}` }],
    },
  };
}
