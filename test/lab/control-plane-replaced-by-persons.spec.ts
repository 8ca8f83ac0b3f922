import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { LabFleet } from './world/lab-fleet.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { QuorumWatch } from './world/quorum-watch.js';
import { Runbook, readyAt } from './world/runbook.js';
import type { Recovery } from './world/runbook.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const VERSION = '1.34.4';
const PKI = '/etc/kubernetes/pki/etcd';
const ETCDCTL = ['etcdctl', '--cacert', `${PKI}/ca.crt`, '--cert', `${PKI}/server.crt`, '--key', `${PKI}/server.key`];

/** Rung 5 of a node that etcd lives on: its member leaves before the node does, and a fresh one joins as the third. */
describe('a control-plane node of three that is replaced by the lines that the hub prints', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let recovery: Recovery;
  let runbook: Runbook;
  let quorum: QuorumWatch;
  let oldUid: string;

  beforeAll(async () => {
    lab = await startLab({ name: 'plane', shape: 'ha', version: VERSION });
    await openShop(lab);
    fleet = await LabFleet.start([lab]);
    const { token } = await fleet.hub.call<{ token: string }>('POST', '/api-tokens', { name: 'oncall', role: 'admin' });
    runbook = new Runbook({ lab, url: fleet.hub.url, token });
    oldUid = await uidOf('cp2');
    quorum = new QuorumWatch(lab);
  }, 900_000);
  afterAll(async () => {
    await quorum?.end();
    await fleet?.stop();
    await lab?.stop();
  });

  const uidOf = (node: string): Promise<string> => lab.kubectl(['get', 'node', node, '-o', 'jsonpath={.metadata.uid}']);
  const runStage = (words: RegExp): Promise<void> => runbook.runStage(recovery, words);

  /** Names of the members, as one that stays knows them. */
  async function members(): Promise<readonly string[]> {
    const list = await lab.kubectl(['-n', 'kube-system', 'exec', 'etcd-cp1', '--', ...ETCDCTL, 'member', 'list']);
    return list
      .trim()
      .split('\n')
      .map((member) => member.split(', ')[2] ?? '')
      .sort();
  }

  it('the lines typed as told → its member leaves etcd first, then the host is stopped and the node gone', async () => {
    const asked = await fleet.hub.call<Recovery>('POST', '/clusters/plane/recoveries', { rung: 5, node: 'cp2' });
    recovery = await fleet.hub.call('POST', `/recoveries/${asked.id}/approve`, {});

    await runStage(/empty the node/);
    await runStage(/take its member out of etcd/);
    expect(await members()).toEqual(['cp1', 'cp3']);
    await runStage(/stop the old host/);
    await runStage(/take the node out/);
    expect((await lab.kubectl(['get', 'nodes', '-o', 'name'])).trim().split('\n').sort()).toEqual(
      ['cp1', 'cp3', 'w1', 'w2'].map((name) => `node/${name}`),
    );
  }, 600_000);

  it('a fresh machine joined as told → the third member and API server again, at the version of the cluster', async () => {
    await lab.replaceMachine('cp2');
    await runStage(/make the join line/);
    await runStage(/join the fresh host/);
    await lab.layPodNetwork(); // what a CNI does by itself
    await readyAt(lab, 'cp2', VERSION);
    await lab.loadImage(join(fleet.dir, 'node.tar'), ['cp2']); // what a registry is for

    expect(await uidOf('cp2')).not.toBe(oldUid);
    expect(await members()).toEqual(['cp1', 'cp2', 'cp3']);
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: VERSION, cp2: VERSION, cp3: VERSION },
      kubelets: { cp1: VERSION, cp2: VERSION, cp3: VERSION, w1: VERSION, w2: VERSION },
      packages: { cp2: `${VERSION}-1.1 held` },
      closed: [],
    });
  }, 900_000);

  it('the agent looks → good, verified; and of the members of etcd two answered all the time', async () => {
    await runStage(/let the agent look/);
    const { state, verification } = await fleet.hub.call<Recovery>('GET', `/recoveries/${recovery.id}`);
    expect(verification?.checks.filter(({ good }) => !good)).toEqual([]);
    expect(state).toBe('verified');
    expect(verification?.checks).toContainEqual({ good: true, text: 'cp2 is another node than before' });
    const { looks, least } = await quorum.end();
    expect(looks).toBeGreaterThan(10);
    expect(least).toBeGreaterThanOrEqual(2);
  }, 300_000);
});
