import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { Order, Reason } from '@wavegate/fleet';
import type { StepContext } from '@wavegate/runtime/agent';
import type { Step } from '@wavegate/upgrade';
import type { ClusterSpec, FaultPlan } from './cluster-spec.js';
import { MortalProcess } from './mortal-process.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedDriver } from './simulated-driver.js';
import { VirtualClock } from './virtual-clock.js';

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const hour = 3_600_000;
const order: Order = {
  schema: 1,
  id: 'order-1',
  kind: 'upgrade',
  parent: { kind: 'rollout', id: 'r' },
  clusterId: 'c',
  clusterUid: 'uid-c',
  attempt: 1,
  hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' },
  epoch: 1,
  plan: '{}',
  planDigest: '',
  approvedRungs: [],
  startBy: hour,
  deadline: 9 * hour,
};

function world(faults: FaultPlan, over: Partial<ClusterSpec> = {}) {
  const spec: ClusterSpec = {
    seed: '1',
    name: 'c',
    uid: 'uid-c',
    labels: {},
    version: '1.34.4',
    controlPlanes: 1,
    workers: 3,
    zones: ['a', 'b'],
    podsPerWorker: 4,
    provider: 'simulated',
    traffic: 1200,
    speed: 1,
    faults,
    ...over,
  };
  const clock = new VirtualClock(0);
  const cluster = new SimulatedCluster(spec, clock);
  const said: Reason[] = [];
  const context: StepContext = {
    order,
    attempt: 1,
    report: (why) => said.push(why),
    cancel: { cancelled: false, onCancel: () => () => {} },
  };
  return { clock, cluster, said, context, driver: new SimulatedDriver(cluster) };
}

const drain: Step = { kind: 'drainNode', name: 'drain/w-1', node: 'w-1', timeoutMs: 600_000 };
const kubelet: Step = { kind: 'upgradeKubelet', name: 'kubelet/w-1', node: 'w-1', from: '1.34.4', to: '1.35.4' };
const apply: Step = {
  kind: 'upgradeControlPlane',
  name: 'apply/cp-1',
  node: 'cp-1',
  from: '1.34.4',
  to: '1.35.4',
  first: true,
};

