import type { PictureSummary } from '@wavegate/fleet';
import type { ClusterPicture } from './picture.js';

export type { PictureSummary };

export function summaryOf(picture: ClusterPicture): PictureSummary {
  const ready = picture.workloads.map(
    ({ kind, namespace, name, ready }) => [`${kind} ${namespace}/${name}`, ready] as const,
  );
  return {
    schema: 1,
    at: picture.at,
    version: picture.version,
    ready: Object.fromEntries(ready.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1))),
    crashLooping: crashLoopsOf(picture),
  };
}

/** "shop/Deployment/web", sorted, each once. */
export function crashLoopsOf({ pods }: ClusterPicture): string[] {
  const looping = pods.filter((pod) => pod.crashLooping).map(({ namespace, workload }) => `${namespace}/${workload}`);
  return [...new Set(looping)].sort();
}
