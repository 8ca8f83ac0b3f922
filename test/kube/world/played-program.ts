import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtProgram } from './hub-process.js';
import type { KubeObject } from './kube-api.js';
import { layKubeadmHost } from './kubeadm-host.js';
import type { TerminationMessage } from './node-job-contract.js';
import type { RealCluster } from './real-cluster.js';

interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string };
  readonly emptyDir?: object;
  readonly secret?: { readonly secretName: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

export type ProgramPod = KubeObject<{
  readonly serviceAccountName?: string;
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    readonly command?: readonly string[];
    readonly args?: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
    readonly envFrom?: readonly { readonly secretRef?: { readonly name: string } }[];
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes?: readonly Volume[];
}>;

const TERMINATION_LOG = '/dev/termination-log';
const ETCD = 'https://127.0.0.1:2379';

/**
 * Plays kubelet and container for a Job whose container is the agent's own program: the real, built program runs with
 * exactly the words that the Job says. Only places differ, since there is no container: what is mounted at a path lies
 * in a folder of this run, and this host's etcd listens on another port.
 */
export async function playProgram(cluster: RealCluster, pod: ProgramPod, node: string): Promise<TerminationMessage> {
  const scratch = mkdtempSync(join(tmpdir(), 'wg-pod-'));
  try {
    const places = await placesOf(cluster, pod, { node, scratch });
    const { command = [], args = [], env = [] } = pod.spec.containers[0] ?? {};
    if (command[0] !== 'wavegate-agent') throw new Error(`no such program in this image: ${command.join(' ')}`);
    const own = Object.fromEntries(env.map(({ name, value = '' }) => [name, placed(places, value)]));
    const ended = await run(
      args.map((word) => placed(places, word)),
      { ...(await environmentOf(cluster, pod, scratch)), ...own },
    );
    const left = places.get(TERMINATION_LOG) ?? '';
    // As FallbackToLogsOnError does: the end of the log where the program left no message.
    if (!existsSync(left)) return { ok: false, error: `${ended.stderr.slice(-500)} (exit code ${ended.code})` };
    return JSON.parse(readFileSync(left, 'utf8')) as TerminationMessage;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where each mount really lies; longest first, so that a mount within a mount is found. */
async function placesOf(
  cluster: RealCluster,
  pod: ProgramPod,
  { node, scratch }: { readonly node: string; readonly scratch: string },
): Promise<ReadonlyMap<string, string>> {
  const host = layKubeadmHost(cluster, node || 'any');
  const places = new Map([
    [TERMINATION_LOG, join(scratch, 'termination-log')],
    [ETCD, `https://127.0.0.1:${cluster.files.ports.etcd}`],
  ]);
  const mounts = [...(pod.spec.containers[0]?.volumeMounts ?? [])];
  for (const { name, mountPath } of mounts.sort((a, b) => b.mountPath.length - a.mountPath.length)) {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    if (!volume) continue;
    places.set(mountPath, await folderOf(cluster, volume, { root: host.root, scratch }));
  }
  return places;
}

async function folderOf(
  cluster: RealCluster,
  volume: Volume,
  { root, scratch }: { readonly root: string; readonly scratch: string },
): Promise<string> {
  const folder = volume.hostPath
    ? join(root, volume.hostPath.path)
    : volume.persistentVolumeClaim
      ? join(cluster.dir, 'volumes', volume.persistentVolumeClaim.claimName)
      : join(scratch, volume.name.slice(0, 8));
  mkdirSync(folder, { recursive: true });
  if (volume.secret) {
    const entries = await secretOf(cluster, volume.secret.secretName);
    for (const [name, value] of Object.entries(entries)) writeFileSync(join(folder, name), value, { mode: 0o400 });
  }
  return folder;
}

async function secretOf(cluster: RealCluster, name: string): Promise<Readonly<Record<string, string>>> {
  type Secret = KubeObject & { readonly data?: Readonly<Record<string, string>> };
  const { data = {} } = await cluster.api.get<Secret>(`/api/v1/namespaces/wavegate-nodes/secrets/${name}`);
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

async function environmentOf(cluster: RealCluster, pod: ProgramPod, scratch: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { secretRef } of pod.spec.containers[0]?.envFrom ?? []) {
    if (secretRef) Object.assign(env, await secretOf(cluster, secretRef.name));
  }
  const account = pod.spec.serviceAccountName ?? 'default';
  // A pod finds its API server by its ServiceAccount's files; here by a kubeconfig with the same token.
  if (account !== 'default') env['WAVEGATE_KUBECONFIG'] = await kubeconfigOf(cluster, account, scratch);
  return env;
}

async function kubeconfigOf(cluster: RealCluster, account: string, scratch: string): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl('create', 'token', account, '-n', 'wavegate-nodes');
  if (code !== 0) throw new Error(`no token for ServiceAccount ${account}: ${stderr}`);
  const file = join(scratch, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'pod',
    clusters: [{ name: 'c', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'u', user: { token: stdout.trim() } }],
    contexts: [{ name: 'pod', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

function placed(places: ReadonlyMap<string, string>, word: string): string {
  // A word may say what kind of place follows.
  if (word.startsWith('volume:')) return `volume:${placed(places, word.slice('volume:'.length))}`;
  for (const [mount, folder] of places) {
    if (word === mount || word.startsWith(`${mount}/`)) return `${folder}${word.slice(mount.length)}`;
  }
  return word;
}

function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(builtProgram('agent'), [...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code: code ?? 1, stderr }));
  });
}
