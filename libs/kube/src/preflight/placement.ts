import type { V1NodeSelectorTerm, V1Toleration } from '@kubernetes/client-node';
import { holds, selects } from './label-selector.js';
import type { Amounts, ClusterPicture, LocalVolumePicture, NodePicture, PodPicture } from './picture.js';
import { hasFinished, idOf } from './disruption.js';
import { list } from './sent.js';

/**
 * Where the pods of a drained node could go: the scheduler's basics (requests, taints, node selector, required node
 * affinity, required anti-affinity per node, local volumes). Topology spread, affinity between pods, preemption and
 * volumes' zones are not simulated: what fits here may still wait there.
 */
export class Placement {
  private readonly free = new Map<string, Record<string, number>>();
  private readonly onNode: Map<string, PodPicture[]>;
  private readonly volumesByClaim: Map<string, LocalVolumePicture>;
  private readonly allowed = new Map<unknown, Map<string, boolean>>();

  constructor(private readonly picture: Pick<ClusterPicture, 'nodes' | 'pods' | 'volumes'>) {
    const running = picture.pods.filter((pod) => pod.node !== '' && !hasFinished(pod));
    this.onNode = Map.groupBy(running, ({ node }) => node);
    this.volumesByClaim = new Map(picture.volumes.map((volume) => [volume.claim, volume]));
    for (const node of picture.nodes) this.free.set(node.name, freeOf(node, this.onNode.get(node.name) ?? []));
  }

  /** Nodes other than its own that would take the pod if they were empty. */
  nodesFor(pod: PodPicture): NodePicture[] {
    return this.picture.nodes.filter((node) => node.name !== pod.node && isOpen(node) && this.mayRun(pod, node));
  }

  /** Pods of the node that would find no room elsewhere: largest first, first fit. Nothing is kept of the trial. */
  withoutRoom(node: string, pods: readonly PodPicture[]): PodPicture[] {
    const free = new Map([...this.free].map(([name, amounts]) => [name, { ...amounts }]));
    const moved = new Map<string, PodPicture[]>();
    const left: PodPicture[] = [];
    for (const pod of [...pods].sort((a, b) => weight(b) - weight(a))) {
      const needs = { pods: 1, ...pod.shape.requests };
      const guests = (name: string) => [...list(this.onNode.get(name)), ...list(moved.get(name))];
      const fits = (target: NodePicture): boolean =>
        target.name !== node &&
        isOpen(target) &&
        covers(free.get(target.name) ?? {}, needs) &&
        this.mayRun(pod, target) &&
        !repels(pod, () => guests(target.name));
      const to = this.picture.nodes.find(fits);
      if (!to) left.push(pod);
      else {
        take(free.get(to.name) ?? {}, needs);
        moved.set(to.name, [...(moved.get(to.name) ?? []), pod]);
      }
    }
    return left;
  }

  /** Nodes that a local volume of the pod ties it to; null where none does. */
  tiedBy(pod: PodPicture): LocalVolumePicture | null {
    return pod.claims.map((claim) => this.volumesByClaim.get(idOf({ ...pod, name: claim }))).find(Boolean) ?? null;
  }

  private mayRun(pod: PodPicture, node: NodePicture): boolean {
    const local = this.tiedBy(pod);
    const host = node.labels['kubernetes.io/hostname'] ?? node.name;
    if (local && !local.nodes.includes(host)) return false;
    const known = this.allowed.get(pod.shape) ?? new Map<string, boolean>();
    this.allowed.set(pod.shape, known);
    let may = known.get(node.name);
    if (may === undefined) known.set(node.name, (may = tolerates(pod, node) && selectsNode(pod, node)));
    return may;
  }
}

/** Takes pods that come: a node under pressure is tainted by its controller. */
export function isOpen({ ready, schedulable, pressures }: NodePicture): boolean {
  return ready && schedulable && pressures.length === 0;
}

function freeOf(node: NodePicture, pods: readonly PodPicture[]): Record<string, number> {
  const free = { ...node.allocatable };
  for (const pod of pods) take(free, { pods: 1, ...pod.shape.requests });
  return free;
}

function take(from: Record<string, number>, needs: Amounts): void {
  for (const [name, amount] of Object.entries(needs)) from[name] = (from[name] ?? 0) - amount;
}

function covers(free: Amounts, needs: Amounts): boolean {
  return Object.entries(needs).every(([name, amount]) => amount === 0 || (free[name] ?? 0) >= amount);
}

const weight = ({ shape: { requests } }: PodPicture): number => (requests.cpu ?? 0) + (requests.memory ?? 0) / 2 ** 20;

function tolerates({ shape }: PodPicture, { taints }: NodePicture): boolean {
  return (
    taints
      .filter(({ effect }) => effect !== 'PreferNoSchedule')
      // Ours, or the moment's: a node that is closed or unwell is left out elsewhere.
      .filter(({ key }) => !key.startsWith('node.kubernetes.io/'))
      .every((taint) => shape.tolerations.some((one) => matchesTaint(one, taint)))
  );
}

function matchesTaint(one: V1Toleration, taint: NodePicture['taints'][number]): boolean {
  if (one.effect && one.effect !== taint.effect) return false;
  if (one.operator === 'Exists') return !one.key || one.key === taint.key;
  return one.key === taint.key && (one.value ?? '') === taint.value;
}

function selectsNode({ shape }: PodPicture, node: NodePicture): boolean {
  if (!Object.entries(shape.nodeSelector).every(([key, value]) => node.labels[key] === value)) return false;
  const terms = shape.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return !terms || terms.some((term) => matchesTerm(term, node));
}

function matchesTerm({ matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm, node: NodePicture): boolean {
  // A term without anything in it selects no node.
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => holds(one, node.labels)) &&
    matchFields.every((one) => holds(one, { 'metadata.name': node.name }))
  );
}

/** Required anti-affinity by host name, of the pod that comes against those that are there. */
function repels(pod: PodPicture, there: () => readonly PodPicture[]): boolean {
  const terms = pod.shape.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms
    .filter(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname')
    .some(({ labelSelector, namespaces }) =>
      there().some(
        (other) =>
          (namespaces?.length ? namespaces.includes(other.namespace) : other.namespace === pod.namespace) &&
          selects(labelSelector, other.labels),
      ),
    );
}
