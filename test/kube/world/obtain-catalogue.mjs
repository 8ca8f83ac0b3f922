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
  {
    id: 'rclone',
    kind: 'rclone',
    version: '1.75.1',
    folder: 'rclone-v1.75.1',
    programs: ['rclone'],
    usually: '1 to 2 minutes on 2 cores',
  },
  {
    id: 'velero',
    kind: 'velero',
    version: '1.18.3',
    // Not an official build's name: ours listens only where it is told (see its recipe).
    folder: 'velero-v1.18.3-one-listener',
    programs: ['velero'],
    usually: '3 to 4 minutes on 2 cores',
  },
  {
    // Velero's server knows no object store by itself: this plugin speaks S3.
    id: 'velero-plugin-for-aws',
    kind: 'velero-plugin-for-aws',
    version: '1.14.3',
    folder: 'velero-plugin-for-aws-v1.14.3',
    programs: ['velero-plugin-for-aws'],
    usually: '1 to 2 minutes on 2 cores',
  },
  {
    id: 'prometheus',
    kind: 'prometheus',
    version: '3.15.0',
    folder: 'prometheus-v3.15.0',
    programs: ['prometheus'],
    usually: '3 to 4 minutes on 2 cores',
  },
  {
    id: 'alertmanager',
    kind: 'alertmanager',
    version: '0.34.2',
    folder: 'alertmanager-v0.34.2',
    programs: ['alertmanager'],
    usually: '2 to 3 minutes on 2 cores',
  },
  // The charts are installed by both majors: Helm 3 is what most clusters still meet.
  {
    id: 'helm',
    kind: 'helm',
    version: '3.22.0',
    folder: 'helm-v3.22.0',
    programs: ['helm'],
    usually: 'about a minute on 2 cores',
  },
  {
    id: 'helm-4',
    kind: 'helm',
    version: '4.3.1',
    folder: 'helm-v4.3.1',
    programs: ['helm'],
    usually: '1 to 2 minutes on 2 cores',
  },
];

/** What a kubeadm node and its control plane run; the kube tier needs less, so that its part is had first and alone. */
const nodePrograms = (version, programs) => ({
  ...kubernetes(version),
  id: `nodes-${version}`,
  programs,
  usually: '3 to 5 minutes on 2 cores',
});

/** The exact etcd and CoreDNS that `kubeadm config images list` of a version names. */
const etcd = (version, more = {}) => ({
  ...SETS[0],
  id: `etcd-${version}`,
  version,
  folder: `etcd-v${version}`,
  ...more,
});
const coredns = (version) => ({
  id: `coredns-${version}`,
  kind: 'coredns',
  version,
  folder: `coredns-v${version}`,
  programs: ['coredns'],
  usually: '1 to 2 minutes on 2 cores',
});

const NODE_PROGRAMS = ['kubelet', 'kubeadm', 'kube-proxy'];

/** Only for `make lab`: the kube tier neither looks for them nor waits for them. */
export const LAB_SETS = [
  nodePrograms('1.34.4', NODE_PROGRAMS),
  nodePrograms('1.35.4', NODE_PROGRAMS),
  etcd('3.6.5'),
  etcd('3.6.6'),
  coredns('1.12.1'),
  coredns('1.13.1'),
  // A patch of the same minor, from which and to which a control plane goes (rung 3); its etcd and CoreDNS are 1.34.4's.
  kubernetes('1.34.3'),
  nodePrograms('1.34.3', NODE_PROGRAMS),
  // Two hops, 1.33 → 1.34 → 1.35, need a start that the kube tier has no use for.
  kubernetes('1.33.13'),
  nodePrograms('1.33.13', NODE_PROGRAMS),
  // Module proxies serve the server of 3.5.24 and not its two tools.
  etcd('3.5.24', { tools: '3.5.21' }),
  coredns('1.12.0'),
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
