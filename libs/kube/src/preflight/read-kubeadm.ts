import { parse } from 'yaml';
import type { KubeadmConfiguration, KubeadmPicture } from './picture.js';
import type { RawReader } from './raw-reader.js';

interface ConfigMap {
  readonly data?: Readonly<Record<string, string>>;
}
type Tree = Readonly<Record<string, unknown>>;

const IN = '/api/v1/namespaces/kube-system/configmaps';

/** kubeadm's own record of the cluster: the ConfigMaps that its next upgrade will render from. */
export async function readKubeadm(reader: RawReader): Promise<KubeadmPicture> {
  const [kubeadm, kubelet, proxy] = await Promise.all([
    reader.jsonOrNull<ConfigMap>(`${IN}/kubeadm-config`),
    reader.jsonOrNull<ConfigMap>(`${IN}/kubelet-config`),
    reader.jsonOrNull<ConfigMap>(`${IN}/kube-proxy`),
  ]);
  return {
    configuration: toConfiguration(treeOf(dataOf(kubeadm, 'ClusterConfiguration'))),
    kubelet: toKubelet(treeOf(dataOf(kubelet, 'kubelet'))),
    proxyFeatureGates: tree(treeOf(dataOf(proxy, 'config.conf'))?.featureGates),
  };
}

const dataOf = (map: ConfigMap | null, key: string): string | undefined => map?.data?.[key];

function toKubelet(config: Tree | null): KubeadmPicture['kubelet'] {
  if (!config) return null;
  const { failCgroupV1: fail } = config;
  return { config, featureGates: tree(config.featureGates), failCgroupV1: typeof fail === 'boolean' ? fail : null };
}

export function toConfiguration(config: Tree | null): KubeadmConfiguration | null {
  if (config?.kind !== 'ClusterConfiguration') return null;
  const networking = tree(config.networking);
  const etcd = tree(config.etcd);
  return {
    apiVersion: text(config.apiVersion),
    featureGates: tree(config.featureGates),
    extraArgs: {
      apiServer: argsOf(config.apiServer),
      controllerManager: argsOf(config.controllerManager),
      scheduler: argsOf(config.scheduler),
      etcd: argsOf(etcd.local),
    },
    externalEtcd: etcd.external !== undefined,
    podSubnet: text(networking.podSubnet),
    serviceSubnet: text(networking.serviceSubnet) || '10.96.0.0/12',
    dnsDomain: text(networking.dnsDomain) || 'cluster.local',
    clusterName: text(config.clusterName) || 'kubernetes',
    certificatesDir: text(config.certificatesDir) || '/etc/kubernetes/pki',
  };
}

/** v1beta4 writes a list of {name, value} (a name may come twice), v1beta3 a map. */
function argsOf(component: unknown): Record<string, string> {
  const { extraArgs } = tree(component);
  if (!Array.isArray(extraArgs)) {
    return Object.fromEntries(Object.entries(tree(extraArgs)).map(([name, value]) => [name, text(value)]));
  }
  const args: Record<string, string> = {};
  for (const entry of extraArgs) {
    const { name, value } = tree(entry);
    const known = args[text(name)];
    args[text(name)] = known === undefined ? text(value) : `${known},${text(value)}`;
  }
  return args;
}

function treeOf(yaml: string | undefined): Tree | null {
  if (yaml === undefined) return null;
  try {
    return tree(parse(yaml));
  } catch {
    return null;
  }
}

function tree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
