import { layKubeadmHost } from '../kube/world/kubeadm-host.js';
import { startCluster, type RealCluster } from '../kube/world/real-cluster.js';

/** A program of its own: one real control plane that is filled by and by, until it is told to end. */
export type BackupClusterAsk = { readonly dir: string } | { readonly fill: number; readonly bytes: number };

export interface BackupClusterStarted {
  readonly kubeconfig: string;
  readonly endpoint: string;
  readonly pki: string;
}

let cluster: RealCluster | null = null;
let made = 0;

process.on('message', (ask: BackupClusterAsk) => {
  void ('dir' in ask ? start(ask.dir) : fill(ask.fill, ask.bytes)).then((answer) => process.send?.(answer));
});
const end = (): void => void cluster?.stop().then(() => process.exit(0));
process.on('SIGTERM', end);
process.on('disconnect', end);

async function start(dir: string): Promise<BackupClusterStarted> {
  cluster = await startCluster({ name: 'backup', version: '1.35.4', nodes: [], dir });
  const { pki } = layKubeadmHost(cluster, 'cp-1');
  return { kubeconfig: cluster.kubeconfigPath, endpoint: `https://127.0.0.1:${cluster.files.ports.etcd}`, pki };
}

async function fill(count: number, bytes: number): Promise<{ readonly made: number }> {
  const blob = 'x'.repeat(bytes);
  const last = made + count;
  const work = async (): Promise<void> => {
    while (made < last) {
      made += 1;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `object-${made}` }, data: { blob } };
      await insist(object);
    }
  };
  // A few large ones at a time are all that a small machine's etcd takes in ten seconds.
  await Promise.all(Array.from({ length: bytes > 100_000 ? 2 : 16 }, work));
  return { made };
}

/** The machine may be busy with other things: an answer that does not come is asked for again. */
async function insist(object: object): Promise<void> {
  for (let left = 5; ; left -= 1) {
    const answer = await cluster?.api.ask('POST', '/api/v1/namespaces/default/configmaps', object).catch(() => null);
    if (answer && (answer.code < 300 || answer.code === 409)) return;
    if (left === 0) throw new Error(`a ConfigMap was refused: ${answer?.code ?? 'no answer'}`);
  }
}
