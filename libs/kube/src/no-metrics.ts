import type { SliSamples } from '@wavegate/fleet';
import type { Metrics } from '@wavegate/runtime/agent';

/**
 * Where no metrics source is configured every objective a plan asks for has no sample at all: the judge holds and then
 * calls it inconclusive. Missing data is never good news. Plans without objectives rest on the hard gates.
 */
export class NoMetrics implements Metrics {
  samples(request: Parameters<Metrics['samples']>[0]): Promise<readonly SliSamples[]> {
    const periods = Math.max(1, Math.ceil((request.until - request.from) / request.periodMs));
    return Promise.resolve(
      request.objectives.map((name) => ({
        name,
        objective: 0.999,
        decisive: true,
        baseline: [],
        after: new Array<null>(periods).fill(null),
      })),
    );
  }
}
