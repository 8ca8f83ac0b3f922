import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AGENT_USER } from './world/agent-process.js';
import { podDeletions, underTest } from './world/audit-log.js';
import { BudgetWatch } from './world/budget-watch.js';
import { eventually } from './world/eventually.js';
import { cordoned, deedsOf, FleetWorld, kubelets, NEW } from './world/fleet-world.js';
import { workload, workloadReady } from './world/workload.js';

/** Of the fleet world: one worker after the other in zone 0 and zone 1, so three of them lie in the first. */
const ZONES: Readonly<Record<string, number>> = { 'w-1': 0, 'w-2': 1, 'w-3': 0, 'w-4': 1, 'w-5': 0 };
const CANARY = 'w-4';
const WEB = { namespace: 'shop', name: 'web', replicas: 5, pdb: { maxUnavailable: 1 }, readyAfter: '1s' };

interface Interval {
  readonly node: string;
  readonly from: number;
  readonly to: number;
}

let world: FleetWorld;
beforeAll(async () => {
  // Its control plane went ahead: the nodes alone are looked at here.
  world = await FleetWorld.start([{ name: 'sigma', version: NEW, workers: Object.keys(ZONES).length }]);
});
afterAll(() => world?.stop());

const cluster = () => world.member('sigma').cluster;

/** From the cordon to the uncordon of each worker, as the API server's own log has them. */
function intervals(): readonly Interval[] {
  const patches = underTest(cluster().audit()).filter(
    ({ user, verb, objectRef, responseStatus }) =>
      user.username === AGENT_USER &&
      verb === 'patch' &&
      objectRef?.resource === 'nodes' &&
      (responseStatus?.code ?? 0) < 300,
  );
  return Object.keys(ZONES).map((node) => {
    const times = patches
      .filter(({ objectRef }) => objectRef?.name === node)
      .map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp));
    return { node, from: Math.min(...times), to: Math.max(...times) };
  });
}

/** Which workers were out together; asked at each beginning, since only then does such a set grow. */
function together(all: readonly Interval[]): readonly (readonly string[])[] {
  return all.map(({ from: at }) => all.filter(({ from, to }) => from <= at && at < to).map(({ node }) => node));
}

describe('two nodes at once, of five in two zones, on a real API server', () => {
  let budget: BudgetWatch;

  it('maxUnavailable 40 %, a node canary chosen by its name → the rollout ends, every kubelet new, no node left closed', async () => {
    await workload(cluster(), WEB);
    await workloadReady(cluster(), WEB);
    budget = new BudgetWatch(cluster(), 'shop', 'web');
    const release = world.member('sigma').player.hangNext('kubelet', 'w-5');

    const nodeCanaries = `kubernetes.io/hostname = ${CANARY}`;
    const id = await world.rollOut('two-at-once', { drain: { maxUnavailable: '40%', nodeCanaries } });
    // While the slow one of its zone is still out there is room for another, and only the other zone has one.
    const member = world.member('sigma');
    await eventually(
      'the others of its zone to be done while w-5 is not',
      async () => {
        const [versions, closed] = [await kubelets(member), await cordoned(member)];
        const done = ['w-1', 'w-3'].every((node) => versions[node] === NEW && !closed.includes(node));
        return done && closed.includes('w-5');
      },
      { withinMs: 180_000, everyMs: 200 },
    );
    release();
    await world.untilState(id, 'finished', 180_000);

    expect(new Set(Object.values(await kubelets(world.member('sigma'))))).toEqual(new Set([NEW]));
    expect(await cordoned(world.member('sigma'))).toEqual([]);
  });

  it('the canary → alone, and its end comes before any other begins', () => {
    const all = intervals();
    const canary = all.find(({ node }) => node === CANARY);
    const others = all.filter(({ node }) => node !== CANARY);
    expect(canary?.from).toBeLessThan(canary?.to ?? 0);
    expect(Math.min(...others.map(({ from }) => from))).toBeGreaterThan(canary?.to ?? Infinity);
  });

  it('the others → two at once, never three, never of two zones, though there was room', () => {
    const all = intervals();
    const sets = together(all);
    expect(Math.max(...sets.map((set) => set.length))).toBe(2);
    expect(sets.filter((set) => new Set(set.map((node) => ZONES[node])).size > 1)).toEqual([]);
    // The room that was not taken: w-5 alone for a while, with a node of the other zone still to do.
    const of = (name: string) => all.find(({ node }) => node === name)!;
    expect(Math.max(of('w-1').to, of('w-3').to)).toBeLessThan(of('w-5').to);
    expect(of('w-2').from).toBeGreaterThan(of('w-5').to);
  });

  it('each node → closed once, opened once, its kubelet changed between; pods evicted only, the budget kept', () => {
    const { nodePatches, effects } = deedsOf(world.member('sigma'));
    const { played } = world.member('sigma').player;
    for (const node of Object.keys(ZONES)) {
      expect(nodePatches.filter((name) => name === node)).toHaveLength(2);
      expect(effects.filter((effect) => effect === `kubelet/${node}`)).toHaveLength(1);
    }
    expect(played.filter(({ step }) => step === 'kubelet').every((one) => one.cordoned)).toBe(true);
    expect(podDeletions(cluster().audit())).toEqual([]);
    expect(budget.end()).toMatchObject({ broken: 0 });
  });
});
