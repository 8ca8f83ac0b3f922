import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rollout, RolloutEvent } from '@wavegate/rollout';
import { checkInvariants, decide } from '@wavegate/rollout';
import type { CrashPoint, HubClock } from '@wavegate/runtime/hub';
import { CRASH_POINTS } from '@wavegate/runtime/hub';
import type { Storage } from '@wavegate/storage';
import { sampleUpgrade } from '../../../libs/runtime/src/hub/testing/sample-upgrade.js';
import { PlayedAgent, SmallHub } from '../../../libs/runtime/src/hub/testing/small-hub.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol, hubStoreOf } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

const clock: HubClock = {
  now: () => Date.now(),
  sleep: async (ms, bell) => {
    await Promise.race([sleep(ms, undefined, { ref: false }), ...(bell ? [bell.next()] : [])]);
  },
};

/** Agents, hubs that come and go, and one real Postgres with a connection pool per scene. */
class Scene {
  readonly hubs: SmallHub[] = [];
  readonly violations: string[] = [];

  private constructor(
    readonly storage: Storage,
    readonly agents: readonly PlayedAgent[],
  ) {}

  static async open(size: number): Promise<Scene> {
    const storage = await postgres.openStorage();
    const ids = Array.from({ length: size }, (_, index) => `c${String(index).padStart(2, '0')}`);
    for (const id of ids) await enrol(storage, id);
    const rollout = sampleUpgrade('r1', ids, await storage.rollouts.now(), '0s');
    await storage.rollouts.create(rollout, {
      actor: 'ada',
      action: 'rollout.created',
      object: 'rollout/r1',
      detail: {},
    });
    return new Scene(
      storage,
      ids.map((id) => new PlayedAgent(id)),
    );
  }

  hub(crashAt: (point: CrashPoint) => boolean, leaseMs: number): void {
    const watched = (rollout: Rollout, event: RolloutEvent) => {
      const decision = decide(rollout, event);
      this.violations.push(...checkInvariants(rollout, event, decision));
      return decision;
    };
    const replica = `hub-${this.hubs.length}`;
    this.hubs.push(
      new SmallHub({ store: hubStoreOf(this.storage), clock, replica, decide: watched, leaseMs, crashAt }),
    );
  }

  async run(hubsAtOnce: number, crashAt: (point: CrashPoint) => boolean, leaseMs: number): Promise<void> {
    const deadline = Date.now() + 180_000;
    while (Date.now() < deadline) {
      while (this.hubs.filter((hub) => hub.alive).length < hubsAtOnce) this.hub(crashAt, leaseMs);
      const alive = this.hubs.filter((hub) => hub.alive);
      const dialling = this.agents.filter((agent) => !agent.connected);
      const calls = dialling.map(async (agent, index) => alive[index % alive.length]?.accept(agent));
      await Promise.race([sleep(200), Promise.all(calls)]);
      await sleep(50);
      if ((await this.storage.rollouts.load('r1')).head.finishedAt !== null) return;
    }
    throw new Error(`not finished: ${JSON.stringify((await this.storage.rollouts.load('r1')).head.waves)}`);
  }

  async close(): Promise<void> {
    await Promise.all(this.hubs.filter((hub) => hub.alive).map((hub) => hub.stop()));
    await this.storage.close();
  }

  async expectAllWell(): Promise<void> {
    const { clusters } = await this.storage.rollouts.load('r1');
    expect([...clusters.values()].map(({ outcome }) => outcome?.kind)).toEqual(this.agents.map(() => 'upgraded'));
    expect(this.violations).toEqual([]);
    // One order per cluster, begun once: no decision was taken twice, and none was lost.
    for (const agent of this.agents) expect([...agent.begun.values()]).toEqual([1]);
    const orders = await this.storage.dataSource.query(
      'SELECT count(*)::int AS orders, max(epoch) AS epoch FROM orders',
    );
    expect(orders).toEqual([{ orders: this.agents.length, epoch: 1 }]);
    // Each event that the rollout was told was applied once: one audit line per acceptance and per end.
    const applied = await this.storage.dataSource.query(`
      SELECT action, count(*)::int AS lines FROM audit
      WHERE action IN ('rollout.orderStarted', 'rollout.clusterEnded', 'order.inserted') GROUP BY action ORDER BY action`);
    expect(applied.map(({ lines }: { lines: number }) => lines)).toEqual(Array(3).fill(this.agents.length));
    expect(await this.storage.audit.verify()).toMatchObject({ kind: 'intact' });
  }
}

describe('hubs on one Postgres', () => {
  it('two hubs whose leases run out while they work → nothing is decided twice', async () => {
    const scene = await Scene.open(12);
    // A lease of a few milliseconds: both hold every rollout in turns, and often believe that they still do.
    await scene.run(2, () => false, 3);
    await scene.expectAllWell();
    const [{ lease_epoch: turns }] = await scene.storage.dataSource.query('SELECT lease_epoch FROM rollouts');
    expect(turns).toBeGreaterThan(3);
    await scene.close();
  });

  it.each(CRASH_POINTS)(
    'a hub killed at %s, again and again → nothing is lost and nothing is done twice',
    async (point) => {
      const scene = await Scene.open(8);
      let [reached, kills] = [0, 0];
      const crashAt = (at: CrashPoint): boolean => {
        if (at !== point || kills >= 4) return false;
        reached += 1;
        if (reached % 2 !== 0) return false;
        kills += 1;
        return true;
      };
      await scene.run(1, crashAt, 200);
      expect(kills).toBeGreaterThanOrEqual(2);
      await scene.expectAllWell();
      await scene.close();
    },
  );
});
