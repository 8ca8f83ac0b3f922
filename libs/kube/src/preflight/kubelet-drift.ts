import { parse } from 'yaml';
import { fromGoDuration } from '../go-duration.js';
import type { HostFacts } from '../node/host-facts.js';
import { named, type Found } from './check.js';
import type { KubeadmPicture } from './picture.js';

type Tree = Readonly<Record<string, unknown>>;
/** "evictionHard.memory.available" → its value; lists are one value. */
type Fields = ReadonlyMap<string, unknown>;

/**
 * What `kubeadm upgrade` fills in where the ConfigMap does not name it: `Default()` in
 * cmd/kubeadm/app/componentconfigs/kubelet.go, the same from 1.31 to 1.36 (read on 2026-11-21).
 */
const FILLED: Readonly<Record<string, unknown>> = {
  staticPodPath: '/etc/kubernetes/manifests',
  'authentication.anonymous.enabled': false,
  'authentication.webhook.enabled': true,
  'authorization.mode': 'Webhook',
  healthzBindAddress: '127.0.0.1',
  healthzPort: 10248,
  cgroupDriver: 'systemd',
};
/** Filled in as well, from what is not in the API: the cluster's own addresses and whether the host runs systemd-resolved. */
const FILLED_UNSEEN: readonly string[] = [
  'clusterDNS',
  'clusterDomain',
  'resolvConf',
  'authentication.x509.clientCAFile',
];
/**
 * Each node's own: kubeadm patches the runtime's socket in from /var/lib/kubelet/instance-config.yaml (NodeLocalCRISocket)
 * or leaves it to a flag; headers for manifests from a URL may be a secret, and the host keeps them to itself.
 */
const PER_NODE = /^(apiVersion|kind|containerRuntimeEndpoint|staticPodURLHeader)(\.|$)/;

interface Differences {
  readonly dropped: readonly string[];
  readonly changed: readonly string[];
  readonly added: readonly string[];
}

/** Fields of the kubelets' own files that are not what kubeadm would write there. Alike on several nodes: one finding. */
export function kubeletDrift(hosts: readonly HostFacts[], kubelet: KubeadmPicture['kubelet']): Found[] {
  if (!kubelet) return [];
  const compared = hosts.flatMap(({ node, kubeletConfig }) => {
    const live = kubeletConfig === null ? null : treeIn(kubeletConfig);
    return live ? [{ node, is: differences(live, kubelet.config) }] : [];
  });
  return [...Map.groupBy(compared, ({ is }) => JSON.stringify(is)).values()].flatMap((alike) => {
    const [first] = alike;
    const nodes = alike.map(({ node }) => node).sort();
    return first ? findingsOf(first.is, nodes) : [];
  });
}

function findingsOf({ dropped, changed, added }: Differences, nodes: readonly string[]): Found[] {
  const where = `the kubelet configuration of ${named(nodes)}`;
  const remedy =
    'put it into the ConfigMap kube-system/kubelet-config if all nodes are to have it, else into a kubeadm patch (target kubeletconfiguration)';
  const of = { code: 'manifest_drift', object: `kubelet@${named(nodes)}`, nodes, remedy } as const;
  const found: Found[] = [];
  if (dropped.length > 0) {
    const lacks = 'that the kubelet-config ConfigMap lacks: kubeadm would drop it';
    found.push({ ...of, message: `${where} has ${named(dropped)} ${lacks}` });
  }
  if (changed.length > 0) found.push({ ...of, message: `${where} has ${named(changed)}` });
  if (added.length > 0) {
    const message = `${where} lacks ${named(added)} of the kubelet-config ConfigMap: kubeadm would add it`;
    const undo = 'take it out of the kubelet-config ConfigMap if it is not wanted';
    found.push({ ...of, severity: 'warn', message, remedy: undo });
  }
  return found;
}

function differences(live: Tree, configured: Tree): Differences {
  const is = fieldsOf(live);
  const asked = fieldsOf(configured);
  // Whatever the ConfigMap says, kubeadm turns it on.
  const rendered = new Map<string, unknown>([...Object.entries(FILLED), ...asked, ['rotateCertificates', true]]);
  const unseen = (name: string): boolean => FILLED_UNSEEN.includes(name) && !asked.has(name);
  const names = [...is.keys()].filter((name) => !unseen(name)).sort();
  return {
    dropped: names.filter((name) => !rendered.has(name)).map((name) => said(name, is)),
    changed: names
      .filter((name) => rendered.has(name) && !same(is.get(name), rendered.get(name)))
      .map((name) => `${said(name, is)} (kubeadm would write ${shown(rendered.get(name))})`),
    // What kubeadm fills in by itself was there before, or the kubelet's own default is the same.
    added: [...asked.keys()]
      .filter((name) => !is.has(name))
      .map((name) => said(name, asked))
      .sort(),
  };
}

/** Nothing, zero and "0s" are how Go writes a field that nobody set. */
function isUnset(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === undefined || value === '' || value === 0 || value === '0' || value === '0s';
}

function fieldsOf(config: Tree): Fields {
  const fields = new Map<string, unknown>();
  const walk = (tree: Tree, before: string): void => {
    for (const [key, value] of Object.entries(tree)) {
      const name = `${before}${key}`;
      if (isTree(value)) walk(value, `${name}.`);
      else if (!isUnset(value) && !PER_NODE.test(name)) fields.set(name, value);
    }
  };
  walk(config, '');
  return fields;
}

/** As the kubelet understands them: "1m0s" is "60s", and none of its lists has an order that matters to an upgrade. */
function same(a: unknown, b: unknown): boolean {
  const [left, right] = [a, b].map((value) => (typeof value === 'string' ? fromGoDuration(value) : null));
  if (left !== null && right !== null && left === right) return true;
  const plain = (value: unknown): string =>
    Array.isArray(value) ? JSON.stringify(value.map((one) => JSON.stringify(one)).sort()) : String(value);
  return plain(a) === plain(b);
}

const said = (name: string, fields: Fields): string => `${name}: ${shown(fields.get(name))}`;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function treeIn(yaml: string): Tree | null {
  try {
    const value: unknown = parse(yaml);
    return isTree(value) ? value : null;
  } catch {
    return null;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
