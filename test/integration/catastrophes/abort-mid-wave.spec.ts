import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterState } from '@wavegate/simulator';
import { eventually } from '../../kube/world/eventually.js';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof, effectsTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

describe('a rollout is aborted in the middle of a wave', () => {
  let postgres: TestPostgres;
  let stage: Stage;

  beforeEach(async () => {
    postgres = await startTestPostgres();
    stage = await Stage.open(await postgres.createDatabase());
  });
  afterEach(async () => {
    await stage.close();
    await postgres.stop();
  });

  /** When every order that had begun was given back, by the agents' own acknowledgements. */
  async function allAcknowledged(rollout: string): Promise<number> {
    const open = `
      SELECT count(*)::int AS open FROM orders
      WHERE rollout_id = $1 AND state IN ('open', 'confirmed', 'withdrawing') AND NOT withdraw_acknowledged`;
    const look = async (): Promise<boolean> => {
      const [row] = (await stage.storage.dataSource.query(open, [rollout])) as { open: number }[];
      return row?.open === 0;
    };
    await eventually('the agents to acknowledge', look, { everyMs: 10 });
    return Date.now();
  }

  it('clusters at work → no new node after the acknowledgement, what stays cordoned is named, it ends', async () => {
    const hub = await stage.startHub('hub');
    const ring = (name: string) => ({ labels: { env: 'test', ring: name } });
    const specs = [
      smallCluster('blocked', { ...ring('1'), faults: { drainBlocked: { node: 'w-1', forMs: null } } }),
      smallCluster('broken', { ...ring('1'), faults: { failAt: { step: 'upgradeKubelet', node: 'w-1', times: 9 } } }),
      // At its workers for as long as the others need to get stuck, however slow the machine.
      smallCluster('slow', { ...ring('1'), speed: 20, workers: 6 }),
      smallCluster('waiting', ring('2')),
    ];
    const host = await stage.startHost('fleet', hub, specs);
    const strategy = { waves: ['75%', '100%'], rings: ['ring=1', 'ring=2'], maxInFlight: 3, budget: { firstWave: 1 } };
    const nothingBack = { rollback: { automatic: { upTo: 'none' as const } } };
    const rollout = await stage.startRollout(hub, quickPlan(strategy, nothingBack));
    await stage.seen('one halted, one blocked, one at its workers', hub, rollout, (clusters) => {
      const [blocked, broken] = ['blocked', 'broken'].map((name) => clusters.find((one) => one.name === name));
      const atWork = host.cluster('slow').nodes.some(({ cordoned }) => cordoned);
      return broken?.outcome?.kind === 'halted' && blocked?.progress?.reason.code === 'drain_blocked' && atWork;
    });

    await hub.client.post(`/rollouts/${rollout}/abort`, {});
    const acknowledgedAt = await allAcknowledged(rollout);
    const view = await stage.finished(hub, rollout);

    expect(view.state).toBe('aborted');
    for (const cluster of host.clusters) {
      expect(nodesBegunAfter(acknowledgedAt, cluster)).toEqual([]);
      expect(effectsTwice(cluster)).toEqual([]);
    }
    const seen = await stage.clustersOf(hub, rollout);
    const outcomeOf = (name: string) => seen.find((one) => one.name === name)?.outcome;
    // What the outcome names is what stands there, and nothing else does.
    for (const name of ['blocked', 'broken', 'slow']) {
      expect(outcomeOf(name)?.kind).toBe('halted');
      expect(outcomeOf(name)?.cordoned).toEqual(cordonedIn(host.cluster(name)));
    }
    expect(outcomeOf('broken')?.cordoned).toEqual(['w-1']);
    expect(outcomeOf('broken')?.text).toContain('w-1');
    expect(host.cluster('slow').nodes.filter(({ kubelet }) => kubelet === '1.34.4').length).toBeGreaterThan(0);
    expect(host.cluster('waiting').effects).toEqual([]);
    const history = await readHistory(stage.storage, rollout);
    expect(history.orders).toHaveLength(3);
    expect(await auditProof(stage.storage)).toBe('intact');
  });
});

/** Nodes on which something was begun only after `at`: to open a node again, or a program's own end, begins nothing. */
function nodesBegunAfter(at: number, { effects }: ClusterState): readonly string[] {
  const begun = effects.filter(({ effect }) => effect !== 'uncordon' && effect !== 'jobEnded');
  const before = new Set(begun.filter((effect) => effect.at <= at).map(({ node }) => node));
  return begun.map(({ node }) => node).filter((node) => !before.has(node));
}

function cordonedIn({ nodes }: ClusterState): readonly string[] {
  return nodes.filter(({ cordoned }) => cordoned).map(({ name }) => name);
}