describe('SimulatedDriver', () => {
  it('a free node is drained → it is closed by us, empty, and every pod lives elsewhere', async () => {
    const { clock, cluster, driver, context } = world({});
    const result = driver.carryOut(drain, context);
    await clock.run(hour, flush);
    await expect(result).resolves.toEqual({ kind: 'succeeded' });
    expect(cluster.node('w-1')).toMatchObject({ cordoned: true, cordonedBy: 'order-1', pods: [] });
    expect(cluster.state.nodes.flatMap(({ pods }) => pods)).toHaveLength(12);
    expect(cluster.state.effects.filter(({ effect }) => effect === 'evict')).toHaveLength(4);
  });

  it('a PDB that never allows → the pod, its PDB and owner are named, and the drain gives up in time', async () => {
    const { clock, driver, context, said } = world({ drainBlocked: { forMs: null } });
    const result = driver.carryOut(drain, context);
    await clock.run(hour, flush);
    await expect(result).resolves.toMatchObject({ kind: 'failed', reason: { code: 'drain_timed_out' } });
    const blocked = said.find(({ code }) => code === 'drain_blocked');
    expect(blocked?.params).toMatchObject({ node: 'w-1', pdb: 'app-1', owner: 'team-ledger' });
  });

  it('a PDB that blocks for two minutes → the drain waits and then ends well', async () => {
    const { clock, driver, context, said } = world({ drainBlocked: { forMs: 120_000 } });
    const result = driver.carryOut(drain, context);
    await clock.run(hour, flush);
    await expect(result).resolves.toEqual({ kind: 'succeeded' });
    expect(said.some(({ code }) => code === 'drain_blocked')).toBe(true);
  });

  it('the agent dies mid-job → the job runs on, and a second agent adopts it without starting another', async () => {
    const { clock, cluster, context } = world({});
    const life = new MortalProcess('agent');
    const first = new SimulatedDriver(cluster, life.wrap(clock, 'clock'));
    let ended = false;
    void first.carryOut(kubelet, context).then(() => (ended = true));
    await clock.run(5_000, flush);
    life.kill();
    const second = new SimulatedDriver(cluster).carryOut(kubelet, context);
    await clock.run(hour, flush);
    await expect(second).resolves.toEqual({ kind: 'succeeded' });
    expect(ended).toBe(false);
    expect(cluster.state.effects.filter(({ effect }) => effect === 'jobStarted')).toHaveLength(1);
    expect(cluster.node('w-1')).toMatchObject({ kubelet: '1.35.4', ready: true });
  });

  it('the agent dies mid-drain → it evicts nothing more', async () => {
    const { clock, cluster, context } = world({});
    const life = new MortalProcess('agent');
    void new SimulatedDriver(cluster, life.wrap(clock, 'clock')).carryOut(drain, context);
    await clock.run(2_500, flush);
    const before = cluster.state.effects.length;
    life.kill();
    await clock.run(hour, flush);
    expect(cluster.state.effects).toHaveLength(before);
    expect(before).toBeGreaterThan(1);
  });

  it('a single control plane is upgraded → its API is away meanwhile, and its static pods settle after Ready', async () => {
    const { clock, cluster, driver, context } = world({});
    const result = driver.carryOut(apply, context);
    await clock.run(80_000, flush);
    expect((await driver.observe(order)).reachable).toBe(false);
    expect(() => cluster.cordon(order, drain, 'w-1')).toThrow('does not answer');
    await clock.run(hour, flush);
    await expect(result).resolves.toEqual({ kind: 'succeeded' });
    const node = (await driver.observe(order)).nodes.find(({ name }) => name === 'cp-1');
    expect(node?.staticPods['kube-apiserver']?.version).toBe('1.35.4');
    expect(node!.staticPods['kube-apiserver']!.since).toBeGreaterThan(node!.readySince);
    expect((await driver.facts()).apiServers).toEqual(['1.35.4']);
  });

  it('kubeadm takes itself back once → failed, said so, and the version is the old one', async () => {
    const { clock, cluster, driver, context } = world({ kubeadmReverts: { times: 1 } });
    const result = driver.carryOut(apply, context);
    await clock.run(hour, flush);
    await expect(result).resolves.toEqual({
      kind: 'failed',
      reason: reason('kubeadm_reverted', { node: 'cp-1', version: '1.34.4' }),
    });
    expect(cluster.node('cp-1').kubelet).toBe('1.34.4');
  });

  it('release → nodes that were not changed are opened, a half-upgraded one stays closed and is named', async () => {
    const { clock, cluster, driver, context } = world({ failAt: { step: 'upgradeKubelet', times: 1 } });
    const result = driver.carryOut(drain, context).then(() => driver.carryOut(kubelet, context));
    const other = driver.carryOut({ ...drain, name: 'drain/w-2', node: 'w-2' }, context);
    await clock.run(hour, flush);
    await expect(result).resolves.toMatchObject({ kind: 'failed', reason: { code: 'step_failed' } });
    await other;
    await expect(driver.release(order)).resolves.toEqual(['w-1']);
    expect(cluster.node('w-1').cordoned).toBe(true);
    expect(cluster.node('w-2').cordoned).toBe(false);
  });

  it('state kept as text → another process finds the same cluster, its running job included', async () => {
    const { clock, cluster, driver, context } = world({});
    void driver.carryOut(kubelet, context);
    await clock.run(1_000, flush);
    const again = new SimulatedCluster(cluster.spec, clock, {}, cluster.snapshot());
    await clock.run(hour, flush);
    expect(again.node('w-1').kubelet).toBe('1.35.4');
    expect(again.state.nodes).toEqual(cluster.state.nodes);
  });
});
