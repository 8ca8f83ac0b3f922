import { randomBytes } from 'node:crypto';
import {
  completeArgs,
  orderOfRequest,
  planOfRequest,
  prefetchProblems,
  reason,
  requestProblems,
  type ClusterFacts,
  type OrderArgs,
  type PlanOfRequest,
} from '@wavegate/fleet';
import type { InventoryCluster, NamedOrder, Storage } from '@wavegate/storage';
import type { z } from 'zod';
import type { Principal } from '../auth/token.guard.js';
import type * as shapes from '../rest/order-shapes.js';
import { toOrderView } from '../rest/order-views.js';
import { notFound, Problem } from '../rest/problem.js';
import { IdempotentRequests } from './idempotent-requests.js';

type OrderView = z.infer<typeof shapes.OrderShape>;
type Wanted = z.infer<typeof shapes.OrderRequest>;
type Who = Pick<Principal, 'name' | 'scope'>;

/** Orders that a person asks for, and all orders to look at. */
export class OrderDesk {
  private readonly idempotent: IdempotentRequests;

  constructor(
    private readonly storage: Pick<
      Storage,
      'clusters' | 'plans' | 'requests' | 'orderReader' | 'rollouts' | 'idempotency'
    >,
    private readonly bell: { ring(): void },
  ) {
    this.idempotent = new IdempotentRequests(storage.idempotency);
  }

  request(cluster: string, wanted: Wanted, who: Who, key: string | null): Promise<OrderView> {
    const body = { cluster, wanted };
    return this.idempotent.once({ key, by: who.name, body }, () => this.make(cluster, wanted, who));
  }

  async ofCluster(
    cluster: string,
    query: z.infer<typeof shapes.OrderQuery>,
    who: Who,
  ): Promise<z.infer<typeof shapes.OrderListShape>> {
    const { id } = await this.findCluster(cluster, who);
    return this.page({ clusterId: id }, query, who);
  }

  list(query: z.infer<typeof shapes.OrderQuery>, who: Who): Promise<z.infer<typeof shapes.OrderListShape>> {
    return this.page({}, query, who);
  }

  async get(id: string, who: Who): Promise<OrderView> {
    return toOrderView(await this.find(id, who));
  }

  async withdraw(id: string, who: Who): Promise<OrderView> {
    const { order } = await this.find(id, who);
    const why = reason('withdrawn_by_person', { by: who.name });
    const detail = { order: order.id, kind: order.kind, cluster: order.clusterId };
    const audit = { actor: who.name, action: 'order.withdrawAsked', object: `order/${order.id}`, detail };
    const answer = await this.storage.requests.withdrawRequest(order.id, why, audit);
    if (answer.kind === 'unknown') throw notFound('order', id);
    if (answer.kind === 'ofRollout') throw ofRollout(order.id, answer.rolloutId);
    this.bell.ring();
    // Asked twice, or too late: it stands as it stands, which is the answer.
    return this.get(order.id, who);
  }

  private async make(wanted: string, request: Wanted, who: Who): Promise<OrderView> {
    const cluster = await this.findCluster(wanted, who);
    const facts = await this.readyFor(cluster);
    const plan = await this.planFor(request, facts);
    const asked: OrderArgs = { ...request.args, kind: request.kind } as OrderArgs;
    const problems = [
      ...requestProblems(asked, facts),
      ...(asked.kind === 'prefetch' ? prefetchProblems(facts, plan.plan) : []),
    ];
    if (problems.length > 0) {
      throw new Problem(422, 'request-invalid', `The order does not fit ${cluster.name}`, { errors: problems });
    }
    const parent = { kind: 'request', id: randomBytes(8).toString('hex') } as const;
    const args = completeArgs(asked, facts);
    const at = await this.storage.rollouts.now();
    const order = orderOfRequest({ parent, cluster: { id: cluster.id, facts }, args, plan, at });
    const detail = { order: order.id, kind: order.kind, args, cluster: cluster.id, name: cluster.name };
    const answer = await this.storage.requests.request(order, {
      ...{ actor: who.name, action: 'order.requested', object: `order/${order.id}`, detail },
    });
    if (answer.kind === 'noCluster') throw notFound('cluster', wanted);
    if (answer.kind === 'busy') throw busy(cluster.name, answer.by.order);
    this.bell.ring();
    return this.get(answer.order.order.id, who);
  }

