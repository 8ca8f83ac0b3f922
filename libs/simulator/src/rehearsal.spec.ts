import { describe, expect, it } from '@jest/globals';
import { readPlan, type Cluster, type Plan, type PlanInput } from '@wavegate/fleet';
import { rehearse } from './rehearsal.js';

const AT = Date.UTC(2026, 10, 23, 8);
const MINUTE = 60_000;
const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a plan is rehearsed on a copy of the fleet', () => {
  it('a healthy fleet → every wave in turn, soak and judging included, and all upgraded', async () => {
    const rehearsal = await rehearse({ plan: planOf({}), clusters: fleet(8), at: AT, flush });
    expect(rehearsal.state).toBe('finished');
    expect(rehearsal.clusters.map(({ outcome }) => outcome?.kind)).toEqual(Array(8).fill('upgraded'));
    const [first, second] = rehearsal.waves;
    expect(second?.openedAt).toBeGreaterThanOrEqual((first?.endedAt ?? Infinity) + 10 * MINUTE);
    expect(Math.max(...rehearsal.waves.map(({ mostInFlight }) => mostInFlight))).toBeLessThanOrEqual(2);
  }, 30_000);

  it('a cluster of the first wave burns → it goes back, and the rehearsal ends where a person would be asked', async () => {
    const faults = Object.fromEntries(fleet(8).map(({ name }) => [name, { sloBurnsAfter: 'nodeCanary' as const }]));
    const rehearsal = await rehearse({ plan: planOf({}), clusters: fleet(8), at: AT, faults, flush });
    expect(rehearsal.state).toBe('blocked');
    expect(rehearsal.asks?.code).toBe('budget_exceeded');
    expect(rehearsal.clusters.filter(({ startedAt }) => startedAt !== null)).toHaveLength(1);
    expect(rehearsal.clusters.find(({ startedAt }) => startedAt !== null)?.outcome?.kind).toBe('rolledBack');
  }, 30_000);

  it('workloads that do not come back → the attempt halts with validation_failed, not before they had ten minutes', async () => {
    const faults = { 'c-0': { validationBlocks: { times: 999 } } };
    const strategy = { waves: ['100%'], budget: { firstWave: 1 } };
    const { clusters } = await rehearse({ plan: planOf({ strategy }), clusters: fleet(2), at: AT, faults, flush });
    const [held, well] = ['c-0', 'c-1'].map((name) => clusters.find((one) => one.name === name));
    const params = { findings: 1, first: 'workload_below_before', object: 'payments/ledger' };
    expect(held?.outcome).toMatchObject({ kind: 'halted', reason: { code: 'validation_failed', params } });
    // Every component is at the target: nothing is taken back for it.
    expect(held?.outcome).toMatchObject({ standing: { 'kubelet/w-2': '1.35.4', 'apiserver/cp-1': '1.35.4' } });
    expect(well?.outcome?.kind).toBe('upgraded');
    const took = (one: typeof held): number => (one?.endedAt ?? 0) - (one?.startedAt ?? 0);
    expect(took(held) - took(well)).toBeGreaterThan(5 * MINUTE);
  }, 30_000);

  it('workloads that come back in time → waited for, and upgraded', async () => {
    const faults = { 'c-0': { validationBlocks: { times: 3 } } };
    const { clusters } = await rehearse({ plan: planOf({}), clusters: fleet(1), at: AT, faults, flush });
    expect(clusters[0]?.outcome?.kind).toBe('upgraded');
  }, 30_000);

  it('a window that opens tomorrow → nothing starts before it', async () => {
    const gates = { windows: [{ rrule: 'FREQ=DAILY', start: '22:00', duration: '4h' }], soak: { default: '1m' } };
    const rehearsal = await rehearse({ plan: planOf({ gates }), clusters: fleet(2), at: AT, flush });
    const starts = rehearsal.clusters.map(({ startedAt }) => startedAt ?? 0);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(Date.UTC(2026, 10, 23, 22));
  }, 30_000);

  it('an agent that is not connected → the offline policy takes its cluster', async () => {
    const clusters = fleet(3).map((cluster, index) => ({ ...cluster, connected: index !== 1 }));
    const strategy = { waves: ['100%'], offline: { deadline: '20m', then: 'skip' as const } };
    const rehearsal = await rehearse({ plan: planOf({ strategy }), clusters, at: AT, flush });
    const silent = rehearsal.clusters.find(({ name }) => name === 'c-1');
    expect(silent?.outcome).toMatchObject({ kind: 'skipped', reason: { code: 'offline_skipped' } });
  }, 30_000);
});

function planOf(spec: Partial<PlanInput['spec']>): Plan {
  const read = readPlan({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'rehearsed' },
    spec: {
      target: { kubernetes: '1.35.4' },
      strategy: { waves: ['10%', '100%'], maxInFlight: 2 },
      gates: { soak: { default: '10m' } },
      verdict: { objectives: ['availability'], window: '20m', minSoak: '5m' },
      ...spec,
    },
  });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return read.plan;
}

function fleet(count: number): Cluster[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `id-${index}`,
    name: `c-${index}`,
    labels: { env: 'prod' },
    connected: true,
    facts: {
      schema: 1,
      uid: `uid-${index}`,
      driver: 'simulated',
      apiServers: ['1.34.4'],
      nodes: ['cp-1', 'w-1', 'w-2'].map((name) => ({
        name,
        role: name.startsWith('cp') ? ('controlPlane' as const) : ('worker' as const),
        kubelet: '1.34.4',
        ready: true,
        schedulable: true,
        zone: 'a',
      })),
      pdbCount: 0,
      provider: '',
      observedAt: AT,
    },
  }));
}
