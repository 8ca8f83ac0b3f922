import { BEFORE, named, type Check, type Found } from '../check.js';
import { Disruption, nodesOf } from '../disruption.js';
import { quantity } from '../quantity.js';

const PER_POD = [
  'pods',
  'count/pods',
  'requests.cpu',
  'requests.memory',
  'cpu',
  'memory',
  'limits.cpu',
  'limits.memory',
];

/** Namespaces where the next pod is refused until the old one is really gone. */
export const quotas: Check = {
  id: 'quotas',
  phases: BEFORE,
  needs: ['pods', 'quotas'],
  codes: [
    {
      code: 'quota_full',
      title: 'A quota has no room for a replacement',
      meaning:
        'A ResourceQuota is used up. An evicted pod counts until it is gone, so its replacement is refused until then, and controllers retry ever more seldom: the workload is away longer than it need be.',
      remedy: 'Raise the quota by one pod for the length of the upgrade.',
    },
  ],
  run(picture) {
    const { evictable } = new Disruption(picture);
    const byNamespace = Map.groupBy(evictable, ({ namespace }) => namespace);
    return picture.quotas.flatMap(({ namespace, name, hard, used }): Found[] => {
      const pods = byNamespace.get(namespace) ?? [];
      const full = PER_POD.filter((one) => hard[one] !== undefined && quantity(used[one]) >= quantity(hard[one]));
      if (pods.length === 0 || full.length === 0) return [];
      const what = named(full.map((one) => `${one} ${used[one]} of ${hard[one]}`));
      const message = `quota ${namespace}/${name} is used up (${what}): replacements wait until evicted pods are gone`;
      const remedy = 'raise it by one pod for the length of the upgrade';
      const owner = pods[0]?.owner ?? '';
      return [{ code: 'quota_full', object: `${namespace}/${name}`, message, remedy, owner, nodes: nodesOf(pods) }];
    });
  },
};
