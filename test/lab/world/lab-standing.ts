import type { Lab } from './start-lab.js';

/** What stands at which version, each part asked by a way of its own: nothing of it is the agent's word. */
export interface Standing {
  /** Each control-plane node's own answer to /version, past any balancer. */
  readonly apiServers: Readonly<Record<string, string>>;
  readonly kubelets: Readonly<Record<string, string>>;
  /** Of kubelet, as dpkg knows it, and whether it is held. */
  readonly packages: Readonly<Record<string, string>>;
  /** Tags of running static pods and of the addons. */
  readonly images: Readonly<Record<string, string>>;
  readonly closed: readonly string[];
}

const rows = (text: string): readonly string[][] =>
  text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((row) => row.split(' '));

const tagOf = (image: string): string => image.replace(/^.*:/, '');

export async function standing(lab: Lab): Promise<Standing> {
  const each = async <T>(
    nodes: Lab['nodes'],
    ask: (node: Lab['nodes'][number]) => Promise<T>,
  ): Promise<Record<string, T>> => {
    const answers = await Promise.all(nodes.map(async (node) => [node.name, await ask(node)] as const));
    return Object.fromEntries(answers);
  };
  const controlPlanes = lab.nodes.filter((node) => node.place.role === 'controlPlane');
  const nodePath =
    '{range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion} {.spec.unschedulable}{"\\n"}{end}';
  const nodes = rows(await lab.kubectl(['get', 'nodes', '-o', `jsonpath=${nodePath}`]));
  return {
    apiServers: await each(controlPlanes, async (node) => {
      const server = ['--server', 'https://127.0.0.1:6443', '--tls-server-name', 'kubernetes'];
      const config = ['--kubeconfig', '/etc/kubernetes/admin.conf'];
      const version = JSON.parse(await node.exec(['kubectl', ...config, ...server, 'get', '--raw', '/version'])) as {
        gitVersion: string;
      };
      return version.gitVersion.replace(/^v/, '');
    }),
    kubelets: Object.fromEntries(nodes.map(([name = '', version = '']) => [name, version.replace(/^v/, '')])),
    packages: await each(lab.nodes, async (node) => {
      const version = await node.exec(['dpkg-query', '-W', '-f', '${Version}', 'kubelet']);
      const held = (await node.exec(['apt-mark', 'showhold'])).split('\n').includes('kubelet');
      return `${version} ${held ? 'held' : 'NOT HELD'}`;
    }),
    images: await images(lab),
    closed: nodes.filter(([, , closed]) => closed === 'true').map(([name = '']) => name),
  };
}

async function images(lab: Lab): Promise<Readonly<Record<string, string>>> {
  const podPath =
    '{range .items[*]}{.metadata.labels.component} {.spec.nodeName} {.spec.containers[0].image}{"\\n"}{end}';
  const pods = rows(
    await lab.kubectl(['-n', 'kube-system', 'get', 'pods', '-l', 'tier=control-plane', '-o', `jsonpath=${podPath}`]),
  );
  const found = pods
    .filter(([component]) => component !== 'kube-apiserver')
    .map(([component, node, image = '']) => [`${node}/${component}`, tagOf(image)]);
  for (const [kind, name] of [
    ['deployment', 'coredns'],
    ['daemonset', 'kube-proxy'],
  ] as const) {
    const path = 'jsonpath={.spec.template.spec.containers[0].image}';
    found.push([name, tagOf(await lab.kubectl(['-n', 'kube-system', 'get', kind, name, '-o', path]))]);
  }
  return Object.fromEntries(found) as Readonly<Record<string, string>>;
}
