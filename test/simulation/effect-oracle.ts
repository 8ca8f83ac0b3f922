import { minorDistance, parseVersion, compareVersions } from '@wavegate/fleet';
import type { Plan } from '@wavegate/fleet';
import type { Effect, SimulatedCluster } from '@wavegate/simulator';

/** Says that a promise was broken. */
export type Complain = (promise: string, what: string) => void;

const NODE_PROGRAMS = ['upgradeControlPlane', 'upgradeKubelet', 'rollbackKubelet'];

/**
 * Watches what really happened to the clusters, effect by effect, and knows nothing of what the hub or the agents
 * believe. Numbers are those of the invariants in the reference page (I1 …).
 */
export class EffectOracle {
  /** Cluster → order whose effects have begun and whose journal has no end yet. */
  private readonly active = new Map<string, string>();
  private readonly done = new Set<string>();
  private readonly once = new Set<string>();
  private readonly epochs = new Map<string, number>();
  /** Clusters whose slot a person gave away while their agent was silent: their late effects are that person's. */
  private readonly givenAway = new Set<string>();

  constructor(
    private readonly plan: Plan,
    private readonly maxInFlight: () => number,
    private readonly complain: Complain,
  ) {}

  get inFlight(): number {
    return [...this.active.keys()].filter((cluster) => !this.givenAway.has(cluster)).length;
  }

  isActive(cluster: string): boolean {
    return this.active.has(cluster);
  }

  giveAway(cluster: string): void {
    if (this.active.has(cluster)) this.givenAway.add(cluster);
  }

  /** The agent's journal says that this order is over. */
  orderEnded(cluster: string, order: string): void {
    this.done.add(order);
    if (this.active.get(cluster) !== order) return;
    this.active.delete(cluster);
    this.givenAway.delete(cluster);
  }

  see(name: string, cluster: SimulatedCluster, effect: Effect): void {
    if (effect.effect === 'jobEnded') return;
    this.seeOrder(name, effect);
    this.atMostOnce(name, effect);
    if (effect.effect === 'jobStarted') this.seeProgram(name, cluster, effect);
    if (effect.effect === 'evict' && !cluster.node(effect.node).cordoned) {
      this.complain('I9', `${name}/${effect.node}: ${effect.detail} was evicted from an open node`);
    }
  }

  /** After each change of a cluster: versions that may not stand beside each other. */
  seeVersions(name: string, cluster: SimulatedCluster): void {
    const { nodes } = cluster.state;
    const servers = nodes.flatMap(({ staticPods }) => parseVersion(staticPods['kube-apiserver']?.version ?? '') ?? []);
    const oldest = servers.reduce((a, b) => (compareVersions(a, b) <= 0 ? a : b));
    const newest = servers.reduce((a, b) => (compareVersions(a, b) >= 0 ? a : b));
    if (minorDistance(oldest, newest) > 1) {
      this.complain('I8', `${name}: API servers ${oldest.text} and ${newest.text} side by side`);
    }
    for (const node of nodes) {
      const kubelet = parseVersion(node.kubelet);
      // kubeadm moves a control-plane node's kubelet together with its own API server, its peers' still being old.
      const server = parseVersion(node.staticPods['kube-apiserver']?.version ?? '') ?? oldest;
      if (kubelet && minorDistance(server, kubelet) > 0) {
        this.complain(
          'I8',
          `${name}/${node.name}: kubelet ${kubelet.text} is newer than the API server ${server.text}`,
        );
      }
    }
  }

  private seeOrder(name: string, { orderId, epoch, step, effect }: Effect): void {
    // Opening nodes again after the end is the clean-up that the end promises.
    if (effect === 'uncordon') return;
    const known = this.epochs.get(name) ?? 0;
    if (epoch < known) this.complain('I5', `${name}: ${step} of epoch ${epoch} after epoch ${known}`);
    this.epochs.set(name, Math.max(known, epoch));
    if (this.done.has(orderId)) this.complain('I3', `${name}: ${step} of order ${orderId.slice(0, 8)} after its end`);
    if (this.active.get(name) === orderId) return;
    if (this.active.has(name)) this.complain('I3', `${name}: two orders at once`);
    this.active.set(name, orderId);
    if (this.inFlight > this.maxInFlight()) {
      this.complain(
        'I1',
        `${this.inFlight} clusters in flight, ${this.maxInFlight()} allowed: ${[...this.active.keys()]}`,
      );
    }
  }

  /** A run of a step has its own name, also a second run after a failure: so each named effect happens once. */
  private atMostOnce(name: string, { orderId, step, node, effect, detail }: Effect): void {
    const key = `${name} ${orderId} ${step} ${node} ${effect} ${effect === 'evict' ? detail : ''}`;
    if (this.once.has(key)) this.complain('I3', `a second time: ${key}`);
    this.once.add(key);
  }

  private seeProgram(name: string, cluster: SimulatedCluster, effect: Effect): void {
    const [kind, to] = effect.detail.split(' ');
    if (kind === undefined || to === undefined || !NODE_PROGRAMS.includes(kind)) return;
    const node = cluster.node(effect.node);
    const [was, next] = [parseVersion(node.kubelet), parseVersion(to)];
    if (was && next && kind !== 'rollbackKubelet' && minorDistance(was, next) > 1 && kind === 'upgradeControlPlane') {
      this.complain('I9', `${name}/${node.name}: ${was.text} → ${next.text} skips a minor`);
    }
    if (node.role === 'worker' && !this.isOut(cluster, effect.node)) {
      this.complain('I9', `${name}/${node.name}: ${kind} on a node that is not drained`);
    }
    if (kind === 'upgradeControlPlane') this.seeControlPlane(name, cluster, effect);
  }

  private isOut(cluster: SimulatedCluster, name: string): boolean {
    const { cordoned, pods } = cluster.node(name);
    const alone = this.plan.spec.topology === 'singleNode' && cluster.state.nodes.length === 1;
    return alone || (cordoned && pods.length === 0);
  }

  private seeControlPlane(name: string, cluster: SimulatedCluster, effect: Effect): void {
    const { nodes, jobs } = cluster.state;
    const busy = Object.values(jobs).filter((job) => job.kind === 'upgradeControlPlane' && !job.ended);
    if (busy.length > 1) this.complain('I10', `${name}: ${busy.length} control-plane nodes changed at once`);
    const away = nodes.filter((node) => node.role === 'controlPlane' && !node.ready && node.name !== effect.node);
    if (away.length > 0) this.complain('I10', `${name}: ${effect.node} begun while ${away[0]?.name} is not Ready`);
    const receipt = Object.values(jobs).some(
      (job) =>
        job.kind === 'snapshotEtcd' && job.ended && job.result === 'succeeds' && job.endsAt > effect.at - 3_600_000,
    );
    if (!receipt) this.complain('I11', `${name}/${effect.node}: control plane changed without a fresh snapshot`);
  }
}
