import { startCluster } from '../kube/world/real-cluster.js';

/** A program of its own: one real control plane with two simulated nodes, until it is told to end. */
export interface KubeClusterStart {
  readonly dir: string;
}

process.once('message', ({ dir }: KubeClusterStart) => {
  void run(dir);
});

async function run(dir: string): Promise<void> {
  const cluster = await startCluster({
    name: 'idle',
    version: '1.34.4',
    dir,
    nodes: [
      { name: 'cp-1', role: 'controlPlane', kubelet: '1.34.4' },
      { name: 'w-1', role: 'worker', kubelet: '1.34.4' },
      { name: 'w-2', role: 'worker', kubelet: '1.34.4' },
    ],
  });
  const end = (): void => void cluster.stop().then(() => process.exit(0));
  process.on('SIGTERM', end);
  process.on('disconnect', end);
  process.send?.({ kubeconfig: cluster.kubeconfigPath });
}
