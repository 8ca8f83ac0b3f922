import { reason, sha256Hex } from '@wavegate/fleet';
import type { ClusterFacts, Finding, Order, Reason } from '@wavegate/fleet';
import { StepInterrupted } from '@wavegate/runtime/agent';
import type { AgentClock, Cancel, Driver, StepContext, StepResult } from '@wavegate/runtime/agent';
import type { Observed, Receipt, Step } from '@wavegate/upgrade';
import type { JobState, PodState } from './cluster-state.js';
import { ApiUnreachable } from './simulated-cluster.js';
import type { JobStep, SimulatedCluster } from './simulated-cluster.js';

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** The driver of simulated clusters: same verbs, same promises as the kubeadm driver, over a cluster that only behaves so. */
export class SimulatedDriver implements Driver {
  readonly name = 'simulated';

  /** `clock` is the agent's: its sleeps end with the agent, while the cluster lives on. */
  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly clock: Pick<AgentClock, 'now' | 'sleep'> = cluster.clock,
  ) {}

  facts(): Promise<ClusterFacts> {
    const { spec, state, clock } = this.cluster;
    const versions = state.nodes.flatMap((node) => node.staticPods['kube-apiserver']?.version ?? []);
    return Promise.resolve({
      schema: 1,
      uid: spec.uid,
      driver: this.name,
      apiServers: [...new Set(versions)].sort(),
      nodes: state.nodes.map(({ name, role, kubelet, ready, cordoned, zone }) => ({
        name,
        role,
        kubelet,
        ready,
        schedulable: !cordoned,
        zone,
      })),
      pdbCount: new Set(state.nodes.flatMap(({ pods }) => pods.flatMap(({ pdb }) => pdb ?? []))).size,
      provider: spec.provider,
      observedAt: clock.now(),
    });
  }

  onChange(act: () => void): () => void {
    return this.cluster.onChange(act);
  }

  observe(_order: Order): Promise<Observed> {
    const { spec, state, clock } = this.cluster;
    const members = spec.controlPlanes;
    const down = state.nodes.filter(({ role, ready }) => role === 'controlPlane' && !ready).length;
    return Promise.resolve({
      at: clock.now(),
      uid: spec.uid,
      reachable: this.cluster.reachable,
      reachableSince: state.reachableSince,
      nodes: state.nodes.map((node) => ({
        name: node.name,
        role: node.role,
        zone: node.zone,
        kubelet: node.kubelet,
        ready: node.ready,
        readySince: node.readySince,
        cordoned: node.cordoned,
        cordonedBy: node.cordonedBy,
        podsToEvict: node.pods.length,
        staticPods: structuredCopy(node.staticPods),
      })),
      etcd: { members, healthy: members - down },
    });
  }

  async carryOut(step: Step, context: StepContext): Promise<StepResult> {
    switch (step.kind) {
      case 'preflight':
        return this.preflight(step, context);
      case 'drainNode':
        return this.drain(step, context);
      case 'uncordonNode':
        this.cluster.uncordon(context.order, step.name, step.node);
        return { kind: 'succeeded' };
      case 'snapshotEtcd':
        return this.snapshot(step, context);
      case 'upgradeControlPlane':
      case 'upgradeKubelet':
      case 'rollbackKubelet':
        return this.resultOf(await this.runJob(step, context), step);
    }
  }

  release(order: Order): Promise<readonly string[]> {
    const stays: string[] = [];
    for (const node of this.cluster.state.nodes) {
      if (node.cordonedBy !== order.id) continue;
      if (this.halfUpgraded(order, node.name)) stays.push(node.name);
      else this.cluster.uncordon(order, 'release', node.name);
    }
    return Promise.resolve(stays.sort());
  }

  /** A program changed this node, or may still, and no later one of this order brought it to a good end. */
  private halfUpgraded(order: Order, node: string): boolean {
    const jobs = Object.values(this.cluster.state.jobs).filter(
      (job) => job.orderId === order.id && job.node === node && job.kind !== 'snapshotEtcd',
    );
    const last = jobs.sort((a, b) => a.startedAt - b.startedAt).at(-1);
    return last !== undefined && !(last.ended && last.result === 'succeeds');
  }

  private async preflight(step: StepOf<'preflight'>, context: StepContext): Promise<StepResult> {
    context.report(reason('preflight_running'));
    await this.pass(this.cluster.duration('preflight', step.name), context.cancel);
    if (!this.cluster.reachable) throw new ApiUnreachable('preflight: the API server does not answer');
    const { preflightBlocks, failAt } = this.cluster.state.faults;
    if (failAt?.step === 'preflight' && this.cluster.strikes('failAt', failAt, failAt.node ?? '')) {
      return { kind: 'failed', reason: failure(step, '', 'simulated failure') };
    }
    const blocked = preflightBlocks && this.cluster.strikes('preflight', preflightBlocks, '');
    return { kind: 'succeeded', findings: blocked ? [NEVER_ALLOWS] : [] };
  }

  private async snapshot(step: StepOf<'snapshotEtcd'>, context: StepContext): Promise<StepResult> {
    const job = await this.runJob(step, context);
    if (job.result !== 'succeeds') return { kind: 'failed', reason: reason('backup_failed', { detail: 'simulated' }) };
    const receipt: Receipt = {
      node: step.node,
      path: `/var/lib/wavegate/snapshots/${job.orderId}.db`,
      sha256: sha256Hex(job.key),
      revision: this.cluster.state.etcdRevision,
      totalKeys: 1200 + this.cluster.spec.workers * 90,
      sizeBytes: 4_000_000,
      takenAt: job.endsAt,
      verified: step.verify,
    };
    return { kind: 'succeeded', receipt };
  }

  /** Cordons, then evicts what may be evicted, naming what may not, until the node is empty or the time is up. */
  private async drain(step: StepOf<'drainNode'>, context: StepContext): Promise<StepResult> {
    const { cluster } = this;
    cluster.cordon(context.order, step, step.node);
    const until = cluster.drainSince(`${context.order.id}/${step.name}`) + step.timeoutMs;
    if (this.fails(step)) return { kind: 'failed', reason: failure(step, step.node, 'simulated failure') };
    for (;;) {
      const { pods } = cluster.node(step.node);
      const blocked = pods.flatMap((pod) => {
        const by = cluster.refusal(step.node, pod);
        return by ? [{ pod, by }] : [];
      });
      const free = pods.find((pod) => blocked.every((other) => other.pod !== pod));
      const first = blocked[0];
      if (free) await this.evict(step, free, context);
      else if (!first) return { kind: 'succeeded' };
      else if (this.clock.now() >= until) return { kind: 'failed', reason: timedOut(step.node, first.pod) };
      else {
        context.report(blockedReason(step.node, first.pod, { ...first.by, until }));
        await this.pass(cluster.duration('eviction', 'blocked') * 3, context.cancel);
      }
    }
  }

  private async evict(step: StepOf<'drainNode'>, pod: PodState, context: StepContext): Promise<void> {
    context.report(reason('draining', { node: step.node }));
    await this.pass(this.cluster.duration('eviction', pod.name), context.cancel);
    this.cluster.evict(context.order, step, step.node, pod);
  }

  private fails(step: StepOf<'drainNode'>): boolean {
    const { failAt } = this.cluster.state.faults;
    return failAt?.step === step.kind && this.cluster.strikes('failAt', failAt, step.node);
  }

  /** Starts or adopts the node's program and watches it to its end. */
  private async runJob(step: JobStep, context: StepContext): Promise<JobState> {
    const job = this.cluster.job(context.order, step);
    if (!job.ended) context.report(working(step));
    while (!job.ended) {
      await this.pass(Math.max(1, job.endsAt - this.cluster.clock.now()), context.cancel);
      void this.cluster.state;
    }
    return this.cluster.job(context.order, step);
  }

  private resultOf(
    job: JobState,
    step: StepOf<'upgradeControlPlane' | 'upgradeKubelet' | 'rollbackKubelet'>,
  ): StepResult {
    if (job.result === 'fails') return { kind: 'failed', reason: failure(step, step.node, 'simulated failure') };
    if (job.result === 'reverts') {
      return { kind: 'failed', reason: reason('kubeadm_reverted', { node: step.node, version: step.from }) };
    }
    return { kind: 'succeeded' };
  }

  private async pass(ms: number, cancel: Cancel): Promise<void> {
    await this.clock.sleep(ms, cancel);
    if (cancel.cancelled) throw new StepInterrupted('the agent is stopping');
  }
}

const NEVER_ALLOWS: Finding = {
  code: 'pdb_never_allows',
  severity: 'block',
  object: 'payments/ledger',
  message: 'minAvailable 3 of 3 replicas: no pod may ever be evicted',
  remedy: 'raise replicas to 4, or set maxUnavailable: 1',
  owner: 'team-ledger',
};

function working(step: JobStep): Reason {
  if (step.kind === 'snapshotEtcd') return reason('backup_running', { node: step.node });
  if (step.kind === 'upgradeControlPlane') return reason('control_plane_upgrading', { node: step.node });
  return reason('node_upgrading', { node: step.node });
}

function failure(step: Step, node: string, detail: string): Reason {
  return reason('step_failed', { step: step.name, node, detail });
}

function timedOut(node: string, pod: PodState): Reason {
  return reason('drain_timed_out', { node, pod: podName(pod), pdb: pod.pdb ?? '' });
}

function blockedReason(node: string, pod: PodState, by: { pdb: string; since: number; until: number }): Reason {
  return reason('drain_blocked', { node, pod: podName(pod), owner: pod.owner, ...by });
}

function podName(pod: PodState): string {
  return `${pod.namespace}/${pod.name}`;
}

function structuredCopy<T extends object>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, { ...value }]));
}
