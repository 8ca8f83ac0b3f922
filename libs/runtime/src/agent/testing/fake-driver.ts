import type { ClusterFacts, Order } from '@wavegate/fleet';
import type { Observed, ObservedNode, Step } from '@wavegate/upgrade';
import { StepInterrupted, type AgentClock, type Driver, type StepContext, type StepResult } from '../ports.js';
import { FROM } from './sample-order.js';

const DURATION_MS: Partial<Record<Step['kind'], number>> = { upgradeControlPlane: 155_000, drainNode: 18_000 };

/** A cluster of one control-plane node and some workers. It outlives the agents: effects happen once per step name. */
export class FakeCluster {
  readonly effects: string[] = [];
  readonly nodes: ObservedNode[];
  /** Thrown by every call while set: the API server is down. */
  down = false;
  uid = 'uid-1';
  results = new Map<string, StepResult>();
  /** Results instead of effects, by step name. */
  scripted: Record<string, StepResult> = {};

  constructor(workers = 2) {
    const names = ['cp-1', ...Array.from({ length: workers }, (_, i) => `w-${i + 1}`)];
    this.nodes = names.map((name): ObservedNode => ({
      ...{ name, role: name === 'cp-1' ? 'controlPlane' : 'worker', zone: 'a', kubelet: FROM, ready: true },
      ...{ readySince: 0, cordoned: false, cordonedBy: null, podsToEvict: 2 },
      staticPods: name === 'cp-1' ? { 'kube-apiserver': { version: FROM, ready: true, since: 0 } } : {},
    }));
  }

  change(name: string, change: Partial<ObservedNode>): void {
    const index = this.nodes.findIndex((node) => node.name === name);
    this.nodes[index] = { ...this.nodes[index]!, ...change };
  }

  effect(step: Step, order: Order, at: number): StepResult {
    const known = this.results.get(step.name);
    if (known) return known;
    this.effects.push(step.name);
    const result = this.scripted[step.name] ?? this.apply(step, order, at);
    this.results.set(step.name, result);
    return result;
  }

  private apply(step: Step, order: Order, at: number): StepResult {
    switch (step.kind) {
      case 'preflight':
      case 'validate':
        return { kind: 'succeeded', findings: [] };
      case 'snapshotEtcd': {
        const figures = { sha256: 'ab', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: at };
        return { kind: 'succeeded', receipt: { node: step.node, path: 'p', ...figures, verified: 'restore' } };
      }
      case 'stageRestore':
        return { kind: 'succeeded' };
      case 'prefetchNode': {
        const { node, to: version } = step;
        return { kind: 'succeeded', fetched: { node, version, packages: 'p', images: 1, freeMib: 1 } };
      }
      case 'upgradeControlPlane':
      case 'rollbackControlPlane':
        this.change(step.node, { staticPods: { 'kube-apiserver': { version: step.to, ready: true, since: at } } });
        return { kind: 'succeeded' };
      case 'drainNode':
        this.change(step.node, { cordoned: true, cordonedBy: order.id, podsToEvict: 0 });
        return { kind: 'succeeded' };
      case 'upgradeKubelet':
      case 'rollbackKubelet':
        this.change(step.node, { kubelet: step.to, readySince: at });
        return { kind: 'succeeded' };
      case 'uncordonNode':
        this.change(step.node, { cordoned: false, cordonedBy: null, podsToEvict: 2 });
        return { kind: 'succeeded' };
      case 'exportManifests':
      case 'backupVelero': {
        const figures = {
          sha256: 'ab',
          revision: 0,
          totalKeys: 1,
          sizeBytes: 1,
          takenAt: at,
          verified: 'status' as const,
        };
        const backup = step.kind === 'backupVelero' ? ('velero' as const) : ('manifests' as const);
        return { kind: 'succeeded', receipt: { backup, node: '', path: 'p', ...figures } };
      }
      case 'restoreVelero':
        return { kind: 'succeeded', findings: [] };
    }
  }
}

export class FakeDriver implements Driver {
  readonly name = 'simulated';
  /** What each step was told beside itself, newest last. */
  readonly told: { readonly step: string; readonly context: StepContext }[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly cluster: FakeCluster,
    private readonly clock: AgentClock,
  ) {}

  async facts(): Promise<ClusterFacts> {
    this.answering();
    const { nodes, uid } = this.cluster;
    return {
      ...{ schema: 1, uid, driver: 'simulated', apiServers: [nodes[0]!.staticPods['kube-apiserver']!.version] },
      nodes: nodes.map(({ name, role, kubelet, ready, cordoned, zone }) => ({
        ...{ name, role, kubelet, ready, zone },
        schedulable: !cordoned,
      })),
      ...{ pdbCount: 0, provider: 'fake', observedAt: this.clock.now() },
    };
  }

  onChange(act: () => void): () => void {
    this.listeners.add(act);
    return () => this.listeners.delete(act);
  }

  changed(): void {
    for (const act of this.listeners) act();
  }

  async observe(): Promise<Observed> {
    this.answering();
    const { uid, nodes } = this.cluster;
    const etcd = { members: 1, healthy: 1 };
    return { at: this.clock.now(), uid, reachable: true, reachableSince: 0, nodes: [...nodes], etcd };
  }

  async carryOut(step: Step, context: StepContext): Promise<StepResult> {
    this.answering();
    this.told.push({ step: step.name, context });
    await this.clock.sleep(DURATION_MS[step.kind] ?? 5_000, context.cancel);
    if (context.cancel.cancelled) throw new StepInterrupted(step.name);
    this.answering();
    const result = this.cluster.effect(step, context.order, this.clock.now());
    this.changed();
    return result;
  }

  async release(order: Order, keep: readonly string[] = []): Promise<readonly string[]> {
    this.answering();
    const ours = this.cluster.nodes.filter(({ cordonedBy }) => cordonedBy === order.id);
    const unchanged = ours.filter(({ kubelet, name }) => kubelet === FROM && !keep.includes(name));
    for (const { name } of unchanged) this.cluster.change(name, { cordoned: false, cordonedBy: null });
    return ours.filter((node) => !unchanged.includes(node)).map(({ name }) => name);
  }

  private answering(): void {
    if (this.cluster.down) throw new Error('connect ECONNREFUSED');
  }
}
