import { eventually } from '../../kube/world/eventually.js';
import { say } from './lab-log.js';
import type { LabNode } from './lab-node.js';
import { PACKAGE_REVISION } from './kube-packages.js';
import { minorOf } from './kubernetes-release.js';
import type { Lab } from './start-lab.js';

/** kubeadm's own check refuses cgroup v1 from 1.35 on; the machine under the lab may have nothing else. */
const LENIENT = ['--ignore-preflight-errors=SystemVerification'];
const DRAIN = ['--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s'];

/**
 * The procedure of the Kubernetes documentation, as a careful person types it: first control plane `apply`, the others
 * `node`, each drained for its kubelet, then the workers one by one. Nothing of Wavegate: what it is measured against.
 */
export async function upgradeByHand(lab: Lab, to: string): Promise<void> {
  const kubectl = (args: readonly string[]): Promise<string> => patiently(() => lab.kubectl(args));
  const controlPlanes = lab.nodes.filter((node) => node.place.role === 'controlPlane');
  const workers = lab.nodes.filter((node) => node.place.role === 'worker');
  for (const [index, node] of controlPlanes.entries()) {
    await installKubeadm(node, to);
    const verb = index === 0 ? ['apply', `v${to}`, '--yes'] : ['node'];
    await node.exec(['kubeadm', 'upgrade', ...verb, ...LENIENT], { withinMs: 1_500_000 });
    say(`by hand: ${node.name} kubeadm upgrade ${verb[0]} done`);
    await upgradeKubelet(node, to, kubectl);
  }
  for (const node of workers) {
    await installKubeadm(node, to);
    // The new kubelet of a control plane restarts its API server once more, after the node is Ready.
    await patiently(() => node.exec(['kubeadm', 'upgrade', 'node', ...LENIENT]));
    await upgradeKubelet(node, to, kubectl);
  }
}

async function installKubeadm(node: LabNode, version: string): Promise<void> {
  await node.sh(`export DEBIAN_FRONTEND=noninteractive
sed -i 's#/v1[.][0-9]*/deb#/v${minorOf(version)}/deb#' /etc/apt/sources.list.d/kubernetes.list
apt-mark unhold kubeadm && apt-get update -q && apt-get install -y -q kubeadm=${version}-${PACKAGE_REVISION}
apt-mark hold kubeadm`);
}

async function upgradeKubelet(
  node: LabNode,
  version: string,
  kubectl: (args: readonly string[]) => Promise<string>,
): Promise<void> {
  await kubectl(['drain', node.name, ...DRAIN]);
  await node.sh(`export DEBIAN_FRONTEND=noninteractive
apt-mark unhold kubelet kubectl
apt-get install -y -q kubelet=${version}-${PACKAGE_REVISION} kubectl=${version}-${PACKAGE_REVISION}
apt-mark hold kubelet kubectl
systemctl daemon-reload && systemctl restart kubelet`);
  const path = 'jsonpath={.status.nodeInfo.kubeletVersion} {.status.conditions[?(@.type=="Ready")].status}';
  await eventually(
    `${node.name} Ready at ${version}`,
    async () => (await kubectl(['get', 'node', node.name, '-o', path])) === `v${version} True`,
    { withinMs: 300_000, everyMs: 500 },
  );
  await kubectl(['uncordon', node.name]);
  say(`by hand: ${node.name} kubelet done`);
}

/** A person whose command meets an API server that is away, or does not know all rights yet, types it again. */
async function patiently(ask: () => Promise<string>): Promise<string> {
  let answer: string | undefined;
  await eventually(
    'the API server to take a command',
    async () => {
      answer = await ask();
      return true;
    },
    { withinMs: 600_000, everyMs: 2_000 },
  );
  return answer ?? '';
}
