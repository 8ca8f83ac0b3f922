import { DRAIN_WAITS_SHOWN, type DrainProgress } from '@wavegate/fleet';
import type { PodState } from './cluster-state.js';

export interface BlockedPod {
  readonly pod: PodState;
  readonly by: { readonly pdb: string; readonly since: number };
}

/** Where the pods of a node under drain stand, in the words of a real drain. */
export function drainProgressOf(
  node: string,
  pods: readonly PodState[],
  blocked: readonly BlockedPod[],
  gone: number,
): DrainProgress {
  const queued = pods.length - blocked.length;
  return {
    node,
    counts: { kept: 0, queued, evicting: 0, blocked: blocked.length, terminating: 0, gone },
    waits: blocked.slice(0, DRAIN_WAITS_SHOWN).map(({ pod, by }) => ({
      ...{ pod: `${pod.namespace}/${pod.name}`, state: 'blocked', pdb: `${pod.namespace}/${by.pdb}` },
      ...{ detail: '0 disruptions allowed', owner: pod.owner, since: by.since },
    })),
  };
}
