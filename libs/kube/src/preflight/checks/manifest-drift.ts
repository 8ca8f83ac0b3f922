import { BEFORE, named, type Check, type Found } from '../check.js';
import { kubeletDrift } from '../kubelet-drift.js';
import { CONFIGURED_AS, renderedBy, type ComponentName } from '../kubeadm-manifests.js';
import type { KubeadmConfiguration, PodPicture } from '../picture.js';

/**
 * Flags of the running static pods, and the kubelets' configuration where their hosts were looked at, against what
 * kubeadm would write: its upgrade renders both anew.
 */
export const manifestDrift: Check = {
  id: 'manifest-drift',
  phases: BEFORE,
  needs: ['pods', 'kubeadm'],
  codes: [
    {
      code: 'manifest_drift',
      title: 'A manifest or a kubelet configuration was edited by hand',
      meaning:
        "A flag of a running control-plane component is not what kubeadm would render from the kubeadm-config ConfigMap, or a field of a node's /var/lib/kubelet/config.yaml is not what it would write from the kubelet-config ConfigMap: the upgrade would silently drop or change it (kubeadm#2157, #950). Of manifests, flags are compared, not volumes, environment or resources. The kubelet's file is read by the node Job that looks at the host, so a look with a kubeconfig alone does not see it; the socket of the runtime is each node's own and is not compared, nor are drop-in files (`--config-dir`), which kubeadm leaves alone. A `--patches` directory on the host cannot be seen and may explain the difference.",
      remedy:
        "Put a flag under the component's `extraArgs` in the kubeadm-config ConfigMap, a field of the kubelet into the kubelet-config ConfigMap (all nodes get it) or into a kubeadm patch; or, where your patches directory adds it, waive the finding in the plan with that reason.",
    },
  ],
  run({ pods, kubeadm }, { hostFacts = [] }) {
    const { configuration, kubelet } = kubeadm;
    const flags = configuration ? pods.flatMap((pod) => driftOf(pod, configuration)) : [];
    return [...flags, ...kubeletDrift(hostFacts, kubelet)];
  },
};

function driftOf(pod: PodPicture, config: KubeadmConfiguration): Found[] {
  const { component } = pod;
  const name = component && CONFIGURED_AS[component.name];
  // Without any flag the mirror pod was not made from a manifest of kubeadm: there is nothing to compare.
  if (!name || Object.keys(component.flags).length === 0) return [];
  const where = `${component.name} on ${pod.node}`;
  const of = { code: 'manifest_drift', object: `${component.name}@${pod.node}`, nodes: [pod.node] } as const;
  const remedy = `put it under ${name}.extraArgs in the kubeadm-config ConfigMap`;
  const { dropped, changed, added } = compare(component.flags, name, config);
  return [
    ...say(dropped, (what) => ({
      ...of,
      remedy,
      message: `${where} has ${what} that kubeadm-config lacks: kubeadm would drop it`,
    })),
    ...say(changed, (what) => ({ ...of, remedy, message: `${where} has ${what}` })),
    ...say(added, (what) => ({
      ...{
        ...of,
        severity: 'warn' as const,
        message: `${where} lacks ${what} of kubeadm-config: kubeadm would add it`,
      },
      remedy: `take it out of ${name}.extraArgs if it is not wanted`,
    })),
  ];
}

const say = (what: readonly string[], make: (what: string) => Found): Found[] =>
  what.length > 0 ? [make(named(what))] : [];

function compare(live: Readonly<Record<string, string>>, name: ComponentName, config: KubeadmConfiguration) {
  const { flags, values } = renderedBy(name, config);
  const extra = config.extraArgs[name];
  const written = Object.entries(live);
  return {
    dropped: written.filter(([flag]) => !flags.has(flag)).map(([flag, value]) => `--${flag}=${value}`),
    changed: written.flatMap(([flag, value]) => {
      const rendered = values[flag];
      const same = rendered === undefined || sameValue(rendered, value);
      return same ? [] : [`--${flag}=${value} (kubeadm would write ${rendered})`];
    }),
    added: Object.entries(extra)
      .filter(([flag]) => live[flag] === undefined)
      .map(([flag, value]) => `--${flag}=${value}`),
  };
}

/** Lists of admission plugins and the like: the order does not matter to the component. */
function sameValue(a: string, b: string): boolean {
  const set = (text: string): string => text.split(',').sort().join(',');
  return set(a) === set(b);
}
