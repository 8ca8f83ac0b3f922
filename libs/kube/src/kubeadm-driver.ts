import { readPlanText, type ClusterFacts, type FetchedNode, type Order, type Plan } from '@wavegate/fleet';
import type { AgentClock, AgentRandom, Driver, StepContext, StepResult } from '@wavegate/runtime/agent';
import type { Observed, Step } from '@wavegate/runtime/agent';
import { DEFAULT_BACKUP, type BackupSettings } from './backup/backup-job.js';
import { lookAtEtcdByJob } from './backup/etcd-look-step.js';
import { exportByJob, snapshotByJob } from './backup/backup-step.js';
import { backupVelero, proveLatest, restoreVelero, veleroMeans } from './backup/velero/velero-steps.js';
import { clearScaleDownMarks, uncordonNode } from './drain/cordon.js';
import { drainNode } from './drain/drain.js';
import { drainPolicy } from './drain/drain-request.js';
import type { AgentPod } from './drain/pod-filter.js';
import type { KubeInventory } from './inventory.js';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';
import type { NodeWork } from './node-job.js';
import { isHalfChanged, jobsOfOrder, refusedJobs, removeEndedJobs } from './node-jobs-left.js';
import { runNodeStep } from './node-step.js';
import { inspectHosts } from './node/inspect-hosts.js';
import { NO_MIRROR, nodeWords, type NodeSettings } from './node/node-words.js';
import type { StepMessage } from './node/step-message.js';
import { ClusterObserver } from './observe.js';
import { runObjectiveCheck, runPreflight } from './preflight/index.js';

export interface KubeadmMeans {
  readonly kube: KubeAccess;
  readonly inventory: KubeInventory;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  /** Image of the node Jobs, by digest in production. */
  readonly nodeImage: string;
  /** Where backups go; absent: onto the control-plane host itself. */
  readonly backup?: BackupSettings;
  /** Our own pod; null or absent where we do not run in one. */
  readonly agentPod?: AgentPod | null;
  /** How far the hub's clock is ahead of ours, ms; null while no hub has told. */
  readonly hubAheadMs?: () => number | null;
  /** What the cluster's admin allows plans to choose for nodes; absent: no mirror of packages. */
  readonly nodeSettings?: NodeSettings;
  /** Since when the API server has answered every look, in epoch ms; absent: judged by our own looks alone. */
  readonly apiGoodSince?: () => number | null;
  /** Our own namespace: where the cluster's admin says what may be asked. */
  readonly namespace?: string;
}

type StepOf<K extends Step['kind']> = Extract<Step, { kind: K }>;

/** Clusters made by kubeadm: drains by the Eviction API, everything on the host by node Jobs. */
export class KubeadmDriver implements Driver {
  readonly name = 'kubeadm';
  private readonly observer: ClusterObserver;

  constructor(private readonly means: KubeadmMeans) {
    const { kube, clock, agentPod = null, apiGoodSince } = means;
    this.observer = new ClusterObserver({
      kube,
      now: () => clock.now(),
      agentPod,
      ...(apiGoodSince ? { apiGoodSince } : {}),
    });
  }

  facts(): Promise<ClusterFacts> {
    return this.means.inventory.facts();
  }

  onChange(act: () => void): () => void {
    return this.means.inventory.onChange(act);
  }

  observe(order: Order): Promise<Observed> {
    return this.observer.observe(planOf(order).spec.drain);
  }

  carryOut(step: Step, context: StepContext): Promise<StepResult> {
    switch (step.kind) {
      case 'preflight':
        return step.only === 'objectives'
          ? this.lookAtObjectives(step.target, context)
          : this.look(step.target, context, 'before');
      case 'validate':
        return this.look(step.target, context, 'after');
      case 'drainNode':
        return this.drain(step, context);
      case 'uncordonNode':
        return this.uncordon(step.node, context.order.id);
      case 'snapshotEtcd':
        return snapshotByJob(this.backupMeans(), step, context);
      case 'exportManifests':
        return exportByJob(this.backupMeans(), step, context);
      case 'backupVelero':
        return this.backupVelero(step, context);
      case 'restoreVelero':
        return this.restoreVelero(step, context);
      case 'upgradeControlPlane':
        return this.onNode(step, context, {
          ...work(step, 'controlPlane', step.first),
          ...(step.emulate === undefined ? {} : { emulate: step.emulate }),
        });
      case 'rollbackControlPlane':
        return this.onNode(step, context, work(step, 'controlPlaneRollback', step.first));
      case 'stageRestore':
        return this.onNode(step, context, work({ ...step, to: step.from }, 'stageRestore', false));
      case 'prefetchNode':
        return this.prefetch(step, context);
      case 'upgradeKubelet':
        return this.onNode(step, context, work(step, 'kubelet', false));
      case 'rollbackKubelet':
        return this.onNode(step, context, work(step, 'kubeletRollback', false));
    }
  }

  async release(order: Order, keep: readonly string[] = []): Promise<readonly string[]> {
    const { kube } = this.means;
    const observed = await this.observe(order);
    // Neither lifted nor left by an old picture: the loop asks again.
    if (!observed.reachable) throw new Error('the API server does not answer: what stays cordoned is not known yet');
    const jobs = await jobsOfOrder(kube, order.id);
    const refused = await refusedJobs(kube, jobs, order.id);
    const stays: string[] = [];
    for (const node of observed.nodes.filter((one) => one.cordonedBy === order.id)) {
      // A node that we only cordoned goes back to work; one whose change did not come to a good end, and one that the
      // order was to leave closed, stays out and is named.
      if (keep.includes(node.name) || !node.ready || isHalfChanged(jobs, node.name, refused)) stays.push(node.name);
      else await uncordonNode(kube, node.name, order.id);
    }
    await clearScaleDownMarks(kube, order.id);
    await removeEndedJobs(kube, jobs, stays);
    return stays;
  }

