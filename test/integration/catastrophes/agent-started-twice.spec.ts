import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, pause } from '../../kube/world/eventually.js';
import { AgentHost, smallCluster, type HostLine } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof, effectsTwice, ordersTwice, readHistory } from './history.js';
import { quickPlan, Stage } from './stage.js';

const REFUSALS = 'wavegate_agent_refusals_total';

describe('an agent is started twice with one identity', () => {
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

  it('a copy of its state comes up beside it → the older stream is told and stays away, effects happen once', async () => {
    const hub = await stage.startHub('hub');
    const specs = ['twin', 'alone'].map((name) => smallCluster(name, { workers: 1 }));
    const [twin, alone] = specs as [(typeof specs)[0], (typeof specs)[0]];
    const original = await stage.startHost('original', hub, [twin]);
    const bystander = await stage.startHost('bystander', hub, [alone]);
    await original.copyState('.', join(stage.dir, 'copy', 'state'));
    const copy = AgentHost.start({ dir: stage.dir, name: 'copy', hub, caSha256: '0'.repeat(64) }, [
      { spec: twin, join: null },
    ]);
    stage.hosts.push(copy);
    await eventually('the older one to be told', () => original.said('twin', 'error').length > 0);
    // Two processes: the copy may write its own line a moment after the older one wrote that it was told.
    await eventually('the copy to connect', () => copy.generations('twin').length > 0);

    expect(original.said('twin', 'error')).toMatchObject([
      { msg: 'another agent of this cluster is connected: this one stays away', generation: 2 },
    ]);
    expect(copy.generations('twin')).toEqual([2]);
    expect(await hub.counted(REFUSALS, 'reason', 'newer_generation')).toBe(1);

    await pause(3_000);
    expect(stayedAwayMs(original)).toBeGreaterThan(14_000);
    // It would come back and throw the other out after those 15 s, which on a slow machine are over in what follows.
    await original.kill();

    const rollout = await stage.startRollout(hub, quickPlan({ waves: ['50%', '100%'] }));
    expect((await stage.finished(hub, rollout)).state).toBe('finished');
    const seen = await stage.clustersOf(hub, rollout);
    expect(seen.map(({ outcome }) => outcome?.kind)).toEqual(['upgraded', 'upgraded']);
    // Nobody else noticed.
    expect(bystander.generations('alone')).toEqual([1]);
    expect(original.cluster('twin').effects).toEqual([]);
    const { effects } = copy.cluster('twin');
    expect(effects.length).toBeGreaterThan(5);
    expect(effectsTwice(copy.cluster('twin'))).toEqual([]);
    expect(ordersTwice(await readHistory(stage.storage, rollout))).toEqual([]);
    expect(await auditProof(stage.storage)).toBe('intact');
  });

  it('the twin goes away, the older one is started again → it is the newest now, and works', async () => {
    const hub = await stage.startHub('hub');
    const twin = smallCluster('twin', { workers: 1 });
    const original = await stage.startHost('original', hub, [twin]);
    await original.copyState('.', join(stage.dir, 'copy', 'state'));
    const copy = AgentHost.start({ dir: stage.dir, name: 'copy', hub, caSha256: '0'.repeat(64) }, [
      { spec: twin, join: null },
    ]);
    stage.hosts.push(copy);
    await eventually('the older one to be told', () => original.said('twin', 'error').length > 0);
    await eventually('the copy to connect', () => copy.generations('twin').length > 0);
    await copy.kill();
    await original.kill();
    original.start();
    await eventually('the older one to be back', () => original.generations('twin').length >= 2);

    expect(original.generations('twin')).toEqual([1, 3]);
    const rollout = await stage.startRollout(hub, quickPlan({ waves: ['100%'] }));
    expect((await stage.finished(hub, rollout)).state).toBe('finished');
    expect(original.cluster('twin').nodes.map(({ kubelet }) => kubelet)).toEqual(['1.35.4', '1.35.4']);
    expect(copy.cluster('twin').effects).toEqual([]);
  });
});

/** How long the agent stayed away after it was told of a newer one, ms by its own log; Infinity while it does. */
function stayedAwayMs(host: AgentHost): number {
  const lines = host.log.filter(({ cluster }) => cluster === 'twin');
  const told = lines.findIndex(({ level }) => level === 'error');
  const back = lines.slice(told).find(({ msg }) => msg === 'connected');
  return back ? timeOf(back) - timeOf(lines[told]) : Infinity;
}

function timeOf(line: HostLine | undefined): number {
  return Date.parse(String(line?.['time']));
}
