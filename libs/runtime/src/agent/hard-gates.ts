import { reason, type HardGate } from '@wavegate/fleet';
import type { Journal, Observed, ObservedNode } from '@wavegate/upgrade';

/** A blink is no violation: the kubelet's lease and a restarting static pod need some time. */
const TOLERATED_MS = 60_000;

/**
 * Facts that decide at once: a node that this order changed is not Ready, or a static pod of a control plane is not.
 * The tolerated time counts while the API answers: when it was away, so were the kubelets' leases, and the controllers
 * of a returned API server mark every node unready before the next lease comes in. That is the outage, not the change.
 */
export function hardGates(journal: Journal, observed: Observed): HardGate[] {
  const changed = new Set(
    Object.values(journal.steps).flatMap(({ step, state }) =>
      'node' in step && step.kind !== 'snapshotEtcd' && state === 'succeeded' ? [step.node] : [],
    ),
  );
  return observed.nodes.filter(({ name }) => changed.has(name)).flatMap((node) => gatesOf(node, observed));
}

function gatesOf(node: ObservedNode, { at, reachableSince }: Observed): HardGate[] {
  const why = reason('node_not_ready', { node: node.name, until: at });
  const gone = (ready: boolean, since: number): boolean =>
    !ready && at - Math.max(since, reachableSince) >= TOLERATED_MS;
  const pods = Object.values(node.staticPods).some(({ ready, since }) => gone(ready, since));
  return [
    { name: `nodeReady/${node.name}`, violated: gone(node.ready, node.readySince), reason: why },
    { name: `staticPodsReady/${node.name}`, violated: pods, reason: why },
  ];
}
