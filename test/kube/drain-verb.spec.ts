import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { podDeletions } from './world/audit-log.js';
import { DrainWorld, type AppSpec } from './world/drain-world.js';
import { eventually } from './world/eventually.js';
import { freePorts } from './world/free-ports.js';
import { builtProgram } from './world/hub-process.js';

const VERSION = '1.35.4';
const CORDONED_BY = 'wavegate.dev/cordoned-by';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let world: DrainWorld;
let kubeconfig: string;
beforeAll(async () => {
  world = await DrainWorld.start(VERSION, 6);
  kubeconfig = await world.cluster.identity('engineer');
});
afterAll(() => world?.stop());

const env = (): NodeJS.ProcessEnv => ({ ...process.env, NODE_OPTIONS: '' });

function agent(...words: readonly string[]): Promise<Ended> {
  return new Promise((ended) => {
    execFile(builtProgram('agent'), [...words, '--kubeconfig', kubeconfig], { env: env() }, (error, stdout, stderr) =>
      ended({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** What somebody under test has changed about a node. */
const patchesOf = (node: string): number =>
  world.cluster
    .audit()
    .filter(({ verb, objectRef, user }) => verb === 'patch' && objectRef?.name === node && user.username === 'engineer')
    .length;

const held = (name: string, node: string): AppSpec => ({
  ...{ name, node, replicas: 1, budgets: { [name]: { minAvailable: 1 } } },
});
const scratch = { volumes: [{ name: 'scratch', emptyDir: {} }] };

/** A pod that nobody would make again. */
async function bare(name: string, node: string, labels: object): Promise<void> {
  const path = '/api/v1/namespaces/drained/pods';
  const containers = [{ name: 'main', image: 'registry.example/bare:1' }];
  await world.cluster.api.create(path, { metadata: { name, labels }, spec: { nodeName: node, containers } });
}

describe('wavegate-agent drain and uncordon, with a kubeconfig and no hub', () => {
  it('--dry-run → every pod with its fate, as table, JSON and CSV; exit code 1 for what would hold; nothing is changed', async () => {
    await world.deploy(held('tight', 'w-1'));
    await world.deploy({ name: 'free', node: 'w-1', replicas: 1 });
    await world.deploy({ name: 'cache', node: 'w-1', replicas: 1, pod: scratch });
    await world.deploy({ name: 'logs', node: 'w-1', replicas: 1, kind: 'DaemonSet' });
    const [table, json, csv, consented] = await Promise.all([
      agent('drain', 'w-1', '--dry-run'),
      agent('drain', 'w-1', '--dry-run', '-o', 'json'),
      agent('drain', 'w-1', '--dry-run', '-o', 'csv'),
      agent('drain', 'w-1', '--dry-run', '--delete-emptydir-data', 'drained'),
    ]);
    expect([table.code, json.code, csv.code, consented.code]).toEqual([1, 1, 1, 1]);
    expect(table.stdout).toMatch(/NEVER +drained\/tight-\S+ +Deployment drained\/tight +0 +0 disruptions allowed/);
    expect(table.stdout).toMatch(/REFUSED +drained\/cache-.*emptyDir/);
    expect(table.stdout).toMatch(/stays +drained\/logs-.*DaemonSet/);
    expect(table.stdout).toMatch(/w-1 {2}open: 1 to evict, 1 stay, 1 never, 1 refused/);
    const { node, closedBy, pods } = JSON.parse(json.stdout) as { node: string; closedBy: null; pods: object[] };
    expect({ node, closedBy, pods: pods.length }).toEqual({ node: 'w-1', closedBy: null, pods: 4 });
    const [head, ...rows] = csv.stdout.trimEnd().split('\r\n');
    expect(head).toBe('node,pod,fate,owner,priority,pdb,why');
    expect(rows.map((row) => row.split(',')[2]).sort()).toEqual(['evict', 'kept', 'never', 'refused']);
    expect(consented.stdout).toMatch(/w-1 {2}open: 2 to evict, 1 stay, 1 never/);
    expect(patchesOf('w-1')).toBe(0);
    expect((await world.node('w-1')).spec.unschedulable).not.toBe(true);
  });

  it('pods that nobody consented to lose → refused by name, nothing evicted, the node open again; with consent by namespace and owner it is through', async () => {
    // Tied to their node: elsewhere, they would be met again by the drains after this one.
    const pod = { ...scratch, nodeSelector: { 'kubernetes.io/hostname': 'w-2' } };
    await world.deploy({ name: 'scratch', node: 'w-2', replicas: 1, pod, labels: { team: 'team-ci' } });
    await world.deploy({ name: 'shared', node: 'w-2', replicas: 1, pod }, 'caches');
    await bare('lonely', 'w-2', { 'wavegate.dev/owner': 'team-lab' });
    const refused = await agent('drain', 'w-2', '--delete-emptydir-data', 'caches,owner=team-other');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/drained\/lonely \(unmanaged\), drained\/scratch-\S+ \(emptyDir\)/);
    expect(refused.stderr).not.toContain('caches/shared');
    expect(refused.stderr).toContain('consent by --delete-emptydir-data or --evict-unmanaged');
    expect(refused.stderr).toContain('nothing was changed');
    expect([...world.evictionsOf('scratch'), ...world.evictionsOf('shared')]).toEqual([]);
    const { spec, metadata } = await world.node('w-2');
    expect([spec.unschedulable ?? false, metadata.annotations?.[CORDONED_BY]]).toEqual([false, undefined]);

    const consent = ['--delete-emptydir-data', 'caches,owner=team-ci', '--evict-unmanaged', 'owner=team-lab'];
    const { code, stdout, stderr } = await agent('drain', 'w-2', ...consent, '-o', 'json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      node: 'w-2',
      drained: true,
      reason: null,
      counts: { gone: 3 },
      waits: [],
    });
    expect(await world.podsOn('w-2')).toEqual([]);
  });

  it('drained → closed under the program’s own name, a mark for the Cluster Autoscaler; uncordon gives all of it back', async () => {
    const mark = 'cluster-autoscaler.kubernetes.io/scale-down-disabled';
    await world.cluster.api.patch('/api/v1/nodes/w-3', { metadata: { annotations: { [mark]: 'false' } } });
    await world.deploy({ name: 'plain', node: 'w-3', replicas: 2 });
    const drained = await agent('drain', 'w-3', '-o', 'csv', '--pace', 'unlimited');
    expect({ code: drained.code, stderr: drained.stderr }).toEqual({ code: 0, stderr: '' });
    expect(drained.stdout).toMatch(/^node,pod,state,owner,pdb,since,why\r\nw-3,,drained,,,,2 evicted in [\d.]+ s\r\n$/);
    const closed = await world.node('w-3');
    expect(closed.spec.unschedulable).toBe(true);
    expect(closed.metadata.annotations).toMatchObject({ [CORDONED_BY]: 'wavegate-agent', [mark]: 'true' });

    const opened = await agent('uncordon', 'w-3', '-o', 'json');
    expect(opened).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(opened.stdout)).toEqual({ node: 'w-3', open: true, opened: true, closedBy: null });
    const { spec, metadata } = await world.node('w-3');
    expect(spec.unschedulable ?? false).toBe(false);
    expect(metadata.annotations?.[mark]).toBe('false');
    expect(Object.keys(metadata.annotations ?? {}).filter((key) => key.includes('wavegate.dev'))).toEqual([]);
    expect(await agent('uncordon', 'w-3')).toEqual({ code: 0, stdout: 'w-3 is open\n', stderr: '' });
  });

  it('a budget that never allows → its numbers and its owner within seconds; at the bound exit code 1, and the node stays closed', async () => {
    await world.deploy(held('stuck', 'w-4'));
    const { code, stdout, stderr } = await agent('drain', 'w-4', '--timeout', '12s');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /w-4 {2}blocked {2}drained\/stuck-\S+: PDB drained\/stuck: .*; owner Deployment drained\/stuck\n/,
    );
    expect(stderr).toContain('the node stays closed (wavegate-agent uncordon w-4 gives it back)');
    expect(stdout).toMatch(/ {2}Deployment drained\/stuck\n +drained\/stuck-.*0 disruptions allowed: 1 of its 1 pods/);
    expect((await world.node('w-4')).spec.unschedulable).toBe(true);
  });

  it('Ctrl-C while a budget refuses → exit code 130, the node stays closed, and what to do next is said', async () => {
    const child = spawn(builtProgram('agent'), ['drain', 'w-4', '--kubeconfig', kubeconfig], { env: env() });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
    await eventually('the blocker to be named', () => stderr.includes('w-4  blocked'));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(stderr).toContain('stopped; node w-4 stays closed');
    expect(stderr).toContain('wavegate-agent uncordon w-4');
    expect((await world.node('w-4')).spec.unschedulable).toBe(true);
    expect((await agent('uncordon', 'w-4')).stdout).toBe('w-4 takes pods again\n');
  });

  it('closed by somebody else, or by an order → uncordon leaves it and says whose it is; drain does not meddle with an order', async () => {
    await world.cluster.api.patch('/api/v1/nodes/w-6', { spec: { unschedulable: true } });
    const others = await agent('uncordon', 'w-6');
    expect(others).toMatchObject({ code: 1, stdout: '' });
    expect(others.stderr).toContain('node w-6 was closed by somebody else (kubectl uncordon opens it)');
    await world.cluster.api.patch('/api/v1/nodes/w-6', { metadata: { annotations: { [CORDONED_BY]: 'order-7' } } });
    const [uncordoned, drained] = await Promise.all([agent('uncordon', 'w-6', '-o', 'json'), agent('drain', 'w-6')]);
    expect(uncordoned.code).toBe(1);
    expect(JSON.parse(uncordoned.stdout)).toEqual({ node: 'w-6', open: false, opened: false, closedBy: 'order-7' });
    expect(uncordoned.stderr).toContain('was closed by order order-7');
    expect(drained.code).toBe(1);
    expect(drained.stderr).toContain('node w-6 is under work of order order-7');
    expect((await world.node('w-6')).metadata.annotations?.[CORDONED_BY]).toBe('order-7');
  });

  it.each([
    [['drain', 'w-9', '--dry-run'], 1, /there is no node w-9 in this cluster; there are cp-1, w-1, .*w-6/],
    [['uncordon', 'w-9'], 1, /there is no node w-9 in this cluster/],
    [['drain', 'w-1', '--timeout', '0s'], 2, /--timeout "0s": expected a duration above nothing/],
    [['drain', 'w-1', '--timeout=-5m'], 2, /--timeout "-5m"/],
    [['drain', 'w-1', '--pace', 'fast'], 2, /--pace "fast": expected evictions per second/],
    [['drain', 'w-1', '--evict-unmanaged', 'Not a name'], 2, /expected namespaces and owner=NAME/],
    [['drain', 'w-1', '-o', 'xml'], 2, /Allowed choices are text, json, csv/],
    [['uncordon', 'w-1', '-o', 'csv'], 2, /Allowed choices are text, json/],
    [['drain'], 2, /missing required argument 'node'/],
  ])('%j → exit code %d, and one line that says what is right', async (words, code, message) => {
    const ended = await agent(...words);
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  it('nobody answers at the address → exit code 4', async () => {
    const [port] = await freePorts(1);
    const mine = kubeconfig;
    const config = JSON.parse(readFileSync(mine, 'utf8')) as { clusters: { cluster: object }[] };
    const clusters = config.clusters.map((one) => ({ ...one, cluster: { server: `https://127.0.0.1:${port}` } }));
    kubeconfig = `${mine}-away`;
    writeFileSync(kubeconfig, JSON.stringify({ ...config, clusters }), { mode: 0o600 });
    const ended = await agent('drain', 'w-1');
    kubeconfig = mine;
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('does not answer: ECONNREFUSED');
  });

  it('after all of them → not one pod was deleted outright', () => {
    expect(podDeletions(world.cluster.audit())).toEqual([]);
  });
});
