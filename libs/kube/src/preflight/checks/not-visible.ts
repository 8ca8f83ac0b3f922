import { BOTH, type Check, type Found } from '../check.js';

/** What no API tells: said once, so that silence is not taken for health. */
export const notVisible: Check = {
  id: 'not-visible',
  phases: BOTH,
  needs: ['nodes', 'pods'],
  codes: [
    {
      code: 'not_visible',
      title: 'What this look cannot see',
      meaning:
        "Through the Kubernetes API alone nobody sees etcd's alarms, leader and members' own view; kubelet configuration and flags on the hosts (reading them needs rights on nodes/proxy that Wavegate does not ask for); free disk space; the cgroup version; certificates that are not served to the API's clients; packages and their repositories. The preflight of an order looks at these by a Job on each host; a look with a kubeconfig alone does not. After an upgrade: whether DNS answers a query, where the look was made from outside the cluster.",
      remedy: 'Nothing. Look there yourself where it matters to you.',
    },
  ],
  run({ pods, dns }, { phase, hostFacts = [] }) {
    if (phase === 'after') return dns ? [] : [dnsNotAsked()];
    // An etcd beside the cluster is on none of its hosts.
    const stacked = pods.some(({ component }) => component?.name === 'etcd');
    const inspected = hostFacts.length > 0;
    if (inspected && stacked) return [];
    const etcd = stacked
      ? "etcd's alarms, leader and own view of its members"
      : 'etcd (external: nothing of it is visible)';
    const hosts = inspected ? '' : ', kubelet configuration on hosts, free disk space, cgroup version, packages';
    const message = `not visible through the API: ${etcd}${hosts}`;
    const remedy = inspected ? 'look at it yourself' : 'the preflight of an order looks at these on the hosts';
    return [{ code: 'not_visible', object: 'cluster', message, remedy }];
  },
};

function dnsNotAsked(): Found {
  const message =
    'not asked: whether the cluster’s DNS answers a query (only an agent in the cluster can, and kubelet-config must name it)';
  return { code: 'not_visible', object: 'dns', message, remedy: 'try it in a pod: nslookup kubernetes.default' };
}
