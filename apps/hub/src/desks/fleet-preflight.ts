import { randomBytes } from 'node:crypto';
import {
  describeReason,
  orderOfRequest,
  reason,
  type Finding,
  type OrderParent,
  type PreflightArgs,
} from '@wavegate/fleet';
import type { RequestAnswer } from '@wavegate/runtime/hub';
import type { InventoryCluster, NamedOrder, Storage } from '@wavegate/storage';
import type { ReadPlan } from './plan-body.js';

/**
 * How the look at one cluster stands: `checked` has its findings; `running` has been asked and has not answered yet;
 * `offline` was not asked; `busy` works at another order; `failed` could not look.
 */
export interface ClusterPreflight {
  readonly cluster: string;
  readonly state: 'checked' | 'running' | 'offline' | 'busy' | 'failed';
  /** What to know where it is not checked; null where it is. */
  readonly why: string | null;
  readonly order: string | null;
  readonly findings: readonly Finding[];
}

export interface FleetPreflightSettings {
  /** How long one request waits for the agents; whoever asks again finds what came later. */
  readonly waitMs?: number;
  /** Where a start waits: how long for an agent to take the order at all. One that is gone is not known to be so at once. */
  readonly takenWithinMs?: number;
  readonly pollMs?: number;
}

/** What is looked at; nothing said: everything that a preflight looks at. */
export type FleetLook = Pick<PreflightArgs, 'only'>;

type Asked = { readonly cluster: InventoryCluster } & (
  | { readonly order: string; readonly own: boolean }
  | { readonly is: 'offline' | 'busy' | 'failed'; readonly why: string }
);

/** Runs preflight orders on every connected cluster of a plan at once: they look, and change nothing. */
export class FleetPreflight {
  constructor(
    private readonly storage: Pick<Storage, 'requests' | 'orderReader' | 'rollouts'>,
    private readonly bell: { ring(): void },
    private readonly settings: FleetPreflightSettings = {},
  ) {}

  async run(
    plan: ReadPlan,
    clusters: readonly InventoryCluster[],
    by: string,
    look: FleetLook = {},
  ): Promise<readonly ClusterPreflight[]> {
    const name = look.only ? 'start' : 'preview';
    const parent = { kind: 'request', id: `${name}-${randomBytes(6).toString('hex')}` } as const;
    const at = await this.storage.rollouts.now();
    const asked: Asked[] = [];
    for (const cluster of clusters) asked.push(await this.ask({ plan, cluster, parent, at, by, look }));
    this.bell.ring();
    const ids = asked.flatMap((one) => ('order' in one ? [one.order] : []));
    const orders = new Map((await this.await(ids, look)).map((order) => [order.order.id, order]));
    // What nobody waits for any more must not stand in the way of the rollout that starts now.
    if (look.only) await this.withdrawLate(asked, orders, by);
    const late = look.only ? 'its agent did not answer in time' : 'its agent has not answered yet; ask again';
    return asked.map((one) => toPreflight(one, 'order' in one ? orders.get(one.order) : undefined, late));
  }

  private async ask({
    plan,
    cluster,
    parent,
    at,
    by,
    look,
  }: {
    readonly plan: ReadPlan;
    readonly cluster: InventoryCluster;
    readonly parent: OrderParent;
    readonly at: number;
    readonly by: string;
    readonly look: FleetLook;
  }): Promise<Asked> {
    const { facts, connected, id, name } = cluster;
    if (!facts || !connected) return { cluster, is: 'offline', why: 'no agent is connected' };
    const args: PreflightArgs = { kind: 'preflight', ...look };
    const order = orderOfRequest({ parent, cluster: { id, facts }, args, plan, at });
    const detail = { order: order.id, kind: order.kind, cluster: id, name, plan: plan.digest };
    const audit = { actor: by, action: 'order.requested', object: `order/${order.id}`, detail };
    return answered(cluster, await this.storage.requests.request(order, audit), plan, look);
  }

  private async withdrawLate(
    asked: readonly Asked[],
    orders: ReadonlyMap<string, NamedOrder>,
    by: string,
  ): Promise<void> {
    for (const one of asked) {
      if (!('order' in one) || !one.own || orders.get(one.order)?.endedAt != null) continue;
      const detail = { order: one.order, kind: 'preflight', cluster: one.cluster.id };
      const audit = { actor: by, action: 'order.withdrawAsked', object: `order/${one.order}`, detail };
      await this.storage.requests.withdrawRequest(one.order, reason('withdrawn_by_person', { by }), audit);
    }
    this.bell.ring();
  }

  /** The orders as they stand when all have ended, or when the time is up. */
  private async await(ids: readonly string[], look: FleetLook): Promise<readonly NamedOrder[]> {
    const { waitMs = 20_000, pollMs = 200, takenWithinMs = 10_000 } = this.settings;
    const begun = performance.now();
    for (;;) {
      const orders = await this.storage.orderReader.these(ids);
      const passed = performance.now() - begun;
      const isGone = ({ state }: NamedOrder): boolean =>
        Boolean(look.only) && state === 'open' && passed >= takenWithinMs;
      if (passed >= waitMs || orders.every((order) => order.endedAt !== null || isGone(order))) return orders;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }
}

/** Asked twice at once, the same look answers both; one at everything answers also who asks for less. */
function answered(cluster: InventoryCluster, answer: RequestAnswer, plan: ReadPlan, look: FleetLook): Asked {
  switch (answer.kind) {
    case 'inserted':
    case 'known':
      return { cluster, order: answer.order.order.id, own: true };
    case 'busy': {
      const { kind, id, planDigest, args } = answer.by.order;
      const only = args?.kind === 'preflight' ? args.only : undefined;
      const enough = only === undefined || only === look.only;
      if (kind === 'preflight' && planDigest === plan.digest && enough) return { cluster, order: id, own: false };
      return { cluster, is: 'busy', why: `works at the ${kind} order ${id}` };
    }
    case 'noCluster':
      return { cluster, is: 'failed', why: 'it was removed meanwhile' };
  }
}

function toPreflight(asked: Asked, order: NamedOrder | undefined, late: string): ClusterPreflight {
  const { name: cluster } = asked.cluster;
  if (!('order' in asked)) return { cluster, state: asked.is, why: asked.why, order: null, findings: [] };
  const about = { cluster, order: asked.order };
  if (!order || order.endedAt === null) {
    return { ...about, state: 'running', why: late, findings: [] };
  }
  if (order.outcome?.kind === 'completed') {
    return { ...about, state: 'checked', why: null, findings: order.findings };
  }
  return { ...about, state: 'failed', why: whyNotLooked(order), findings: [] };
}

function whyNotLooked({ order, outcome, reason, state }: NamedOrder): string {
  const why = outcome && 'reason' in outcome ? outcome.reason : reason;
  return `its agent could not look: ${why ? describeReason(why) : state} (wavegate orders get ${order.id})`;
}
