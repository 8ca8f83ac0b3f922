import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RealCluster } from './real-cluster.js';

/**
 * The folders of a control-plane host that a backup reads, as kubeadm lays them: `/etc/kubernetes/pki` with the client
 * certificate of etcd's health check, and the API server's static pod. `root` stands for the host's `/`.
 */
export interface KubeadmHost {
  readonly root: string;
  readonly pki: string;
  readonly manifests: string;
}

export function layKubeadmHost(cluster: RealCluster, node: string): KubeadmHost {
  const root = join(cluster.dir, 'hosts', node);
  const pki = join(root, 'etc/kubernetes/pki');
  const manifests = join(root, 'etc/kubernetes/manifests');
  mkdirSync(join(pki, 'etcd'), { recursive: true });
  mkdirSync(manifests, { recursive: true });
  const { caFile, etcdClient, tokenKeys, server, encryptionConfig } = cluster.files;
  const copies: Readonly<Record<string, string>> = {
    'ca.crt': caFile,
    'apiserver.crt': server.cert,
    'apiserver.key': server.key,
    'sa.pub': tokenKeys.publicKey,
    'sa.key': tokenKeys.privateKey,
    'etcd/ca.crt': caFile,
    'etcd/healthcheck-client.crt': etcdClient.cert,
    'etcd/healthcheck-client.key': etcdClient.key,
  };
  for (const [name, from] of Object.entries(copies)) copyFileSync(from, join(pki, name));
  const flags = encryptionConfig ? [`--encryption-provider-config=${encryptionConfig}`] : [];
  const containers = [{ name: 'kube-apiserver', command: ['kube-apiserver', ...flags] }];
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'kube-apiserver' }, spec: { containers } };
  // JSON is YAML.
  writeFileSync(join(manifests, 'kube-apiserver.yaml'), JSON.stringify(pod));
  return { root, pki, manifests };
}
