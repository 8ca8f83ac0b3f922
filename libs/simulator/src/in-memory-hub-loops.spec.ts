import { describe, expect, it } from '@jest/globals';
import { checkInvariants, decide } from '@wavegate/rollout';
import type { Rollout, RolloutEvent } from '@wavegate/rollout';
import type { CrashPoint } from '@wavegate/runtime/hub';
import { AuditVerifier, CRASH_POINTS } from '@wavegate/runtime/hub';
// eslint-disable-next-line wavegate/room-fence -- the sample is test code of runtime, which no door ships
import { sampleUpgrade } from '../../runtime/src/hub/testing/sample-upgrade.js';
// eslint-disable-next-line wavegate/room-fence -- the played hub is test code of runtime, which no door ships
import { PlayedAgent, SmallHub } from '../../runtime/src/hub/testing/small-hub.js';
import { InMemoryHubStore } from './in-memory-hub-store.js';
import { VirtualClock } from './virtual-clock.js';

const START = 1_800_000_000_000;
const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A fleet, its agents, and hubs that come and go over one store. */
class Scene {
  readonly clock = new VirtualClock(START);
  readonly store = new InMemoryHubStore(this.clock);
  readonly agents: readonly PlayedAgent[];
  readonly hubs: SmallHub[] = [];
  readonly violations: string[] = [];

  constructor(readonly size: number) {
    const ids = Array.from({ length: size }, (_, index) => `c${String(index).padStart(2, '0')}`);
    for (const id of ids) this.store.enrol({ id, name: id, uid: `uid-${id}`, certificateSerial: `cert-${id}` });
    this.agents = ids.map((id) => new PlayedAgent(id));
  }

  hub(replica: string, crashAt?: (point: CrashPoint) => boolean): SmallHub {
    const watched = (rollout: Rollout, event: RolloutEvent) => {
      const decision = decide(rollout, event);
      this.violations.push(...checkInvariants(rollout, event, decision));
      return decision;
    };
    const hub = new SmallHub({
      store: this.store,
      clock: this.clock,
      replica,
      decide: watched,
      ...(crashAt && { crashAt }),
    });
    this.hubs.push(hub);
    return hub;
  }

  /** Agents dial whichever hub is alive, in turn; a hub that dies is followed by another. */
  async run(until: () => Promise<boolean>): Promise<boolean> {
    for (let second = 0; second < 3_600; second += 1) {
      const alive = this.hubs.filter((hub) => hub.alive);
      if (alive.length === 0) alive.push(this.hub(`hub-${this.hubs.length}`));
      this.agents.forEach((agent, index) => {
        agent.beat();
        if (!agent.connected) void alive[index % alive.length]?.accept(agent).catch(() => undefined);
      });
      await this.clock.run(this.clock.now() + 1_000, flush);
      if (await until()) return true;
    }
    return false;
  }

  async start(): Promise<void> {
    const rollout = sampleUpgrade(
      'r1',
      this.agents.map(({ clusterId }) => clusterId),
      START,
    );
    await this.store.create(rollout, { actor: 'ada', action: 'rollout.created', object: 'rollout/r1', detail: {} });
  }

  async finished(): Promise<boolean> {
    return (await this.store.load('r1')).head.finishedAt !== null;
  }

  async expectAllWell(): Promise<void> {
    const { head, clusters } = await this.store.load('r1');
    expect([...clusters.values()].map(({ outcome }) => outcome?.kind)).toEqual(Array(this.size).fill('upgraded'));
    expect(head.waves.map(({ phase }) => phase)).toEqual(['passed', 'passed', 'passed', 'passed']);
    expect(this.violations).toEqual([]);
    for (const agent of this.agents) expect([...agent.begun.values()]).toEqual([1]);
    const verifier = new AuditVerifier();
    for (const row of this.store.auditRows()) verifier.take(row);
    expect(verifier.proof(this.store.auditHead()).kind).toBe('intact');
  }
}

describe('the hub’s loops with the real engine', () => {
  it('one hub, twenty clusters, four waves → all upgraded, each order begun once, the audit intact', async () => {
    const scene = new Scene(20);
    await scene.start();
    scene.hub('hub-a');
    expect(await scene.run(() => scene.finished())).toBe(true);
    await scene.expectAllWell();
  });

  it('two hubs on one store → the same end, and no order twice', async () => {
    const scene = new Scene(20);
    await scene.start();
    scene.hub('hub-a');
    scene.hub('hub-b');
    expect(await scene.run(() => scene.finished())).toBe(true);
    await scene.expectAllWell();
  });

  it.each(CRASH_POINTS)(
    'hubs killed again and again at %s → nothing is lost and nothing is done twice',
    async (point) => {
      const scene = new Scene(12);
      await scene.start();
      let reached = 0;
      let kills = 0;
      const crashAt = (at: CrashPoint): boolean => {
        if (at !== point || kills >= 5) return false;
        reached += 1;
        if (reached % 3 !== 0) return false;
        kills += 1;
        return true;
      };
      const original = scene.hub.bind(scene);
      scene.hub = (replica) => original(replica, crashAt);
      expect(await scene.run(() => scene.finished())).toBe(true);
      expect(kills).toBeGreaterThanOrEqual(3);
      await scene.expectAllWell();
    },
  );
});
