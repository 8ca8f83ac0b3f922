import type { RolloutReader } from '@wavegate/storage';
import type { HubMetrics } from './metrics.js';

export const METRICS = Symbol('MetricsPage');

export interface MetricsPage {
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** Counters live in memory; how many rollouts stand in which state is asked when the page is read. */
export function metricsPage(metrics: HubMetrics, rollouts: RolloutReader): MetricsPage {
  return {
    render: async () => {
      metrics.rollouts.reset();
      metrics.waveClusters.reset();
      const { items } = await rollouts.list({ unfinished: true }, { limit: 500 });
      for (const head of items) {
        metrics.rollouts.inc({ state: head.state });
        const counts = { waiting: 0, inFlight: 0, upgraded: 0, failures: 0, skipped: 0, lost: 0 };
        for (const wave of head.waves) {
          for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += wave[key];
        }
        for (const [phase, count] of Object.entries(counts)) metrics.waveClusters.inc({ phase }, count);
      }
      return { contentType: metrics.registry.contentType, body: await metrics.registry.metrics() };
    },
  };
}
