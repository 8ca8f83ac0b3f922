import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtProgram } from '../kube/world/hub-process.js';
import { say } from './world/lab-log.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { command } from './world/run-command.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

/** Short, since nobody watches service levels here; and what a container of this machine may need (docs/lab.md). */
const PLAN = {
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'by-hand' },
  spec: {
    target: { kubernetes: '1.35.4' },
    clusters: { selector: 'env=test' },
    upgrade: { ignorePreflightErrors: ['SystemVerification'] },
  },
};

/** What is to be typed at one place, one after the other. */
interface Block {
  readonly title: string;
  readonly place: string;
  readonly lines: string;
}

function blocksOf(printed: string): readonly Block[] {
  const head = /^# (?:\d+\. )?(?:on (\S+)|anywhere): (.*)$/gm;
  const heads = [...printed.matchAll(head)];
  return heads.map((found, n) => ({
    title: found[2] ?? '',
    place: found[1] ?? 'anywhere',
    lines: printed.slice(found.index + found[0].length, heads[n + 1]?.index),
  }));
}

/** `wavegate-agent upgrade --print`, and a person who types every line of it where it says. No hub, no agent. */
describe('an upgrade by hand, from the printed commands alone', () => {
  let lab: Lab;
  let dir: string;
  let blocks: readonly Block[];

  beforeAll(async () => {
    lab = await startLab({ name: 'typed', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    await openShop(lab);
    dir = mkdtempSync(join(tmpdir(), 'wavegate-typed-'));
    writeFileSync(join(dir, 'plan.json'), JSON.stringify(PLAN));
    const agent = builtProgram('agent');
    const print = ['upgrade', '--print', '--plan', join(dir, 'plan.json')];
    const options = { env: { ...process.env, ...anywhere() }, encoding: 'utf8' as const };
    blocks = blocksOf(execFileSync(agent, print, options));
  }, 900_000);
  afterAll(async () => {
    if (dir) rmSync(dir, { recursive: true, force: true });
    await lab?.stop();
  });

  /** A terminal with an admin's kubeconfig, kubectl and wavegate-agent. */
  function anywhere(): NodeJS.ProcessEnv {
    const folders = [join(builtProgram('agent'), '..'), join(lab.kubectlProgram, '..'), process.env['PATH'] ?? ''];
    return { PATH: folders.join(delimiter), KUBECONFIG: lab.kubeconfig, NODE_OPTIONS: '' };
  }

  async function type({ title, place, lines }: Block): Promise<void> {
    say(`typed (${place}): ${title}`);
    if (place !== 'anywhere') await lab.node(place).exec(['bash', '-ec', lines], { withinMs: 900_000 });
    else await command('bash', ['-ec', lines], { env: anywhere(), cwd: dir, withinMs: 900_000 });
  }

  it('every block typed in its order → each ends well', async () => {
    expect(new Set(blocks.map(({ place }) => place))).toEqual(new Set(['anywhere', 'cp1', 'w1']));
    for (const block of blocks) await type(block);
  });

  it('the cluster → at the target in every part, nothing closed, the shop served', async () => {
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: '1.35.4' },
      kubelets: { cp1: '1.35.4', w1: '1.35.4' },
      packages: { cp1: '1.35.4-1.1 held', w1: '1.35.4-1.1 held' },
      closed: [],
    });
    await lab.kubectl(['rollout', 'status', 'deployment/shop', '--timeout=120s']);
  });
});
