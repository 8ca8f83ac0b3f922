import { describe, expect, it } from '@jest/globals';
import { readPlan } from '@wavegate/fleet';
import type { InventoryCluster, NamedOrder } from '@wavegate/storage';
import { FleetPreflight, type FleetLook } from './fleet-preflight.js';

const read = readPlan({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
  spec: { target: { kubernetes: '1.35.4' } },
});
if ('problems' in read) throw new Error(JSON.stringify(read.problems));
const PLAN = read;
const OBJECTIVES = { only: 'objectives' } as const;
const OTHER = { kind: 'preflight', id: 'other', planDigest: read.digest } as const;

const cluster = (name: string): InventoryCluster =>
  ({
    ...{ id: name, name, connected: true },
    facts: { schema: 1, uid: name, driver: 'kubeadm', apiServers: ['1.34.4'], nodes: [], pdbCount: 0, provider: '' },
  }) as unknown as InventoryCluster;

/** A store whose orders stand as told, for ever; who was asked what, and what was withdrawn, is kept. */
function world(state: NamedOrder['state'], busyWith: object | null = null) {
  const asked: { id: string; args: unknown }[] = [];
  const withdrawn: string[] = [];
  const endedAt = state === 'done' ? 1 : null;
  const request = (order: { id: string; args: unknown }) => {
    asked.push(order);
    return Promise.resolve(
      busyWith ? { kind: 'busy', by: { order: busyWith } } : { kind: 'inserted', order: { order } },
    );
  };
  const these = (ids: readonly string[]) =>
    Promise.resolve(ids.map((id) => ({ order: { id }, state, endedAt, outcome: { kind: 'completed' }, findings: [] })));
  const withdrawRequest = (id: string) => Promise.resolve(withdrawn.push(id));
  const storage = {
    requests: { request, withdrawRequest },
    orderReader: { these },
    rollouts: { now: () => Promise.resolve(1) },
  };
  const settings = { waitMs: 2_500, takenWithinMs: 40, pollMs: 5 };
  const preflight = new FleetPreflight(storage as never, { ring: () => undefined }, settings);
  const look = async (how: FleetLook, names: readonly string[] = ['a', 'b']) => {
    const begun = performance.now();
    const found = await preflight.run(PLAN, names.map(cluster), 'ada', how);
    return { found, patient: performance.now() - begun >= settings.waitMs };
  };
  return { look, asked, withdrawn };
}

describe('a look at many clusters', () => {
  it('all answer → checked, nothing is withdrawn, and each was asked for just that', async () => {
    const { look, asked, withdrawn } = world('done');
    expect((await look(OBJECTIVES)).found.map(({ state }) => state)).toEqual(['checked', 'checked']);
    expect(asked.map(({ args }) => args)).toEqual(new Array(2).fill({ kind: 'preflight', only: 'objectives' }));
    expect(withdrawn).toEqual([]);
  });

  it('a start: an agent that does not even take the order → not waited for to the end, named, and the order withdrawn', async () => {
    const { look, asked, withdrawn } = world('open');
    const { found, patient } = await look(OBJECTIVES);
    expect([patient, found.map(({ why }) => why)]).toEqual([
      false,
      new Array(2).fill('its agent did not answer in time'),
    ]);
    expect(withdrawn).toEqual(asked.map(({ id }) => id));
  });

  it('a start: an agent that works at it → waited for as long as a start waits', async () => {
    const { look, withdrawn } = world('confirmed');
    const { found, patient } = await look(OBJECTIVES, ['a']);
    expect([patient, found[0]?.state, withdrawn.length]).toEqual([true, 'running', 1]);
  });

  it('a preview: one that is late → runs on, so that who asks again finds its answer', async () => {
    const { look, withdrawn } = world('open');
    const { found, patient } = await look({}, ['a']);
    expect([patient, found[0]?.why, withdrawn]).toEqual([true, 'its agent has not answered yet; ask again', []]);
  });

  it.each<[string, FleetLook, object, string]>([
    ['everything is being looked at, and the objectives are asked for', OBJECTIVES, { kind: 'preflight' }, 'checked'],
    ['the same is being looked at', OBJECTIVES, { kind: 'preflight', ...OBJECTIVES }, 'checked'],
    ['only the objectives are, and everything is asked for', {}, { kind: 'preflight', ...OBJECTIVES }, 'busy'],
  ])('%s → %j, %j: %s', async (_what, how, args, state) => {
    const { look, withdrawn } = world('done', { ...OTHER, args });
    expect((await look(how, ['a'])).found.map((one) => one.state)).toEqual([state]);
    // Not ours to take back.
    expect(withdrawn).toEqual([]);
  });
});
