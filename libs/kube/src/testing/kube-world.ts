import { openKubeAt, type KubeAccess } from '../kube-access.js';
import { PooledKubeConfig } from '../pooled-kube-config.js';
import { FakeApiServer } from './fake-api-server.js';

/** A fake API server with the real client on it. */
export async function startKubeWorld(): Promise<{ readonly api: FakeApiServer; readonly kube: KubeAccess }> {
  const api = new FakeApiServer();
  const server = await api.start();
  const config = new PooledKubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'c', server, skipTLSVerify: true }],
    users: [{ name: 'u' }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
  return { api, kube: openKubeAt(config) };
}
