import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The components beside Kubernetes itself, one version for all clusters. */
export const ALERTMANAGER_VERSION = '0.34.2';
export const ETCD_VERSION = '3.6.16';
export const HELM_VERSION = '3.22.0';
export const HELM_4_VERSION = '4.3.1';
export const KWOK_VERSION = '0.8.0';
export const PROMETHEUS_VERSION = '3.15.0';
export const RCLONE_VERSION = '1.75.1';
export const VELERO_VERSION = '1.18.3';
export const VELERO_PLUGIN_VERSION = '1.14.3';

const known = new Map<string, string>();

/**
 * Where a program of one version lies. What is not known yet is asked of obtain.mjs, which fills the cache when
 * something is missing (minutes the first time: its progress lines go to this process's stderr).
 */
export function programPath(program: string, version: string): string {
  const key = `${program}@${version}`;
  if (!known.has(key)) obtain(setOf(program, version));
  const path = known.get(key);
  if (path) return path;
  throw new Error(`the kube tier has no ${program} ${version}; it has ${[...known.keys()].sort().join(', ')}`);
}

const NAMED_AS_THEIR_SET = new Set(['alertmanager', 'kwok', 'prometheus', 'rclone', 'velero', 'velero-plugin-for-aws']);

/** As the sets are called in obtain-catalogue.mjs. */
function setOf(program: string, version: string): string {
  if (program.startsWith('etcd')) return 'etcd';
  if (program === 'helm') return version === HELM_4_VERSION ? 'helm-4' : 'helm';
  return NAMED_AS_THEIR_SET.has(program) ? program : version;
}

/** One set only: a test that needs one minor must not wait for the build of another. */
function obtain(set: string): void {
  const script = join(import.meta.dirname, 'obtain.mjs');
  const json = execFileSync(process.execPath, [script, `--only=${set}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  for (const [key, path] of Object.entries(JSON.parse(json) as Record<string, string>)) known.set(key, path);
}
