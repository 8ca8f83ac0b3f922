import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from './world/free-ports.js';
import { builtProgram } from './world/hub-process.js';
import { startCluster, type RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';
import { workload, workloadReady } from './world/workload.js';

const OLD = '1.34.4';
const NEW = '1.35.4';
const LEDGER = { namespace: 'payments', name: 'ledger', replicas: 2, pdb: { minAvailable: 2 } };

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let dir: string;
let older: RealCluster;
let newer: RealCluster;
let kubeconfig: string;

beforeAll(async () => {
  dir = makeRunFolder();
  const nodes = (kubelet: string) =>
    [
      { name: 'cp-1', role: 'controlPlane' } as const,
      ...['w-1', 'w-2'].map((name) => ({ name, role: 'worker' }) as const),
    ].map((node) => ({ ...node, kubelet }));
  [older, newer] = await Promise.all([
    startCluster({ name: 'older', version: OLD, dir, nodes: nodes(OLD) }),
    startCluster({ name: 'newer', version: NEW, dir, nodes: nodes(NEW) }),
  ]);
  await workload(older, LEDGER);
  await older.api.patch('/api/v1/namespaces/payments', { metadata: { labels: { team: 'team-ledger' } } });
  await workloadReady(older, LEDGER);
  const [nobody] = await freePorts(1);
  kubeconfig = merged([older, newer], nobody ?? 0);
});
afterAll(async () => {
  await Promise.all([older?.stop(), newer?.stop()]);
  removeRunFolder(dir);
});

/** Both clusters and one that nobody serves, in one file, as a person has them. */
function merged(clusters: readonly RealCluster[], nobody: number): string {
  const pem = (cluster: RealCluster, name: string): string => join(cluster.dir, 'pki', name);
  const away = { name: 'away', cluster: { server: `https://127.0.0.1:${nobody}` } };
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'older' },
    clusters: [
      ...clusters.map(({ name, url, caFile }) => ({ name, cluster: { server: url, 'certificate-authority': caFile } })),
      away,
    ],
    users: clusters.map((one) => ({
      name: one.name,
      user: { 'client-certificate': pem(one, 'world.crt'), 'client-key': pem(one, 'world.key') },
    })),
    contexts: ['older', 'newer', 'away'].map((name) => ({
      name,
      context: { cluster: name, user: name === 'away' ? 'older' : name },
    })),
  };
  const file = join(dir, 'kubeconfig');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

