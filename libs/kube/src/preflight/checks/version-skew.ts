import {
  canHop,
  checkSkew,
  compareVersions,
  describeReason,
  minorDistance,
  parseVersion,
  type Named,
} from '@wavegate/fleet';
import { BEFORE, type Check, type Found } from '../check.js';
import { tagOf } from '../pod-picture.js';
import type { ClusterPicture, PodPicture } from '../picture.js';

/** All components against Kubernetes' skew policy as they are now, and the way to the target. */
export const versionSkew: Check = {
  id: 'version-skew',
  phases: BEFORE,
  needs: ['nodes', 'pods'],
  codes: [
    {
      code: 'skew_violation',
      title: 'A component is too old or too new',
      meaning:
        'A kubelet, kube-proxy, controller manager, scheduler or API server is outside what the version skew policy of Kubernetes allows, counted over every API server of the control plane.',
      remedy:
        'Bring the named component within the limit first: older ones up, newer ones down (kubelets may go back a minor).',
    },
    {
      code: 'hop_not_possible',
      title: 'There is no way to the target',
      meaning:
        'An API server may not skip a minor and never goes back, and a kubelet may be at most three minors older than the API server of the target.',
      remedy:
        'Take the minors one by one (`target.via` in a plan), bring old kubelets up first, or choose another target.',
    },
    {
      code: 'api_servers_mixed',
      title: 'API servers of different versions',
      meaning:
        'The control plane is half-way between two versions: an earlier upgrade was not finished. It may go on; limits are counted from the oldest and the newest.',
      remedy: 'Finish the earlier upgrade, or upgrade to the same target: kubeadm goes on where it stopped.',
    },
  ],
  run(picture, { target }) {
    const apiServers = serversOf(picture);
    const kubelets = picture.nodes.map(({ name, kubelet }) => ({ name, version: kubelet }));
    const violations = checkSkew({
      apiServers,
      kubelets,
      kubeProxies: proxiesOf(picture.pods),
      controllerManagers: componentsOf(picture, 'kube-controller-manager'),
      schedulers: componentsOf(picture, 'kube-scheduler'),
    });
    const skewed = violations.map(({ component, version, limit }): Found => ({
      code: 'skew_violation',
      object: component,
      message: `${component} is at ${version || 'no version'}, which must be ${limit}`,
      remedy: 'bring it within the limit first',
      nodes: picture.nodes.some(({ name }) => component.endsWith(`/${name}`)) ? [component.split('/')[1] ?? ''] : [],
    }));
    return [...skewed, ...hopFindings(picture, target, violations.length > 0), ...mixed(apiServers)];
  },
};

function serversOf(picture: ClusterPicture): Named[] {
  const seen = picture.servers.map(({ at, version }) => ({ name: at, version }));
  const pods = componentsOf(picture, 'kube-apiserver');
  return seen.length + pods.length > 0 ? [...seen, ...pods] : [{ name: 'the API server', version: picture.version }];
}

function componentsOf({ pods }: ClusterPicture, component: string): { name: string; version: string }[] {
  return pods.flatMap((pod) =>
    pod.component?.name === component ? { name: pod.node, version: pod.component.version } : [],
  );
}

/** kubeadm's DaemonSet; the version is its image's tag. Images without a readable tag are passed over. */
function proxiesOf(pods: readonly PodPicture[]): { name: string; version: string }[] {
  return pods
    .filter(({ namespace, workload }) => namespace === 'kube-system' && workload === 'DaemonSet/kube-proxy')
    .map(({ node, images }) => ({ name: node, version: tagOf(images[0] ?? '') }))
    .filter(({ version }) => parseVersion(version) !== null);
}

function hopFindings(picture: ClusterPicture, target: string, skewed: boolean): Found[] {
  const from = parseVersion(picture.version);
  const to = parseVersion(target);
  if (!from || !to) return [];
  const found = (message: string, remedy: string): Found[] => [
    { code: 'hop_not_possible', object: `${from.text} → ${to.text}`, message, remedy },
  ];
  if (compareVersions(to, from) < 0 && minorDistance(to, from) > 0) {
    return found(`${from.text} → ${to.text} is a downgrade`, 'choose a target that is not older');
  }
  if (minorDistance(from, to) > 1) {
    const apart = minorDistance(from, to);
    return found(
      `${from.text} → ${to.text} skips ${apart - 1} of ${apart} minors`,
      'take the minors one by one; a plan names them in target.via',
    );
  }
  // A violation now is named above, each by itself; the hop's own limit is asked only of what is sound.
  if (skewed) return [];
  const facts = {
    apiServers: serversOf(picture).map((one) => (typeof one === 'string' ? one : one.version)),
    nodes: picture.nodes.map((node) => ({ ...node, zone: '' })),
  };
  const refused = canHop(facts, { index: 1, of: 1, from: from.text, to: to.text });
  return refused ? found(describeReason(refused), 'upgrade the named component first') : [];
}

function mixed(servers: readonly Named[]): Found[] {
  const versions = [...new Set(servers.map((one) => (typeof one === 'string' ? one : one.version)))].sort();
  if (versions.length < 2) return [];
  const object = 'kube-apiserver';
  const message = `API servers run ${versions.join(' and ')}: an upgrade was not finished`;
  return [{ code: 'api_servers_mixed', object, message, remedy: `finish it, or upgrade to ${versions.at(-1)} first` }];
}
