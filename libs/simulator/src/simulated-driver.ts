import { applySeverities, declaredObjectives, isReason, readPlanText, reason, sha256Hex } from '@wavegate/fleet';
import type { ClusterFacts, Finding, Order, Reason } from '@wavegate/fleet';
import { StepInterrupted } from '@wavegate/runtime/agent';
import type { AgentClock, Cancel, Driver, StepContext, StepResult } from '@wavegate/runtime/agent';
import type { Observed, Receipt, Step } from '@wavegate/upgrade';
import type { JobState, PodState } from './cluster-state.js';
import { ApiUnreachable } from './simulated-cluster.js';
import type { JobStep, SimulatedCluster } from './simulated-cluster.js';
import { drainProgressOf, type BlockedPod } from './simulated-drain.js';

/** How old a stored backup is when a drill proves it. */
const DRILLED_AGE_MS = 86_400_000;

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
        uid: nodeUid(spec.uid, name),
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
        uid: nodeUid(spec.uid, node.name),
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
      case 'validate':
        return this.validate(step, context);
      case 'drainNode':
        return this.drain(step, context);
      case 'uncordonNode':
        this.cluster.uncordon(context.order, step.name, step.node);
        return { kind: 'succeeded' };
      case 'snapshotEtcd':
        return this.snapshot(step, context);
      case 'exportManifests':
      case 'backupVelero':
        return this.objectBackup(step, context);
      case 'restoreVelero':
        return this.restore(step, context);
      case 'stageRestore':
        return { kind: 'succeeded' };
      case 'prefetchNode':
        return this.prefetch(step, context);
      case 'rollbackControlPlane':
        // Simulated control planes go forward only: said, not played.
        return { kind: 'failed', reason: failure(step, step.node, 'simulated clusters have no rung 3 or 4') };
      case 'upgradeControlPlane':
      case 'upgradeKubelet':
      case 'rollbackKubelet':
        return this.resultOf(await this.runJob(step, context), step);
    }
  }

  release(order: Order, keep: readonly string[] = []): Promise<readonly string[]> {
    const stays: string[] = [];
    for (const node of this.cluster.state.nodes) {
      if (node.cordonedBy !== order.id) continue;
      if (keep.includes(node.name) || this.halfUpgraded(order, node.name)) stays.push(node.name);
      else this.cluster.uncordon(order, 'release', node.name);
    }
    return Promise.resolve(stays.sort());
  }

  /** A program changed this node, or may still, and no later one of this order brought it to a good end. */
  private halfUpgraded(order: Order, node: string): boolean {
    const jobs = Object.values(this.cluster.state.jobs).filter(
      (job) => job.orderId === order.id && job.node === node && !CHANGES_NOTHING.has(job.kind),
    );
    const last = jobs.sort((a, b) => a.startedAt - b.startedAt).at(-1);
    return last !== undefined && !(last.ended && last.result === 'succeeds');
  }

  private async preflight(step: StepOf<'preflight'>, context: StepContext): Promise<StepResult> {
    context.report(reason('preflight_running'));
    // A few queries take no time beside a look at every object and host.
    if (!step.only) await this.pass(this.cluster.duration('preflight', step.name), context.cancel);
    if (!this.cluster.reachable) throw new ApiUnreachable('preflight: the API server does not answer');
    const found = this.unmeasured(context.order);
    if (step.only) return { kind: 'succeeded', findings: ruled(found, context.order, this.clock.now()) };
    const { preflightBlocks, failAt } = this.cluster.state.faults;
    if (failAt?.step === 'preflight' && this.cluster.strikes('failAt', failAt, failAt.node ?? '')) {
      return { kind: 'failed', reason: failure(step, '', 'simulated failure') };
    }
    const blocked = preflightBlocks && this.cluster.strikes('preflight', preflightBlocks, '');
    if (blocked) found.push(NEVER_ALLOWS);
    return { kind: 'succeeded', findings: ruled(found, context.order, this.clock.now()) };
  }

  /** As a real agent tells it whose Prometheus cannot judge the plan's queries. */
  private unmeasured(order: Order): Finding[] {
    const { objectivesRefused } = this.cluster.state.faults;
    const plan = readPlanText(order.plan);
    if (!objectivesRefused || isReason(plan) || plan.spec.verdict.objectives.length === 0) return [];
    if (!this.cluster.strikes('objectives', objectivesRefused, '')) return [];
    return declaredObjectives(plan).map(({ name }) => ({ ...REFUSED, object: name }));
  }

  private async prefetch(step: StepOf<'prefetchNode'>, context: StepContext): Promise<StepResult> {
    const { node, to: version } = step;
    const job = await this.runJob(step, context);
    if (job.result !== 'succeeds') {
      const detail = 'simulated: the repository does not answer';
      return { kind: 'failed', reason: reason('step_refused', { step: step.name, node, code: 'simulated', detail }) };
    }
    const packages = `/var/lib/wavegate/packages/${version}`;
    return { kind: 'succeeded', fetched: { node, version, packages, images: 7, freeMib: 40_000 } };
  }

  /** Nothing runs on simulated nodes that an upgrade could leave behind, unless a fault says so. */
  private async validate(step: StepOf<'validate'>, context: StepContext): Promise<StepResult> {
    context.report(reason('validation_running'));
    await this.pass(this.cluster.duration('preflight', step.name), context.cancel);
    if (!this.cluster.reachable) throw new ApiUnreachable('validation: the API server does not answer');
    const { validationBlocks } = this.cluster.state.faults;
    const blocked = validationBlocks && this.cluster.strikes('validation', validationBlocks, '');
    return { kind: 'succeeded', findings: blocked ? [NOT_BACK] : [] };
  }

  private async snapshot(step: StepOf<'snapshotEtcd'>, context: StepContext): Promise<StepResult> {
    const job = await this.runJob(step, context);
    if (job.result !== 'succeeds') return { kind: 'failed', reason: reason('backup_failed', { detail: 'simulated' }) };
    const receipt: Receipt = {
      node: step.node,
      path: step.prove ? '/var/lib/wavegate/snapshots/newest.db' : `/var/lib/wavegate/snapshots/${job.orderId}.db`,
      sha256: sha256Hex(job.key),
      revision: this.cluster.state.etcdRevision,
      totalKeys: 1200 + this.cluster.spec.workers * 90,
      sizeBytes: 4_000_000,
      ...(step.prove ? { takenAt: job.endsAt - DRILLED_AGE_MS, provenAt: job.endsAt } : { takenAt: job.endsAt }),
      verified: step.verify,
    };
    return { kind: 'succeeded', receipt };
  }

  /** Of objects as many as the cluster would have; what fails, fails as a store that is away would. */
  private async objectBackup(
    step: StepOf<'exportManifests' | 'backupVelero'>,
    context: StepContext,
  ): Promise<StepResult> {
    const velero = step.kind === 'backupVelero';
    const name = velero ? step.backup : step.archive;
    const word = velero
      ? reason('velero_backup_running', { name, phase: '' })
      : reason('manifests_exporting', { name });
    const failed = await this.work(step, word, context);
    if (failed) return { kind: 'failed', reason: reason('backup_failed', { detail: 'simulated: the store is away' }) };
    const { pods, namespaces } = this.seen(step.namespaces);
    if (pods === 0) {
      const detail = `no object is in the namespaces ${step.namespaces.join(', ')}`;
      return { kind: 'failed', reason: reason('backup_failed', { detail }) };
    }
    const receipt: Receipt = {
      backup: velero ? 'velero' : 'manifests',
      ...{ node: '', path: name, sha256: velero ? '' : sha256Hex(`${context.order.id}/${name}`), revision: 0 },
      ...{ totalKeys: pods * 4, sizeBytes: pods * 4 * 900, takenAt: this.cluster.clock.now(), verified: 'status' },
      ...(velero && step.prove ? this.drilled() : {}),
      checks: [`objects of ${namespaces.length} namespaces were read back from the store`],
    };
    return { kind: 'succeeded', receipt };
  }

  private async restore(step: StepOf<'restoreVelero'>, context: StepContext): Promise<StepResult> {
    const word = reason('velero_restore_running', { name: step.backup, phase: '' });
    const failed = await this.work(step, word, context);
    if (failed) return { kind: 'failed', reason: reason('restore_failed', { detail: 'simulated: the store is away' }) };
    const { pods, namespaces } = this.seen(Object.keys(step.namespaceMapping));
    const into = Object.entries(step.namespaceMapping).map(([from, to]) => `${from} into ${to}`);
    const message = `${pods * 4} objects of ${into.join(', ') || `${namespaces.length} namespaces`}`;
    if (step.preview) return { kind: 'succeeded', findings: [{ ...WOULD_RESTORE, object: step.backup, message }] };
    // As on a real cluster: a proof only where nothing else was in the namespaces that it was put into.
    const there = this.seen([]).namespaces;
    const isNew = Object.values(step.namespaceMapping).every((one) => !there.includes(one)) && into.length > 0;
    const receipt: Receipt = {
      ...{ backup: 'velero', node: '', path: step.backup, sha256: '', revision: 0, totalKeys: pods * 4 },
      ...{ sizeBytes: pods * 4 * 900, ...this.drilled(), verified: isNew ? 'restore' : 'status' },
      checks: [`${message} were restored`],
    };
    return { kind: 'succeeded', receipt };
  }

  /** What is proven now of a backup that was taken before. */
  private drilled(): Pick<Receipt, 'takenAt' | 'provenAt' | 'verified'> {
    const now = this.cluster.clock.now();
    return { takenAt: now - DRILLED_AGE_MS, provenAt: now, verified: 'restore' };
  }

  /** Lets the step take its time; true where the fault plan makes it fail. */
  private async work(step: Step, word: Reason, context: StepContext): Promise<boolean> {
    context.report(word);
    await this.pass(this.cluster.duration('snapshotEtcd', step.name), context.cancel);
    if (!this.cluster.reachable) throw new ApiUnreachable(`${step.kind}: the API server does not answer`);
    const { failAt } = this.cluster.state.faults;
    return failAt?.step === step.kind && this.cluster.strikes('failAt', failAt, '');
  }

  private seen(wanted: readonly string[]): { readonly pods: number; readonly namespaces: readonly string[] } {
    const pods = this.cluster.state.nodes.flatMap((node) => node.pods);
    const chosen = pods.filter(({ namespace }) => wanted.length === 0 || wanted.includes(namespace));
    return { pods: chosen.length, namespaces: [...new Set(chosen.map(({ namespace }) => namespace))].sort() };
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
      this.tellDrain(step, context, blocked);
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

  private tellDrain(step: StepOf<'drainNode'>, context: StepContext, blocked: readonly BlockedPod[]): void {
    const { effects } = this.cluster.state;
    const ours = effects.filter(({ orderId, step: name }) => orderId === context.order.id && name === step.name);
    const gone = ours.filter(({ effect }) => effect === 'evict').length;
    context.reportDrain?.(drainProgressOf(step.node, this.cluster.node(step.node).pods, blocked, gone));
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

const CHANGES_NOTHING: ReadonlySet<Step['kind']> = new Set(['snapshotEtcd', 'prefetchNode']);

/** The plan's severities, as a real preflight applies them before it tells the hub. */
function ruled(findings: readonly Finding[], order: Order, at: number): Finding[] {
  const plan = readPlanText(order.plan);
  return isReason(plan)
    ? [...findings]
    : applySeverities(findings, plan.spec.preflight.severities, { labels: order.labels ?? null, at });
}

const REFUSED: Finding = {
  ...{ code: 'objective_query_refused', severity: 'block', object: '', owner: '' },
  message: 'sum(increase(http_requests_total[60s])): 3 series, one per pod',
  remedy: 'write sum(…) around it',
};

const NOT_BACK: Finding = {
  ...{ code: 'workload_below_before', severity: 'block', object: 'payments/ledger', owner: 'team-ledger' },
  message: 'Deployment payments/ledger has 1 of 3 pods ready, and had 3 before',
  ...{ remedy: 'look at its pods and events', phase: 'after' },
};

const NEVER_ALLOWS: Finding = {
  code: 'pdb_never_allows',
  severity: 'block',
  object: 'payments/ledger',
  message: 'minAvailable 3 of 3 replicas: no pod may ever be evicted',
  remedy: 'raise replicas to 4, or set maxUnavailable: 1',
  owner: 'team-ledger',
  pods: ['w-1', 'w-2', 'w-3'].map((node, n) => ({ pod: `payments/ledger-${n}`, node, pdb: 'payments/ledger' })),
};

const WOULD_RESTORE = {
  code: 'would_restore',
  severity: 'info',
  remedy: 'ask again without --preview to restore it',
  owner: '',
} as const;

function working(step: JobStep): Reason {
  if (step.kind === 'snapshotEtcd') return reason('backup_running', { node: step.node });
  if (step.kind === 'prefetchNode') return reason('prefetching', { node: step.node, version: step.to });
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

/** As stable as the cluster: simulated nodes are never replaced. */
function nodeUid(cluster: string, node: string): string {
  return sha256Hex(`${cluster}/${node}`).slice(0, 32);
}

function structuredCopy<T extends object>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, { ...value }]));
}
