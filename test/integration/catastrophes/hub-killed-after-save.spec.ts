import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClusterState } from '@wavegate/simulator';
import type { RolloutView } from '../../demo/hub-client.js';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import {
  auditProof,
  effectsOfOldEpochs,
  effectsTwice,
  epochsThatFell,
  ordersTwice,
  readHistory,
  type History,
} from './history.js';
import { quickPlan, Stage, type SeenCluster } from './stage.js';

/** Between what the hub keeps and what it says to anybody: each place where a crash could lose or double something. */
const POINTS: readonly (readonly [point: string, what: string])[] = [
  ['runner.beforeCommit:3', 'decided, nothing kept'],
  ['runner.afterCommit:3', 'kept, nothing told'],
  ['dispatch.beforeSend:2', 'claimed, not sent'],
  ['dispatch.afterSend:2', 'sent, not answered'],
  ['take.beforeCommit:5', 'a report read, not kept'],
  ['take.afterCommit:5', 'a report kept, not acknowledged'],
];

/** Worlds at once: most of a crash is waiting for somebody to come back. */
const AT_ONCE = 3;

interface Aftermath {
  readonly rollout: RolloutView;
  readonly seen: readonly SeenCluster[];
  readonly history: History;
  readonly proof: string;
  readonly clusters: readonly ClusterState[];
}

describe('the hub is killed around a save', () => {
  let postgres: TestPostgres;
  const aftermaths = new Map<string, Promise<Aftermath>>();

  beforeAll(async () => {
    postgres = await startTestPostgres();
    POINTS.forEach(([point], index) => {
      const before = aftermaths.get(POINTS[index - AT_ONCE]?.[0] ?? '');
      const aftermath = Promise.allSettled([before]).then(() => crashAt(point, postgres));
      // Each test looks at its own; until then a failure is nobody's.
      aftermath.catch(() => undefined);
      aftermaths.set(point, aftermath);
    });
  });
  afterAll(async () => {
    await Promise.allSettled(aftermaths.values());
    await postgres.stop();
  });

  it.each(POINTS)('at %s (%s) → the rollout ends as planned, each order took effect once', async (point) => {
    const aftermath = aftermaths.get(point);
    if (!aftermath) throw new Error(`nobody played ${point}`);
    const { rollout, seen, history, proof, clusters } = await aftermath;

    expect({ state: rollout.state, done: rollout.done }).toEqual({ state: 'finished', done: 3 });
    expect(seen.map(({ outcome }) => outcome?.kind)).toEqual(['upgraded', 'upgraded', 'upgraded']);
    expect(history.orders.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(ordersTwice(history)).toEqual([]);
    expect(epochsThatFell(history)).toEqual([]);
    expect(proof).toBe('intact');
    for (const cluster of clusters) {
      expect(cluster.effects.length).toBeGreaterThan(5);
      expect(effectsTwice(cluster)).toEqual([]);
      expect(effectsOfOldEpochs(cluster)).toEqual([]);
      expect(cluster.nodes.map(({ kubelet }) => kubelet)).toEqual(['1.35.4', '1.35.4']);
    }
  });
});

/** A rollout during which the hub ends itself at `point` and is started again without that; rejects if it never died. */
async function crashAt(point: string, postgres: TestPostgres): Promise<Aftermath> {
  const stage = await Stage.open(await postgres.createDatabase());
  try {
    const hub = await stage.startHub('hub', point);
    const specs = ['a', 'b', 'c'].map((name) => smallCluster(name, { workers: 1 }));
    const host = await stage.startHost('fleet', hub, specs);
    // The crash may cut the very answer to this: whoever asked looks it up afterwards.
    await stage.startRollout(hub, quickPlan({ waves: ['30%', '100%'] })).catch(() => undefined);
    await hub.died();
    await hub.start();
    const { items } = await hub.client.get<{ items: { id: string }[] }>('/rollouts');
    const id = items[0]?.id ?? '';
    const rollout = await stage.finished(hub, id);
    return {
      rollout,
      seen: await stage.clustersOf(hub, id),
      history: await readHistory(stage.storage, id),
      proof: await auditProof(stage.storage),
      clusters: host.clusters,
    };
  } finally {
    await stage.close();
  }
}