  private async look(target: string, context: StepContext, phase: 'before' | 'after'): Promise<StepResult> {
    const { order, before = null, receiptAt = null } = context;
    const hubAheadMs = this.means.hubAheadMs?.() ?? null;
    const beside = { phase, before, receiptAt, hubAheadMs, labels: order.labels ?? null };
    const jobs = phase === 'before' ? await this.lookByJobs(target, context) : {};
    return runPreflight(this.means, planOf(order), target, { ...beside, ...jobs });
  }

  private lookAtObjectives(target: string, { order }: StepContext): Promise<StepResult> {
    return runObjectiveCheck(this.means, planOf(order), target, order.labels ?? null);
  }

  /** What only the hosts can tell, and an etcd beside the cluster. */
  private async lookByJobs(target: string, { order, attempt, cancel }: StepContext) {
    const { kube, clock, nodeImage, nodeSettings: settings = NO_MIRROR } = this.means;
    const request = { orderId: order.id, order, plan: planOf(order), target, attempt, cancel };
    const [seen, etcd] = await Promise.all([
      inspectHosts({ kube, clock, nodeImage, settings }, request),
      lookAtEtcdByJob(this.backupMeans(), request),
    ]);
    return etcd ? { ...seen, etcd } : seen;
  }

  private drain(step: StepOf<'drainNode'>, context: StepContext): Promise<StepResult> {
    const { report, reportDrain, cancel, begunAt, order } = context;
    const nodeUid = order.args?.kind === 'drain' ? order.args.nodeUid : '';
    const { spec } = planOf(order);
    return drainNode(this.means, {
      ...{ node: step.node, nodeUid, orderId: order.id, timeoutMs: step.timeoutMs },
      ...{ ...drainPolicy(spec), patient: spec.drain.onTimeout === 'pause' },
      ...{ report, cancel },
      ...(begunAt === undefined ? {} : { begunAt }),
      ...(reportDrain ? { reportDrain } : {}),
    });
  }

  private async uncordon(node: string, orderId: string): Promise<StepResult> {
    // False: somebody else cordoned the node. Theirs to lift; our step is done. So it is where the node has left.
    await uncordonNode(this.means.kube, node, orderId).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
    return { kind: 'succeeded' };
  }

  private backupVelero(step: StepOf<'backupVelero'>, context: StepContext): Promise<StepResult> {
    const { kube, clock } = this.means;
    const { backup, namespaces, selector, ttlMs } = step;
    const { order, attempt } = context;
    const canary = planOf(order).spec.backup.velero?.canary ?? '';
    const request = { name: backup, namespaces, selector, ttlMs, orderId: order.id, attempt, canary };
    const means = veleroMeans(kube, clock);
    return step.prove ? proveLatest(means, request, context) : backupVelero(means, request, context);
  }

  private restoreVelero(step: StepOf<'restoreVelero'>, context: StepContext): Promise<StepResult> {
    const { kube, clock } = this.means;
    const { backup, namespaceMapping, preview } = step;
    const { id: orderId } = context.order;
    // Adopted by this name after a restart of the agent: it is the order's.
    const request = { name: `wavegate-${orderId.slice(0, 16)}`, backup, namespaceMapping, preview, orderId };
    return restoreVelero(veleroMeans(kube, clock), request, context);
  }

  private backupMeans() {
    const { kube, clock, backup = DEFAULT_BACKUP } = this.means;
    return { kube, clock, backup };
  }

  private async prefetch(step: StepOf<'prefetchNode'>, context: StepContext): Promise<StepResult> {
    const end = await this.run(step, context, work(step, 'prefetch', false));
    return end.kind === 'failed' ? end : { kind: 'succeeded', fetched: fetchedOf(step, end.message) };
  }

  private async onNode(step: Step, context: StepContext, nodeWork: NodeWork): Promise<StepResult> {
    const end = await this.run(step, context, nodeWork);
    return end.kind === 'failed' ? end : { kind: 'succeeded' };
  }

  private run(step: Step, context: StepContext, nodeWork: NodeWork) {
    const { clock, kube, nodeImage } = this.means;
    return runNodeStep(kube, clock, {
      orderId: context.order.id,
      step,
      attempt: context.attempt,
      work: { ...nodeWork, words: nodeWords(planOf(context.order).spec, this.means.nodeSettings ?? NO_MIRROR) },
      image: nodeImage,
      cancel: context.cancel,
      report: (why) => context.report(why),
    });
  }
}

/** What the script counted. A Job whose pod was collected before we looked left its good end, and no figures. */
function fetchedOf({ node, to: version }: StepOf<'prefetchNode'>, message: StepMessage): FetchedNode {
  const count = (name: string): number => (typeof message[name] === 'number' ? message[name] : 0);
  const packages = typeof message.packages === 'string' ? message.packages : '';
  return { node, version, packages, images: count('images'), freeMib: count('freeMib') };
}

/** The loop has read the plan before it took the order. */
function planOf(order: Order): Plan {
  const plan = readPlanText(order.plan);
  if ('code' in plan) throw new Error(`order ${order.id} carries a plan that cannot be read: ${plan.code}`);
  return plan;
}

function work(
  step: { readonly node: string; readonly from: string; readonly to: string },
  verb: NodeWork['verb'],
  first: boolean,
): NodeWork {
  return { verb, node: step.node, from: step.from, to: step.to, first, verify: 'status' };
}
