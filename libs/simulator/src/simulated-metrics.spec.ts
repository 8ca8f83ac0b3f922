import { describe, expect, it } from '@jest/globals';
import type { Order, Series } from '@wavegate/fleet';
import type { ClusterSpec, FaultPlan } from './cluster-spec.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedMetrics } from './simulated-metrics.js';
import { VirtualClock } from './virtual-clock.js';

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const minute = 60_000;
const order = { id: 'o', epoch: 1 } as Order;

function world(faults: FaultPlan) {
  const spec: ClusterSpec = {
    seed: '1',
    name: 'c',
    uid: 'u',
    labels: {},
    version: '1.34.4',
    controlPlanes: 1,
    workers: 3,
    zones: ['a'],
    podsPerWorker: 0,
    provider: 'simulated',
    traffic: 6000,
    speed: 1,
    faults,
  };
  const clock = new VirtualClock(0);
  const cluster = new SimulatedCluster(spec, clock);
  const kubelet = (name: string, from: string, to: string): void => {
    const kind = to === '1.35.4' ? 'upgradeKubelet' : 'rollbackKubelet';
    cluster.job(order, { kind, name: `${kind}/${name}`, node: name, from, to });
  };
  return { clock, cluster, kubelet, metrics: new SimulatedMetrics(cluster) };
}

const share = (series: Series): number => {
  const pairs = series.flatMap((pair) => (pair ? [pair] : []));
  return pairs.reduce((sum, [bad]) => sum + bad, 0) / pairs.reduce((sum, [, total]) => sum + total, 0);
};

describe('SimulatedMetrics', () => {
  it('a healthy cluster → well within its objective, and the same numbers when asked twice', async () => {
    const { metrics, clock } = world({});
    await clock.run(40 * minute, flush);
    const request = {
      objectives: ['checkout-availability'],
      from: 20 * minute,
      until: 40 * minute,
      periodMs: minute,
      baselinePeriods: 20,
    };
    const [sli] = await metrics.samples(request);
    expect(sli!.after).toHaveLength(20);
    expect(share(sli!.after)).toBeLessThan(0.0005);
    expect(await metrics.samples(request)).toEqual([sli]);
  });

  it('the node canary burns → until the worker is back on its old version, and not before', async () => {
    const { metrics, clock, kubelet } = world({ sloBurnsAfter: 'nodeCanary' });
    await clock.run(10 * minute, flush);
    kubelet('w-1', '1.34.4', '1.35.4');
    await clock.run(20 * minute, flush);
    kubelet('w-1', '1.35.4', '1.34.4');
    await clock.run(40 * minute, flush);
    const ask = async (from: number, until: number): Promise<number> => {
      const times = { from: from * minute, until: until * minute, periodMs: minute, baselinePeriods: 0 };
      const [sli] = await metrics.samples({ objectives: ['checkout-availability'], ...times });
      return share(sli!.after);
    };
    expect(await ask(0, 10)).toBeLessThan(0.001);
    expect(await ask(12, 20)).toBeGreaterThan(0.04);
    expect(await ask(23, 40)).toBeLessThan(0.001);
  });

  it('no metrics, or an objective nobody knows → no sample, never a zero', async () => {
    const ask = { objectives: ['checkout-availability', 'nobody'], from: 0, until: 3 * minute, periodMs: minute };
    const [none] = await world({ noMetrics: true }).metrics.samples({ ...ask, baselinePeriods: 2 });
    const [, unknown] = await world({}).metrics.samples({ ...ask, baselinePeriods: 2 });
    expect(none!.after).toEqual([null, null, null]);
    expect(unknown!.after).toEqual([null, null, null]);
  });
});
