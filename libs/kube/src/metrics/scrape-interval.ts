import { promSelectors, promTokens, withPromLabels } from '@wavegate/fleet';
import type { MetricSource } from './metric-sources.js';
import type { PrometheusClient } from './prometheus-client.js';

interface Asked {
  readonly source: MetricSource;
  readonly client: PrometheusClient;
}

/** Milliseconds between two samples of the first selector, by the source's own data; null where it has none. */
export async function scrapeInterval({ client, source }: Asked, query: string): Promise<number | null> {
  const tokens = promTokens(withPromLabels(query, source.labels));
  const [selector] = promSelectors(tokens);
  if (!selector) return null;
  const text = tokens
    .slice(selector.from, selector.to + 1)
    .map((token) => token.text)
    .join('');
  const { result } = await client.query(`600 / max(count_over_time(${text}[10m]))`).catch(() => ({ result: [] }));
  const seconds = Number(result[0]?.value[1] ?? NaN);
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : null;
}
