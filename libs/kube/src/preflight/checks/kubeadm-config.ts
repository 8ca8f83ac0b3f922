import { gateRemovedIn, isReached } from '@wavegate/fleet';
import { BEFORE, type Check, type Found } from '../check.js';
import type { ClusterPicture, PodPicture } from '../picture.js';

/** v1beta3 was deprecated in 1.31 and is still read by kubeadm 1.36 (cmd/kubeadm/app/util/config/common.go). */
const OLD_CONFIG = { 'kubeadm.k8s.io/v1beta3': '1.31', 'kubeadm.k8s.io/v1beta2': '1.22' } as const;

/** kubeadm's record of the cluster, and the gates in it that the target no longer knows. */
export const kubeadmConfig: Check = {
  id: 'kubeadm-config',
  phases: BEFORE,
  needs: ['kubeadm', 'pods'],
  codes: [
    {
      code: 'kubeadm_config_missing',
      title: "kubeadm's ConfigMap is missing",
      meaning:
        'The cluster has control-plane static pods, but kube-system/kubeadm-config is not there or holds no ClusterConfiguration. `kubeadm upgrade` reads it first and fails without it.',
      remedy: 'Restore it from a backup, or write it anew (`kubeadm init phase upload-config all --config …`).',
    },
    {
      code: 'kubeadm_config_old',
      title: "kubeadm's ConfigMap speaks an old version",
      meaning:
        'The ClusterConfiguration is in a version of its API that kubeadm has deprecated. kubeadm 1.27 and later do not read v1beta2 at all; v1beta3 is still read by 1.36.',
      remedy: 'Convert it on a control-plane node: `kubeadm config migrate`, then upload it.',
    },
    {
      code: 'feature_gate_removed',
      title: 'A feature gate that the target no longer knows is set',
      meaning:
        'A component that is started with a gate it does not know does not start ("unrecognized feature gate"). Looked at are the flags of static pods, kubeadm-config, kubelet-config and the kube-proxy ConfigMap; gates in files on hosts cannot be seen.',
      remedy:
        'Take the gate out (it is on for good, or gone) before the upgrade: first from the ConfigMap, then from the running manifest.',
    },
  ],
  run(picture, { target }) {
    const { pods, kubeadm } = picture;
    const isKubeadms = pods.some(({ component }) => component?.name === 'kube-apiserver');
    const config = kubeadm.configuration;
    const gates = gateFindings(picture, target);
    if (!config) return isKubeadms ? [missing(), ...gates] : gates;
    const deprecatedIn = OLD_CONFIG[config.apiVersion as keyof typeof OLD_CONFIG];
    if (!deprecatedIn || !isReached(deprecatedIn, target)) return gates;
    const unread = config.apiVersion.endsWith('v1beta2') && isReached('1.27', target);
    const message = `kubeadm-config is ${config.apiVersion}, ${unread ? `which kubeadm ${target} does not read` : `deprecated since ${deprecatedIn}`}`;
    const remedy = 'kubeadm config migrate on a control-plane node, then upload it';
    const severity = unread ? 'block' : 'warn';
    return [{ code: 'kubeadm_config_old', object: 'kube-system/kubeadm-config', severity, message, remedy }, ...gates];
  },
};

function missing(): Found {
  return {
    code: 'kubeadm_config_missing',
    object: 'kube-system/kubeadm-config',
    message: 'kube-system/kubeadm-config has no ClusterConfiguration: kubeadm upgrade fails without it',
    remedy: 'restore it from a backup, or upload it anew with kubeadm init phase upload-config',
  };
}

interface GatePlace {
  readonly where: string;
  readonly gates: readonly string[];
  readonly of: 'component' | 'kubeadm';
  readonly nodes: readonly string[];
}

function gateFindings(picture: ClusterPicture, target: string): Found[] {
  return [...gatesOfConfigMaps(picture.kubeadm), ...gatesOfPods(picture.pods)].flatMap(({ where, gates, of, nodes }) =>
    gates.flatMap((gate): Found[] => {
      const removedIn = gateRemovedIn(gate, target, of);
      if (removedIn === null) return [];
      const message = `${where} names the feature gate ${gate}, which ${removedIn} no longer knows: what reads it would not start`;
      const remedy = 'take the gate out first: it is on for good, or gone';
      return [{ code: 'feature_gate_removed', object: gate, message, remedy, nodes }];
    }),
  );
}

function gatesOfConfigMaps({ configuration, kubelet, proxyFeatureGates }: ClusterPicture['kubeadm']): GatePlace[] {
  const place = (
    where: string,
    gates: Readonly<Record<string, unknown>> | undefined,
    of: GatePlace['of'] = 'component',
  ) => ({
    ...{ where, of, nodes: [] },
    gates: Object.keys(gates ?? {}),
  });
  const args = Object.entries(configuration?.extraArgs ?? {}).filter(([component]) => component !== 'etcd');
  return [
    place('kubeadm-config featureGates', configuration?.featureGates, 'kubeadm'),
    place('kubelet-config featureGates', kubelet?.featureGates),
    place('the kube-proxy ConfigMap', proxyFeatureGates),
    ...args.map(([component, flags]) => ({
      ...place(`kubeadm-config ${component}.extraArgs`, {}),
      gates: gatesIn(flags),
    })),
  ];
}

function gatesOfPods(pods: readonly PodPicture[]): GatePlace[] {
  return pods.flatMap(({ component, node }): GatePlace[] => {
    if (!component || component.name === 'etcd') return [];
    return [{ where: `${component.name} on ${node}`, gates: gatesIn(component.flags), of: 'component', nodes: [node] }];
  });
}

function gatesIn(flags: Readonly<Record<string, string>>): string[] {
  return (flags['feature-gates'] ?? '').split(',').flatMap((pair) => pair.split('=')[0]?.trim() || []);
}
