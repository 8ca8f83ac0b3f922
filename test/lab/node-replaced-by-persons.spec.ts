import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { eventually } from '../kube/world/eventually.js';
import { LabFleet } from './world/lab-fleet.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { Runbook, exitCodeOf, readyAt } from './world/runbook.js';
import type { Recovery, Terminal } from './world/runbook.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const VERSION = '1.34.4';

interface Refusal {
  readonly errors: readonly { readonly code: string; readonly detail: string }[];
}

/** Rung 5: the hub tells the lines, a person types them; nothing of the product touches the cluster but drain and look. */
describe('a node that is thrown away and replaced by the lines that the hub prints', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let terminal: Terminal;
  let recovery: Recovery;
  let oldUid: string;

  beforeAll(async () => {
    lab = await startLab({ name: 'replaced', shape: 'short', version: VERSION });
    fleet = await LabFleet.start([lab]);
    const asked = { name: 'oncall', role: 'admin' };
    const { token } = await fleet.hub.call<{ token: string }>('POST', '/api-tokens', asked);
    terminal = { lab, url: fleet.hub.url, token };
    oldUid = await uidOf('w1');
  }, 900_000);
  afterAll(async () => {
    await fleet?.stop();
    await lab?.stop();
  });

  const uidOf = (node: string): Promise<string> => lab.kubectl(['get', 'node', node, '-o', 'jsonpath={.metadata.uid}']);
  const ask = (node: string) =>
    fleet.hub.ask<Recovery & Refusal>('POST', '/clusters/replaced/recoveries', { rung: 5, node });
  const look = (): Promise<Recovery> => fleet.hub.call('GET', `/recoveries/${recovery.id}`);

  let runbook: Runbook;
  const runStage = (words: RegExp): Promise<void> => runbook.runStage(recovery, words);

  it('the only control-plane node, and the only node that takes pods → refused with the reason', async () => {
    const plane = await ask('cp1');
    expect([plane.status, plane.body.errors[0]?.code]).toEqual([422, 'etcd_quorum_at_risk']);
    const last = await ask('w1');
    expect([last.status, last.body.errors[0]?.code]).toEqual([422, 'last_schedulable_node']);
  });

  it('the other node takes pods now → offered; after one approval the lines are told, and the old node is no new one', async () => {
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    await openShop(lab);
    const asked = await eventually('the facts that say so', async () => {
      const { status, body } = await ask('w1');
      return status === 201 && body;
    });
    expect([asked.state, asked.stages]).toEqual(['asked', []]);
    recovery = await fleet.hub.call('POST', `/recoveries/${asked.id}/approve`, {});
    runbook = new Runbook(terminal);

    expect(await exitCodeOf(terminal, `wavegate recoveries verify ${recovery.id}`)).toBe(3);
    expect((await look()).verification?.checks).toContainEqual({ good: false, text: 'w1 is still the node of before' });
  }, 300_000);

  it('the lines typed as told → the old node is empty, stopped and gone', async () => {
    await runStage(/empty the node/);
    expect(await podsOn('w1')).toEqual([]);
    await runStage(/stop the old host/);
    await runStage(/take the node out/);
    expect(await lab.kubectl(['get', 'nodes', '-o', 'name'])).not.toContain('w1');
    expect(await exitCodeOf(terminal, `wavegate recoveries verify ${recovery.id}`)).toBe(3);
    expect((await look()).verification?.checks).toContainEqual({ good: false, text: 'w1 has not joined' });
  }, 600_000);

  it('a fresh machine joined as told → another node, Ready, at the version of the cluster, and pods run on it', async () => {
    await lab.replaceMachine('w1');
    await runStage(/make the join line/);
    await runStage(/join the fresh host/);
    await lab.layPodNetwork(); // what a CNI does by itself
    await readyAt(lab, 'w1', VERSION);
    await lab.loadImage(join(fleet.dir, 'node.tar'), ['w1']); // what a registry is for

    expect(await uidOf('w1')).not.toBe(oldUid);
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: VERSION },
      kubelets: { cp1: VERSION, w1: VERSION },
      packages: { w1: `${VERSION}-1.1 held` },
      closed: [],
    });
    const pinned = { spec: { nodeSelector: { 'kubernetes.io/hostname': 'w1' } } };
    await lab.kubectl(['create', 'deployment', 'later', '--image=lab.wavegate.invalid/app:1', '--replicas=2']);
    await lab.kubectl(['patch', 'deployment', 'later', '-p', JSON.stringify({ spec: { template: pinned } })]);
    await lab.kubectl(['rollout', 'status', 'deployment/later', '--timeout=180s']);
  }, 900_000);

  it('the agent looks → good, and the recovery is verified', async () => {
    await runStage(/let the agent look/);
    const { state, verification } = await look();
    expect(verification?.checks.filter(({ good }) => !good)).toEqual([]);
    expect(state).toBe('verified');
    expect(verification?.checks).toContainEqual({ good: true, text: 'w1 is another node than before' });
  }, 300_000);

  /** Those that a drain moves: not of DaemonSets. */
  async function podsOn(node: string): Promise<readonly string[]> {
    const path = 'jsonpath={range .items[*]}{.metadata.name} {.metadata.ownerReferences[0].kind}{"\\n"}{end}';
    const pods = await lab.kubectl([
      'get',
      'pods',
      '-A',
      '--field-selector',
      `spec.nodeName=${node},status.phase=Running`,
      '-o',
      path,
    ]);
    return pods.split('\n').filter((pod) => pod && !pod.endsWith(' DaemonSet'));
  }
});
