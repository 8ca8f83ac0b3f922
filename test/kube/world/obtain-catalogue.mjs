// What the kube tier needs, where each program lies once it is had, and how to look for it.
// Plain Node (>= 20) without dependencies: it must run before anything is installed or built.
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const kubernetes = (version) => ({
  id: version,
  kind: 'kubernetes',
  version,
  folder: `kubernetes-v${version}`,
  programs: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'],
  usually: '4 to 6 minutes on 2 cores',
});

/** The sets in the order they are had: the quick ones first, so that an interrupted run leaves the most behind. */
export const SETS = [
  {
    id: 'etcd',
    kind: 'etcd',
    version: '3.6.16',
    folder: 'etcd-v3.6.16',
    programs: ['etcd', 'etcdctl', 'etcdutl'],
    usually: 'about a minute on 2 cores',
  },
  kubernetes('1.35.4'),
  {
    id: 'kwok',
    kind: 'kwok',
    version: '0.8.0',
    folder: 'kwok-v0.8.0',
    programs: ['kwok'],
    usually: '2 to 3 minutes on 2 cores',
  },
  kubernetes('1.34.4'),
];

/** Outside the repository: a clean checkout must not rebuild what another one has built. */
export function cacheFolder(env = process.env) {
  if (env.WAVEGATE_CACHE) return resolve(env.WAVEGATE_CACHE, 'kube');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'wavegate', 'kube');
}

function runnable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a program that is already there, or undefined. The user's own directory goes before the cache. */
export function find(set, program, env = process.env) {
  const roots = [env.WAVEGATE_KUBE_BIN, cacheFolder(env)].filter(Boolean);
  return roots.map((root) => resolve(root, set.folder, program)).find(runnable);
}

/** `{ have: { "kubectl@1.35.4": path, … }, missing: [{ set, program }, …] }` over the wanted sets. */
export function lookUp(sets, env = process.env) {
  const have = {};
  const missing = [];
  for (const set of sets) {
    for (const program of set.programs) {
      const path = find(set, program, env);
      if (path) have[`${program}@${set.version}`] = path;
      else missing.push({ set, program });
    }
  }
  return { have, missing };
}
