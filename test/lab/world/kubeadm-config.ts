import type { NodePlace } from './lab-shape.js';

export const POD_SUBNET = '10.244.0.0/16';
const CRI_SOCKET = 'unix:///run/containerd/containerd.sock';

/**
 * What `kubeadm init` of a lab reads (JSON is YAML). Each departure from the defaults is one of a container node:
 * cgroup v1 and no systemd driver; few open files; conntrack belongs to the machine; and the kubelet must not collect
 * images, since it sees the disk fuller than it is and nothing can pull a deleted image again.
 */
export function initConfig(version: string, node: NodePlace, endpoint: string, certificateKey?: string): string {
  const documents = [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'InitConfiguration',
      localAPIEndpoint: { advertiseAddress: node.address },
      nodeRegistration: { name: node.name, criSocket: CRI_SOCKET },
      ...(certificateKey ? { certificateKey } : {}),
    },
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      kubernetesVersion: `v${version}`,
      controlPlaneEndpoint: `${endpoint}:6443`,
      networking: { podSubnet: POD_SUBNET },
    },
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      maxOpenFiles: 16384,
      imageGCHighThresholdPercent: 100,
      evictionHard: {
        'memory.available': '100Mi',
        'nodefs.available': '0%',
        'nodefs.inodesFree': '0%',
        'imagefs.available': '0%',
      },
    },
    {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      conntrack: { maxPerCore: 0, min: 0 },
    },
  ];
  return documents.map((document) => JSON.stringify(document)).join('\n---\n');
}
