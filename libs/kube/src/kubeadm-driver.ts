import { reason, readPlanText, type ClusterFacts, type Order, type Plan } from '@wavegate/fleet';
import type { AgentClock, AgentRandom, Driver, StepContext, StepResult } from '@wavegate/runtime/agent';
import type { Observed, Receipt, Step } from '@wavegate/runtime/agent';
import { uncordonNode } from './cordon.js';
import { drainNode } from './drain.js';
import type { KubeInventory } from './inventory.js';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';
import type { NodeWork } from './node-job.js';
import { isHalfChanged, jobsOfOrder, removeEndedJobs } from './node-jobs-left.js';
import { runNodeStep } from './node-step.js';
import { ClusterObserver } from './observe.js';
import { runPreflight } from './preflight.js';

export interface KubeadmMeans {
  readonly kube: KubeAccess;
  readonly inventory: KubeInventory;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  /** Image of the node Jobs, by digest in production. */
  readonly nodeImage: string;
}

/** Clusters made by kubeadm: drains by the Eviction API, everything on the host by node Jobs. */
export class KubeadmDriver implements Driver {
  readonly name = 'kubeadm';
  private readonly observer: ClusterObserver;

  constructor(private readonly means: KubeadmMeans) {
    this.observer = new ClusterObserver(means.kube, () => means.clock.now());
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
        return runPreflight(this.means, planOf(context.order), step.target);
      case 'drainNode':
        return this.drain(step, context);
      case 'uncordonNode':
        return this.uncordon(step.node, context.order.id);
      case 'snapshotEtcd':
        return this.snapshot(step, context);
      case 'upgradeControlPlane':
        return this.onNode(step, context, work(step, 'controlPlane', step.first));
      case 'upgradeKubelet':
        return this.onNode(step, context, work(step, 'kubelet', false));
      case 'rollbackKubelet':
        return this.onNode(step, context, work(step, 'kubeletRollback', false));
    }
  }

  async release(order: Order): Promise<readonly string[]> {
    const { kube } = this.means;
    const observed = await this.observe(order);
    // Neither lifted nor left by an old picture: the loop asks again.
    if (!observed.reachable) throw new Error('the API server does not answer: what stays cordoned is not known yet');
    const jobs = await jobsOfOrder(kube, order.id);
    const stays: string[] = [];
    for (const node of observed.nodes.filter((one) => one.cordonedBy === order.id)) {
      // A node that we only cordoned goes back to work; one whose change did not come to a good end stays out, and is named.
      if (!node.ready || isHalfChanged(jobs, node.name)) stays.push(node.name);
      else await uncordonNode(kube, node.name, order.id);
    }
    await removeEndedJobs(kube, jobs, stays);
    return stays;
  }

  private drain(step: Extract<Step, { kind: 'drainNode' }>, context: StepContext): Promise<StepResult> {
    const { drain } = planOf(context.order).spec;
    return drainNode(this.means, {
      node: step.node,
      orderId: context.order.id,
      timeoutMs: step.timeoutMs,
      perSecond: Number.parseInt(drain.pace, 10),
      consent: drain,
      report: context.report,
      cancel: context.cancel,
    });
  }

  private async uncordon(node: string, orderId: string): Promise<StepResult> {
    // False: somebody else cordoned the node. Theirs to lift; our step is done. So it is where the node has left.
    await uncordonNode(this.means.kube, node, orderId).catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
    return { kind: 'succeeded' };
  }

  private async snapshot(step: Extract<Step, { kind: 'snapshotEtcd' }>, context: StepContext): Promise<StepResult> {
    const end = await this.run(step, context, {
      verb: 'etcdSnapshot',
      node: step.node,
      from: '',
      to: '',
      first: true,
      verify: step.verify,
    });
    if (end.kind === 'failed') return end;
    const receipt = toReceipt(end.message, step.node, this.means.clock.now());
    if (receipt) return { kind: 'succeeded', receipt };
    return {
      kind: 'failed',
      reason: reason('backup_failed', { detail: `the snapshot on ${step.node} left no receipt` }),
    };
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
      work: nodeWork,
      image: nodeImage,
      cancel: context.cancel,
    });
  }
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

function toReceipt(message: Readonly<Record<string, unknown>>, node: string, takenAt: number): Receipt | null {
  const { path, sha256, revision, totalKeys, sizeBytes, verified } = message;
  if (typeof path !== 'string' || typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  if (typeof revision !== 'number' || typeof totalKeys !== 'number' || typeof sizeBytes !== 'number') return null;
  return {
    node,
    path,
    sha256,
    revision,
    totalKeys,
    sizeBytes,
    takenAt,
    verified: verified === 'restore' ? 'restore' : 'status',
  };
}
