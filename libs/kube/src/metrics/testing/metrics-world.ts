import type { KubeAccess } from '../../kube-access.js';
import type { FakeApiServer } from '../../testing/fake-api-server.js';
import { startKubeWorld } from '../../testing/kube-world.js';
import { PlayedPrometheus } from './played-prometheus.js';

/** A cluster whose admin may allow a Prometheus that is played. */
export interface MetricsWorld {
  readonly api: FakeApiServer;
  readonly kube: KubeAccess;
  readonly prometheus: PlayedPrometheus;
  readonly url: string;
  /** Writes the ConfigMap `wavegate-metrics`; left out: with the played Prometheus as its one source. */
  readonly allow: (text?: string) => void;
  readonly close: () => Promise<void>;
}

export async function startMetricsWorld(): Promise<MetricsWorld> {
  const { api, kube } = await startKubeWorld();
  const prometheus = new PlayedPrometheus();
  const url = await prometheus.start();
  const allow = (text = JSON.stringify({ sources: [{ name: 'cluster', url }] })): void => {
    const metadata = { name: 'wavegate-metrics', namespace: 'wavegate' };
    api.put('/api/v1/configmaps', { metadata, data: { metrics: text } });
  };
  const close = async (): Promise<void> => {
    await prometheus.stop();
    await api.stop();
  };
  return { api, kube, prometheus, url, allow, close };
}
