import { BOTH, type Check, type Found } from '../check.js';
import { tagOf } from '../pod-picture.js';

/** Images by which well-known parts of a cluster are told: what it is, and a pattern of the image's name. */
const KNOWN: readonly (readonly [what: string, name: string, image: RegExp])[] = [
  ['CNI', 'Calico', /calico\/(node|typha)|calico-node/],
  ['CNI', 'Cilium', /cilium\/cilium(?!-)/],
  ['CNI', 'Flannel', /flannel\/flannel(?!-)|flannel-io\/flannel(?!-)/],
  ['CNI', 'Weave Net', /weave-kube/],
  ['CNI', 'Antrea', /antrea\/antrea-(agent|ubuntu)/],
  ['CNI', 'kindnet', /kindnetd/],
  ['CNI', 'AWS VPC CNI', /amazon-k8s-cni(?!-)/],
  ['CNI', 'Multus', /multus-cni/],
  ['CNI', 'kube-router', /kube-router/],
  ['DNS', 'CoreDNS', /coredns/],
  ['DNS', 'NodeLocal DNSCache', /k8s-dns-node-cache/],
  ['ingress', 'ingress-nginx', /ingress-nginx\/controller/],
  ['ingress', 'Traefik', /(^|\/)traefik:/],
  ['ingress', 'HAProxy Ingress', /haproxy-ingress|kubernetes-ingress:/],
  ['ingress', 'Contour', /projectcontour\/contour/],
  ['ingress', 'Envoy Gateway', /envoyproxy\/gateway/],
  ['mesh', 'Istio', /istio\/pilot/],
  ['mesh', 'Linkerd', /linkerd\/controller/],
  ['GitOps', 'Argo CD', /argoproj\/argocd/],
  ['GitOps', 'Flux', /fluxcd\/(source|kustomize)-controller/],
  ['metrics', 'metrics-server', /metrics-server\//],
  ['metrics', 'Prometheus', /prometheus\/prometheus/],
  ['certificates', 'cert-manager', /cert-manager-controller/],
  ['policy', 'Kyverno', /kyverno\/kyverno(?!pre)/],
  ['policy', 'Gatekeeper', /openpolicyagent\/gatekeeper/],
  ['backup', 'Velero', /velero\/velero(?!-)/],
  ['scaling', 'Cluster Autoscaler', /cluster-autoscaler/],
  ['scaling', 'Karpenter', /karpenter\/controller/],
  ['load balancer', 'MetalLB', /metallb\/controller/],
  ['load balancer', 'kube-vip', /kube-vip/],
];

/** What else lives here and has a compatibility list of its own. */
export const addons: Check = {
  id: 'addons',
  phases: BOTH,
  needs: ['pods'],
  wants: { csiDrivers: ['addon_seen'] },
  codes: [
    {
      code: 'addon_seen',
      title: 'An add-on, with its version',
      meaning:
        'Inventory, for information: network, storage drivers, DNS, ingress, GitOps and others, recognised by their images. kubeadm upgrades CoreDNS and kube-proxy and nothing else. GitOps tools may undo by-hand changes.',
      remedy: "Look up the target minor in the add-on's own compatibility list before the upgrade.",
    },
  ],
  run({ pods, csiDrivers }) {
    const images = new Set(pods.flatMap((pod) => pod.images));
    const seen = new Map<string, Found>();
    for (const image of images) {
      const known = KNOWN.find(([, , pattern]) => pattern.test(image));
      if (!known) continue;
      const [what, name] = known;
      const version = tagOf(image) || 'version not told';
      seen.set(`${name} ${version}`, addon(what, `${name} ${version}`, image));
    }
    const drivers = [...csiDrivers].sort().map((name) => addon('CSI', name, 'CSIDriver'));
    return [...[...seen.values()].sort((a, b) => (a.object < b.object ? -1 : 1)), ...drivers];
  },
};

function addon(what: string, object: string, from: string): Found {
  const remedy = 'look up the target minor in its compatibility list';
  return { code: 'addon_seen', object, message: `${what}: ${object} (${from})`, remedy };
}
