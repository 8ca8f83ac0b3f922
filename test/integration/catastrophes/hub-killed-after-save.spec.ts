import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof, effectsOfOldEpochs, effectsTwice, epochsThatFell, ordersTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

/** Between what the hub keeps and what it says to anybody: each place where a crash could lose or double something. */
const POINTS = [
  ['runner.beforeCommit:3', 'decided, nothing kept'],
  ['runner.afterCommit:3', 'kept, nothing told'],
  ['dispatch.beforeSend:2', 'claimed, not sent'],
  ['dispatch.afterSend:2', 'sent, not answered'],
  ['take.beforeCommit:5', 'a report read, not kept'],
  ['take.afterCommit:5', 'a report kept, not acknowledged'],
] as const;

describe('the hub is killed around a save', () => {
  let postgres: TestPostgres;
  let stage: Stage;

  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterEach(() => stage.close());
  afterAll(() => postgres.stop());

  it.each(POINTS)('at %s (%s) → the rollout ends as planned, each order took effect once', async (point) => {
    stage = await Stage.open(await postgres.createDatabase());
    const hub = await stage.startHub('hub', point);
    const host = await stage.startHost(
      'fleet',
      hub,
      ['a', 'b', 'c'].map((name) => smallCluster(name)),
    );
    const rollout = await stage.startRollout(hub, quickPlan({ waves: ['30%', '100%'] }));
    await hub.died();
    await hub.start();

    const { state, done } = await stage.finished(hub, rollout);
    expect({ state, done }).toEqual({ state: 'finished', done: 3 });
    const outcomes = (await stage.clustersOf(hub, rollout)).map(({ outcome }) => outcome?.kind);
    expect(outcomes).toEqual(['upgraded', 'upgraded', 'upgraded']);
    const history = await readHistory(stage.storage, rollout);
    expect(history.orders.map((order) => order.state)).toEqual(['done', 'done', 'done']);
    expect(ordersTwice(history)).toEqual([]);
    expect(epochsThatFell(history)).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
    for (const cluster of host.clusters) {
      expect(cluster.effects.length).toBeGreaterThan(5);
      expect(effectsTwice(cluster)).toEqual([]);
      expect(effectsOfOldEpochs(cluster)).toEqual([]);
      expect(cluster.nodes.map(({ kubelet }) => kubelet)).toEqual(['1.35.4', '1.35.4', '1.35.4']);
    }
  });
});
