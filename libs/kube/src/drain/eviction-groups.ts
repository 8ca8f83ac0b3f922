import type { V1Pod } from '@kubernetes/client-node';
import { podName } from './pod-filter.js';

/**
 * Pods in the order of their eviction: lower priority first, as the kubelet's graceful shutdown does it, so that what
 * others depend on goes last. `borders`: growing priorities, each the first of a new group; empty groups are left out.
 */
export function evictionGroups(pods: readonly V1Pod[], borders: readonly number[]): V1Pod[][] {
  const sorted = [...pods].sort((a, b) => priorityOf(a) - priorityOf(b) || (podName(a) < podName(b) ? -1 : 1));
  const groups = Map.groupBy(sorted, (pod) => borders.filter((border) => border <= priorityOf(pod)).length);
  return [...groups.values()];
}

const priorityOf = ({ spec }: V1Pod): number => spec?.priority ?? 0;
