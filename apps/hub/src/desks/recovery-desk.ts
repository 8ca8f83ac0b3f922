import { randomBytes } from 'node:crypto';
import { approvalProblem, isApproved, planRecovery, type Recovery } from '@wavegate/fleet';
import { RecoveryChanged, type InventoryCluster, type NamedOrder, type Storage } from '@wavegate/storage';
import type { z } from 'zod';
import type { Principal } from '../auth/token.guard.js';
import type * as shapes from '../rest/recovery-shapes.js';
import { toRecoveryView } from '../rest/recovery-views.js';
import { notFound, Problem } from '../rest/problem.js';
import type { OrderDesk } from './order-desk.js';

type Who = Pick<Principal, 'name' | 'scope'>;
type RecoveryView = z.infer<typeof shapes.RecoveryShape>;

const MOST = 100;
const MOST_ORDERS = 500;

/**
 * Ways back that persons run (rungs 5 and 6): asked for, approved by different persons, told step by step, verified by the
 * agent. The hub itself changes nothing of the cluster.
 */
export class RecoveryDesk {
  constructor(
    private readonly storage: Pick<Storage, 'recoveries' | 'clusters' | 'orderReader' | 'rollouts'>,
    private readonly orders: OrderDesk,
  ) {}

  async ask(cluster: string, wanted: z.infer<typeof shapes.RecoveryRequest>, who: Who): Promise<RecoveryView> {
    const found = await this.findCluster(cluster, who);
    const { facts, id: clusterId, name } = found;
    if (!facts) {
      const detail = 'Its agent has not reported any facts yet: nobody knows its nodes.';
      throw new Problem(409, 'cluster-takes-no-orders', `${name} cannot be recovered`, { detail });
    }
    const recovery = planRecovery({
      ...{ id: randomBytes(8).toString('hex'), rung: wanted.rung, node: wanted.rung === 5 ? wanted.node : '' },
      cluster: { id: clusterId, name, facts },
      staged: wanted.rung === 6 ? await this.stagedBy(found, wanted.order) : null,
      ...{ by: who.name, at: await this.storage.rollouts.now() },
    });
    if ('problems' in recovery) {
      throw new Problem(422, 'request-invalid', `Rung ${wanted.rung} does not apply to ${name}`, {
        errors: recovery.problems,
      });
    }
    await this.storage.recoveries.add(recovery, entry(recovery, who.name, 'recovery.asked'));
    return this.view(recovery);
  }

  async list({ scope }: Who): Promise<z.infer<typeof shapes.RecoveryListShape>> {
    const covered = new Set(
      (await this.storage.clusters.all()).filter((one) => scope.covers(one.labels)).map(({ id }) => id),
    );
    const all = await this.storage.recoveries.list(MOST);
    const seen = all.filter(({ clusterId }) => !scope.isLimited || covered.has(clusterId));
    return { items: await Promise.all(seen.map((recovery) => this.view(recovery))) };
  }

  async get(id: string, who: Who): Promise<RecoveryView> {
    return this.view((await this.find(id, who)).recovery);
  }

  /** The last approval that is needed raises the cluster's epoch, in the transaction that keeps it. */
  async approve(id: string, who: Who): Promise<RecoveryView> {
    const { recovery, revision } = await this.find(id, who);
    const at = await this.storage.rollouts.now();
    const problem = approvalProblem(recovery, who.name, at);
    if (problem) throw new Problem(409, 'approval-does-not-count', problem);
    const approved = { ...recovery, approvals: [...recovery.approvals, { by: who.name, at }] };
    const raise = isApproved(approved);
    const audit = [entry(approved, who.name, 'recovery.approved')];
    const saved = await this.storage.recoveries
      .save({ recovery: approved, revision }, raise, audit)
      .catch(changedMeanwhile);
    if (!saved)
      throw new Problem(409, 'changed-meanwhile', `Somebody else changed recovery ${id} just now: look again`);
    return this.get(recovery.id, who);
  }

  /** Makes an order that looks; what it found is judged whenever the recovery is looked at. */
  async verify(id: string, who: Who): Promise<RecoveryView> {
    const { recovery, revision } = await this.find(id, who);
    if (recovery.epoch === null) {
      throw new Problem(409, 'not-approved', `Recovery ${recovery.id} is not approved, so nobody has run it`);
    }
    const { id: order } = await this.orders.request(recovery.clusterId, { kind: 'preflight', args: {} }, who, null);
    const looked = { ...recovery, verifiedBy: order };
    const audit = [entry(looked, who.name, 'recovery.verifyAsked')];
    await this.storage.recoveries.save({ recovery: looked, revision }, false, audit);
    return this.get(recovery.id, who);
  }

  private async view(recovery: Recovery): Promise<RecoveryView> {
    const { orderReader, clusters, rollouts } = this.storage;
    const { clusterId, rung, verifiedBy } = recovery;
    return toRecoveryView(recovery, {
      at: await rollouts.now(),
      since: rung === 6 ? await this.ordersSince(recovery) : [],
      look: verifiedBy === null ? null : await orderReader.get(verifiedBy),
      facts: (await clusters.get(clusterId))?.facts ?? null,
    });
  }

  /** What the snapshot does not know the end of, and the approval has not seen begun. */
  private async ordersSince({ clusterId, takenAt, epoch }: Recovery): Promise<NamedOrder[]> {
    const { items } = await this.storage.orderReader.list({ clusterId }, { limit: MOST_ORDERS, cursor: null });
    return items
      .filter(({ order }) => epoch === null || order.epoch < epoch)
      .filter(({ endedAt }) => endedAt === null || endedAt >= takenAt);
  }

  private async stagedBy({ id: clusterId }: InventoryCluster, wanted: string | undefined) {
    const { orderReader } = this.storage;
    if (wanted !== undefined) {
      const found = await orderReader.get(wanted);
      if (!found || found.order.clusterId !== clusterId) throw notFound('order', wanted);
      return found;
    }
    const { items } = await orderReader.list({ clusterId, kind: 'upgrade' }, { limit: MOST, cursor: null });
    return items.find(({ receipts }) => receipts.length > 0) ?? items[0] ?? null;
  }

  private async findCluster(wanted: string, { scope }: Who): Promise<InventoryCluster> {
    const found = await this.storage.clusters.get(wanted);
    if (!found || !scope.covers(found.labels)) throw notFound('cluster', wanted);
    return found;
  }

  /** A recovery of a cluster outside the token's scope is not there. */
  private async find(id: string, { scope }: Who) {
    const found = await this.storage.recoveries.get(id);
    const cluster = found && (await this.storage.clusters.get(found.recovery.clusterId));
    if (!found || !cluster || !scope.covers(cluster.labels)) throw notFound('recovery', id);
    return found;
  }
}

/** The transaction was taken back: another approval came first. */
function changedMeanwhile(error: unknown): false {
  if (error instanceof RecoveryChanged) return false;
  throw error;
}

function entry(recovery: Recovery, actor: string, action: string) {
  const { id, rung, node, order, clusterId, clusterName, version, approvals, verifiedBy } = recovery;
  const by = approvals.map((one) => one.by);
  const detail = {
    recovery: id,
    rung,
    node,
    order,
    cluster: clusterId,
    name: clusterName,
    version,
    approvals: by,
    verifiedBy,
  };
  return { actor, action, object: `recovery/${id}`, detail };
}