function preflight(...words: readonly string[]): Promise<Ended> {
  const args = ['preflight', '--kubeconfig', kubeconfig, ...words];
  const env = { ...process.env, NODE_OPTIONS: '' };
  return new Promise((ended) => {
    execFile(builtProgram('agent'), args, { env, cwd: dir, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      ended({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

describe('wavegate-agent preflight, with a kubeconfig and no hub', () => {
  it('a plan with objectives, and nobody to ask for them → a finding that blocks and says what to set up', async () => {
    const params = { namespace: 'shop', workload: 'checkout' };
    const objectives = [{ name: 'checkout', sli: 'istio-availability', params, objective: 0.999 }];
    const plan = {
      ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'judged' } },
      spec: { target: { kubernetes: NEW }, verdict: { objectives } },
    };
    writeFileSync(join(dir, 'judged.yaml'), JSON.stringify(plan));
    const { code, stdout, stderr } = await preflight('--context', 'older', '--plan', 'judged.yaml');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/BLOCK {2}metrics_source_missing/);
  });

  it('two contexts → a table for people, each finding with what to do, and who must do it; exit code 1', async () => {
    const { code, stdout, stderr } = await preflight('--context', 'older,newer', '--target', NEW);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^older {2}1\.34\.4 → 1\.35\.4 {2}1 control-plane node, 2 workers {2}\d+ block/);
    expect(stdout).toMatch(
      /BLOCK {2}pdb_never_allows +payments\/ledger: minAvailable 2 of 2 pods, on .*; owner team-ledger/,
    );
    expect(stdout).toContain('→ run 3 replicas, or set maxUnavailable: 1');
    expect(stdout).toMatch(/\nnewer {2}1\.35\.4 → 1\.35\.4 {2}/);
    expect(stdout).toMatch(/By owner: team-ledger 1 block/);
  });

  it('-o json → for scripts: each finding with code, nodes and where to read more; grouped tables by owner and node', async () => {
    const [json, byOwner, byNode] = await Promise.all([
      preflight('--target', NEW, '-o', 'json'),
      preflight('--target', NEW, '--by', 'owner'),
      preflight('--target', NEW, '--by', 'node'),
    ]);
    const { schema, target, clusters } = JSON.parse(json.stdout) as {
      schema: number;
      target: string;
      clusters: { findings: object[] }[];
    };
    expect({ schema, target, n: clusters.length }).toEqual({ schema: 1, target: NEW, n: 1 });
    expect(clusters[0]?.findings).toContainEqual(
      expect.objectContaining({
        code: 'pdb_never_allows',
        owner: 'team-ledger',
        doc: 'docs/preflight.md#pdb_never_allows',
      }),
    );
    expect(byOwner.stdout).toMatch(/\n {2}team-ledger {2}1 block\n {4}BLOCK {2}pdb_never_allows/);
    expect(byNode.stdout).toMatch(/\n {2}w-[12] {2}\d block/);
  });

  it('--drain-preview → which pods, budgets and owners would hold a drain up, as table and CSV', async () => {
    const [table, csv] = await Promise.all([
      preflight('--context', 'older,newer', '--target', NEW, '--drain-preview'),
      preflight('--target', NEW, '--drain-preview', '-o', 'csv'),
    ]);
    expect(table.code).toBe(1);
    expect(table.stdout).toMatch(
      /^2 pods to evict in 2 clusters: 2 would block, 0 would wait\nteam-ledger: 2 of 2 pods would block \(older\)/,
    );
    const [head, ...rows] = csv.stdout.trimEnd().split('\r\n');
    expect(head).toBe('cluster,owner,verdict,node,namespace,pod,workload,pdb,why');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(
      /^older,team-ledger,blocked,w-[12],payments,ledger-.*,Deployment\/ledger,payments\/ledger,/,
    );
  });

  it('a plan with a waiver → the finding stays as information that says why; nothing else blocks: exit code 0', async () => {
    const plan = join(dir, 'plan.json');
    const severities = [{ code: 'pdb_never_allows', set: 'waive', reason: 'CHG-7', until: '2036-01-01T00:00:00Z' }];
    const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
    writeFileSync(plan, JSON.stringify({ ...head, spec: { target: { kubernetes: NEW }, preflight: { severities } } }));
    const { code, stdout } = await preflight('--plan', plan);
    expect(stdout).toMatch(/INFO {3}pdb_never_allows .*waived by the plan until 2036-01-01T00:00:00Z: CHG-7/);
    expect({ code, stdout: code === 0 ? '' : stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('kept before, compared after → what the upgrade left worse is named', async () => {
    const kept = join(dir, 'before.json');
    await preflight('--target', NEW, '--save', kept);
    expect(existsSync(kept)).toBe(true);
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toMatchObject({
      clusters: { older: { ready: { 'Deployment payments/ledger': 2 } } },
    });
    const after = await preflight('--target', NEW, '--after', kept);
    expect(after.code).toBe(1);
    expect(after.stdout).toContain('the kubelet of w-1 is at 1.34.4, not at 1.35.4');
    expect((await preflight('--target', OLD, '--after', kept)).code).toBe(0);
  });

  it('a cluster that does not answer → said in its line, the others are still judged; exit code 4', async () => {
    const { code, stdout } = await preflight('--context', 'newer,away', '--target', NEW);
    expect(code).toBe(4);
    expect(stdout).toMatch(/\naway {2}not looked at: away .*ECONNREFUSED/);
    expect(stdout).toMatch(/^newer {2}1\.35\.4/);
  });

  it.each([
    [['--context', 'older'], /--target 1\.35\.4, or --plan/],
    [['--target', '1.35'], /is not a version with its patch, such as 1\.35\.4/],
    [['--target', NEW, '--context', 'nobody'], /"nobody" is not in the kubeconfig \(known: older, newer, away\)/],
    [['--target', NEW, '--after', 'nothing.json'], /nothing\.json: no such file/],
    [['--target', NEW, '-o', 'xml'], /Allowed choices are table, json, csv/],
    [['--plan', 'kubeconfig'], /is not a valid plan/],
  ])('a wrong command %j → one line that says what is right; exit code 2', async (words, message) => {
    const { code, stdout, stderr } = await preflight(...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
