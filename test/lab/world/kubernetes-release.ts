import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './lab-places.js';
import { command } from './run-command.js';

/** What one kubeadm deploys beside Kubernetes itself, as its `config images list` names it. */
export interface KubernetesRelease {
  readonly version: string;
  /** Sets of obtain-catalogue.mjs. */
  readonly sets: readonly string[];
  readonly etcd: { readonly version: string; readonly tag: string };
  readonly coredns: string;
  readonly pause: string;
}

const release = (version: string, etcd: string, coredns: string, pause: string): KubernetesRelease => ({
  version,
  sets: [version, `nodes-${version}`, `etcd-${etcd}`, `coredns-${coredns}`],
  etcd: { version: etcd, tag: `${etcd}-0` },
  coredns,
  pause,
});

export const RELEASES: readonly KubernetesRelease[] = [
  release('1.33.13', '3.5.24', '1.12.0', '3.10'),
  release('1.34.3', '3.6.5', '1.12.1', '3.10.1'),
  release('1.34.4', '3.6.5', '1.12.1', '3.10.1'),
  release('1.35.4', '3.6.6', '1.13.1', '3.10.1'),
];

export function releaseOf(version: string): KubernetesRelease {
  const found = RELEASES.find((each) => each.version === version);
  if (found) return found;
  throw new Error(`the lab has no Kubernetes ${version}; it has ${RELEASES.map((each) => each.version).join(', ')}`);
}

export const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** `kubelet@1.35.4` → its path. Fills the cache of `test/kube` when something is missing; its progress goes to stderr. */
export type ObtainedPrograms = (program: string, version: string) => string;

export async function obtainPrograms(versions: readonly string[]): Promise<ObtainedPrograms> {
  const sets = [...new Set(versions.flatMap((version) => releaseOf(version).sets))];
  const script = join(repositoryRoot(), 'test', 'kube', 'world', 'obtain.mjs');
  const running = promisify(execFile)(process.execPath, [script, `--only=${sets.join(',')}`], { encoding: 'utf8' });
  running.child.stderr?.pipe(process.stderr, { end: false });
  const { stdout } = await running;
  const paths = JSON.parse(stdout) as Readonly<Record<string, string>>;
  return (program, version) => {
    const path = paths[`${program}@${version}`];
    if (!path) throw new Error(`obtain.mjs did not have ${program} ${version}`);
    return path;
  };
}

/** kubeadm is asked, so that a version added to the table with the wrong etcd fails here and not in a node. */
export async function assertImagesNamed({ version }: KubernetesRelease, tags: readonly string[], kubeadm: string) {
  const listed = await command(kubeadm, ['config', 'images', 'list', `--kubernetes-version=v${version}`]);
  const missing = listed.split('\n').filter((line) => line.startsWith('registry.k8s.io/') && !tags.includes(line));
  if (missing.length > 0)
    throw new Error(`kubeadm ${version} wants ${missing.join(', ')}; the lab makes ${tags.join(', ')}`);
}
