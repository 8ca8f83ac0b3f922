import { randomBytes } from 'node:crypto';
import { describeReason } from '@wavegate/fleet';
import { explain, lookAt, plan as planRollout, reasonNow, startRollout, type PlannedCluster } from '@wavegate/rollout';
import type { Rollout, RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { WithoutAt } from '@wavegate/runtime/hub';
import type { InventoryCluster, Storage } from '@wavegate/storage';
import type { z } from 'zod';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import {
  findByNameOrId,
  toGateView,
  toReasonView,
  toRolloutClusterView,
  toRolloutView,
  toTime,
} from '../rest/views.js';
import { explainNext } from './explain-next.js';
import { refuseUnfit } from './plan-desk.js';
import { rehearse } from './rollout-commands.js';

type RolloutView = z.infer<typeof shapes.RolloutShape>;
type CommandView = z.infer<typeof shapes.CommandShape>;

const SETTLE_TRIES = 40;
const SETTLE_MS = 50;

export class RolloutDesk {
  constructor(
    private readonly storage: Pick<Storage, 'rollouts' | 'rolloutReader' | 'plans' | 'clusters'>,
    private readonly bell: { ring(): void },
  ) {}

  async start(planName: string, by: string): Promise<RolloutView> {
    const { rollouts, plans, clusters } = this.storage;
    const stored = await plans.get(planName);
    if (!stored) throw notFound('plan', planName);
    const { plan } = stored;
    const fleet = (await clusters.all()).filter((cluster) => cluster.approved);
    refuseUnfit(plan, fleet);
    const at = await rollouts.now();
    const planned = planRollout(plan, fleet, at);
    refuseBusy(planned.taking, await this.busyClusters());
    const id = randomBytes(4).toString('hex');
    const { canonical, digest, name } = stored;
    const rollout = startRollout({ id, name, plan, canonical, digest, planned, by, at });
    const detail = { plan: name, digest, clusters: planned.taking.length };
    await rollouts.create(rollout, {
      actor: by,
      action: 'rollout.created',
      object: `rollout/${id}`,
      detail: { ...detail, rollout: id },
    });
    this.bell.ring();
    await this.settle(id);
    return this.get(id);
  }

  async list(): Promise<z.infer<typeof shapes.RolloutListShape>> {
    return { items: (await this.heads()).map(toRolloutView) };
  }

  async get(id: string): Promise<RolloutView> {
    return toRolloutView(await this.find(id));
  }

  async clusters(
    id: string,
    query: z.infer<typeof shapes.RolloutClusterQuery>,
  ): Promise<z.infer<typeof shapes.RolloutClusterListShape>> {
    const head = await this.find(id);
    const { wave, phase, limit, cursor = null } = query;
    const filter = { ...(wave === undefined ? {} : { wave }), ...(phase === undefined ? {} : { phase }) };
    const page = await this.storage.rolloutReader.clusters(head.id, filter, { limit, cursor });
    const [rollout, fleet] = await Promise.all([this.storage.rollouts.load(head.id), this.storage.clusters.all()]);
    const byId = new Map(fleet.map((cluster) => [cluster.id, cluster]));
    const at = Math.max(await this.storage.rollouts.now(), head.at);
    const look = lookAt(rollout, at);
    return {
      items: page.items.map(({ cluster: row, order }) => {
        const seen = { ...seenOf(byId.get(row.clusterId)), progress: order?.progress ?? null };
        return toRolloutClusterView({ ...row, reason: reasonNow(rollout, row, at, look) }, seen);
      }),
      nextCursor: page.next,
    };
  }

  async explain(id: string, wanted: string): Promise<z.infer<typeof shapes.ExplainShape>> {
    const head = await this.find(id);
    const { rollouts, rolloutReader } = this.storage;
    const rollout = await rollouts.load(head.id);
    const row = requireCluster(rollout, wanted);
    const answer = explain(rollout, row.clusterId, Math.max(await rollouts.now(), head.at));
    if (!answer) throw notFound(`cluster in rollout ${head.id}`, wanted);
    const seen = await rolloutReader.cluster(head.id, row.clusterId);
    const progress = row.phase === 'done' ? null : (seen?.order?.progress ?? null);
    return {
      rollout: head.id,
      cluster: row.clusterName,
      sentence: `${row.clusterName}: ${describeReason(answer.sentenceReason)}`,
      phase: row.phase,
      since: toTime(row.since),
      gates: answer.gates.map(toGateView),
      next: explainNext(answer.next, head.id),
      agent: progress ? `${progress.phase}: ${describeReason(progress.reason)}` : null,
    };
  }

  async command(id: string, event: WithoutAt<RolloutEvent> & { readonly by: string }): Promise<CommandView> {
    const head = await this.find(id);
    return this.append(await this.storage.rollouts.load(head.id), event);
  }

  async commandOnCluster(id: string, cluster: string, kind: 'retried' | 'skipped', by: string): Promise<CommandView> {
    const rollout = await this.storage.rollouts.load((await this.find(id)).id);
    return this.append(rollout, { kind, by, clusterId: requireCluster(rollout, cluster).clusterId });
  }

  async rollBack(id: string, wanted: z.infer<typeof shapes.RollbackRequest>, by: string): Promise<CommandView> {
    const rollout = await this.storage.rollouts.load((await this.find(id)).id);
    const scope = toScope(rollout, wanted);
    return this.append(rollout, { kind: 'rollbackAsked', by, scope, approvedRungs: wanted.approveRungs });
  }

  private async append(
    rollout: Rollout,
    event: WithoutAt<RolloutEvent> & { readonly by: string },
  ): Promise<CommandView> {
    const { id } = rollout.head;
    const { cannot } = rehearse(rollout, event, await this.storage.rollouts.now());
    const { by, kind, ...detail } = event;
    await this.storage.rollouts.appendCommand(id, event, {
      actor: by,
      action: `command.${kind}`,
      object: `rollout/${id}`,
      detail: { ...detail, rollout: id },
    });
    this.bell.ring();
    await this.settle(id);
    const names = (clusterId: string): string => rollout.clusters.get(clusterId)?.clusterName ?? clusterId;
    return {
      rollout: await this.get(id),
      cannot: cannot.map(({ clusterId, reason }) => ({ cluster: names(clusterId), reason: toReasonView(reason) })),
    };
  }

  /** The command is durable by now. A short wait lets the answer show what became of it; it does not depend on it. */
  private async settle(id: string): Promise<void> {
    for (let attempt = 0; attempt < SETTLE_TRIES; attempt += 1) {
      if ((await this.storage.rollouts.inbox(id, 1)).length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }

  /** Clusters that an unfinished rollout has: two rollouts must not pull at one cluster. */
  private async busyClusters(): Promise<ReadonlyMap<string, RolloutHead>> {
    const busy = new Map<string, RolloutHead>();
    for (const head of (await this.heads()).filter((one) => one.finishedAt === null)) {
      for (const id of (await this.storage.rollouts.load(head.id)).clusters.keys()) busy.set(id, head);
    }
    return busy;
  }

  private async heads(): Promise<readonly RolloutHead[]> {
    const { items } = await this.storage.rolloutReader.list({}, { limit: 100 });
    const heads = await Promise.all(items.map((head) => this.storage.rolloutReader.get(head.id)));
    return heads.filter((head) => head !== null);
  }

  private async find(id: string): Promise<RolloutHead> {
    const { rolloutReader } = this.storage;
    const latest = id === 'latest' ? (await rolloutReader.list({}, { limit: 1 })).items[0]?.id : undefined;
    const head = await rolloutReader.get(latest ?? id);
    if (!head) throw notFound('rollout', id);
    return head;
  }
}

function seenOf(cluster: InventoryCluster | undefined): { facts: InventoryCluster['facts']; connected: boolean } {
  return { facts: cluster?.facts ?? null, connected: cluster?.connected ?? false };
}

function requireCluster(rollout: Rollout, wanted: string): RolloutCluster {
  const row = findByNameOrId(rollout, wanted);
  if (!row) throw notFound(`cluster in rollout ${rollout.head.id}`, wanted);
  return row;
}

function refuseBusy(taking: readonly PlannedCluster[], busy: ReadonlyMap<string, RolloutHead>): void {
  const clash = taking.filter((cluster) => busy.has(cluster.clusterId));
  const [first] = clash;
  const other = first && busy.get(first.clusterId);
  if (!other) return;
  const more = clash.length > 1 ? ` and ${clash.length - 1} more` : '';
  const title = `${first.clusterName}${more} are in rollout ${other.id} (${other.name})`;
  throw new Problem(409, 'clusters-in-another-rollout', title, {
    detail: 'Wait for its end or abort it, or leave these clusters out by the selector or `exclude`.',
  });
}

function toScope(rollout: Rollout, wanted: z.infer<typeof shapes.RollbackRequest>) {
  if (wanted.scope === 'cluster') {
    return { kind: 'cluster' as const, clusterId: requireCluster(rollout, wanted.cluster ?? '').clusterId };
  }
  if (wanted.scope === 'wave') return { kind: 'wave' as const, wave: wanted.wave ?? 0 };
  return { kind: 'rollout' as const };
}