  private async readyFor(cluster: InventoryCluster): Promise<ClusterFacts> {
    const { name, approved, facts } = cluster;
    if (!approved) {
      throw new Problem(409, 'cluster-not-approved', `${name} waits for approval and takes no orders`, {
        detail: `Approve it first: wavegate clusters approve ${name}`,
      });
    }
    if (facts && facts.driver !== 'none') return facts;
    throw new Problem(409, 'cluster-takes-no-orders', `${name} cannot take an order`, {
      detail: facts
        ? 'No driver of this release carries out orders on this kind of cluster.'
        : 'Its agent has not reported any facts yet.',
    });
  }

  private async planFor(request: Wanted, facts: ClusterFacts): Promise<PlanOfRequest> {
    const { plan: wanted, kind: _kind, args: _args, ...policies } = request;
    if (wanted !== undefined) {
      const stored = await this.storage.plans.get(wanted);
      if (!stored) throw notFound('plan', wanted);
      return stored;
    }
    const made = planOfRequest(facts, policies);
    if (!('problems' in made)) return made;
    throw new Problem(422, 'request-invalid', 'The request is not valid', { errors: made.problems });
  }

  private async findCluster(wanted: string, { scope }: Who): Promise<InventoryCluster> {
    const found = await this.storage.clusters.get(wanted);
    if (!found || !scope.covers(found.labels)) throw notFound('cluster', wanted);
    return found;
  }

  /** An order of a cluster outside the token's scope is not there. */
  private async find(id: string, who: Who): Promise<NamedOrder> {
    const found = await this.storage.orderReader.get(id);
    if (!found) throw notFound('order', id);
    if (who.scope.isLimited) {
      const cluster = await this.storage.clusters.get(found.order.clusterId);
      if (!cluster || !who.scope.covers(cluster.labels)) throw notFound('order', id);
    }
    return found;
  }

  private async page(
    filter: { clusterId?: string },
    query: z.infer<typeof shapes.OrderQuery>,
    { scope }: Who,
  ): Promise<z.infer<typeof shapes.OrderListShape>> {
    const { kind, active, requested, rollout, limit, cursor = null } = query;
    const wanted = {
      ...filter,
      ...(kind === undefined ? {} : { kind }),
      ...(active === undefined ? {} : { active: active === 'true' }),
      requestedOnly: requested === 'true',
      ...(rollout === undefined ? {} : { rolloutId: rollout }),
    };
    const page = await this.storage.orderReader.list(wanted, { limit, cursor });
    const seen = scope.isLimited ? await this.coveredIds(scope) : null;
    const items = page.items.filter(({ order }) => seen === null || seen.has(order.clusterId));
    return { items: items.map(toOrderView), nextCursor: page.next };
  }

  private async coveredIds(scope: Who['scope']): Promise<ReadonlySet<string>> {
    const fleet = await this.storage.clusters.all();
    return new Set(fleet.filter(({ labels }) => scope.covers(labels)).map(({ id }) => id));
  }
}

function busy(cluster: string, { id, kind, parent }: NamedOrder['order']): Problem {
  const whose = parent.kind === 'rollout' ? ` of rollout ${parent.id}` : '';
  const undo = parent.kind === 'rollout' ? `wavegate rollout abort ${parent.id}` : `wavegate orders withdraw ${id}`;
  return new Problem(409, 'cluster-busy', `${cluster} works at the ${kind} order ${id}${whose}`, {
    detail: `One order runs at a time per cluster. Wait for its end (wavegate orders get ${id}), or end it: ${undo}`,
  });
}

function ofRollout(order: string, rollout: string): Problem {
  return new Problem(409, 'order-of-rollout', `Order ${order} belongs to rollout ${rollout}`, {
    detail: `A rollout takes back its own orders: wavegate rollout abort ${rollout}`,
  });
}
