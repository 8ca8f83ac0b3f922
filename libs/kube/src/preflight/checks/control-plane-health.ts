import { BOTH, type Check, type Found } from '../check.js';

const COMPONENTS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** /readyz of every API server that can be reached, and the static pods of each control-plane node. */
export const controlPlaneHealth: Check = {
  id: 'control-plane-health',
  phases: BOTH,
  needs: ['nodes', 'pods', 'servers'],
  codes: [
    {
      code: 'api_server_not_ready',
      title: 'An API server is not ready',
      meaning: 'Some check of `/readyz?verbose` fails on the named API server, for example its etcd.',
      remedy:
        'Mend what the check names (`kubectl get --raw "/readyz?verbose"`): an upgrade would fail on it, or hide it.',
    },
    {
      code: 'control_plane_pod_missing',
      title: 'A control-plane component is missing',
      meaning:
        'A control-plane node has no static pod of a component while others do. kubeadm takes a node without an API server manifest for a worker and would upgrade it as one.',
      remedy:
        'Look for the manifest in /etc/kubernetes/manifests on that node, or remove the node from the control plane.',
    },
    {
      code: 'control_plane_pod_not_ready',
      title: 'A control-plane component is not ready',
      meaning: 'The static pod of an API server, controller manager or scheduler does not report Ready.',
      remedy:
        'Read its log (`kubectl -n kube-system logs …`) and mend it first: kubeadm waits for it, fails, and puts the old manifest back.',
    },
  ],
  run({ servers, nodes, pods }) {
    const unready = servers
      .filter(({ failing }) => failing.length > 0)
      .map(({ at, failing }): Found => {
        const message = `the API server at ${at} is not ready: ${failing.slice(0, 3).join('; ')}`;
        return {
          code: 'api_server_not_ready',
          object: at,
          message,
          remedy: 'mend what it names before anything is changed',
        };
      });
    const statics = pods.filter(({ component }) => component !== null);
    const planes = nodes.filter(({ role }) => role === 'controlPlane');
    // A managed control plane shows no static pods at all: there is nothing to miss then.
    const missing = statics.length === 0 ? [] : planes.flatMap(({ name }) => missingOn(name, statics));
    const failing = statics
      .filter(({ component, ready }) => !ready && COMPONENTS.some((name) => name === component?.name))
      .map(({ name, node, component }): Found => {
        const message = `${component?.name} on ${node} is not ready`;
        const remedy = `read its log: kubectl -n kube-system logs ${name}`;
        return { code: 'control_plane_pod_not_ready', object: `kube-system/${name}`, message, remedy, nodes: [node] };
      });
    return [...unready, ...missing, ...failing];
  },
};

function missingOn(node: string, statics: readonly { node: string; component: { name: string } | null }[]): Found[] {
  const there = statics.filter((pod) => pod.node === node).map(({ component }) => component?.name);
  return COMPONENTS.filter((name) => !there.includes(name)).map((name) => ({
    code: 'control_plane_pod_missing',
    object: node,
    message: `${node} is a control-plane node without a static pod of ${name}`,
    remedy: `look for /etc/kubernetes/manifests/${name}.yaml on ${node}`,
    nodes: [node],
  }));
}
