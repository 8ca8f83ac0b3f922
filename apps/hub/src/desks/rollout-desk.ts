import { randomBytes } from 'node:crypto';
import { describeReason, type Plan, type Progress, type Reason } from '@wavegate/fleet';
import { explain, lookAt, plan as planRollout, reasonNow, startRollout, type PlannedCluster } from '@wavegate/rollout';
import type { Rollout, RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { WithoutAt } from '@wavegate/runtime/hub';
import type { InventoryCluster, RolloutClusterView, Storage } from '@wavegate/storage';
import type { z } from 'zod';
import { Scope } from '../auth/scope.js';
import type { Principal } from '../auth/token.guard.js';
import { notFound, Problem } from '../rest/problem.js';
import type { RolloutRequest, RolloutStartedShape } from '../rest/rollout-start-shapes.js';
import type * as shapes from '../rest/shapes.js';
import {
  findByNameOrId,
  toGateView,
  toReasonView,
  toRolloutClusterView,
  toRolloutView,
  toTime,
} from '../rest/views.js';
import { toDrainView } from '../rest/order-views.js';
import type { KeptJudgement } from '../rest/verdict-evidence.js';
import { toClusterVerdicts, toJudgedNow } from '../rest/verdict-views.js';
import type { VerdictListShape } from '../rest/verdict-shapes.js';
import { explainNext } from './explain-next.js';
import { IdempotentRequests } from './idempotent-requests.js';
import type { ObjectiveCheck } from './objective-check.js';
import { refuseUnfit } from './plan-desk.js';
import { rehearse } from './rollout-commands.js';
import { RolloutSight } from './rollout-sight.js';

type RolloutView = z.infer<typeof shapes.RolloutShape>;
type StartedView = z.infer<typeof RolloutStartedShape>;
type CommandView = z.infer<typeof shapes.CommandShape>;
type Who = Pick<Principal, 'name' | 'scope'>;

/** A command's answer waits five seconds for its decision: a busy hub took two, and the answer was then that of before. */
const SETTLE_TRIES = 100;
const SETTLE_MS = 50;

type Wanted = z.infer<typeof RolloutRequest>;

export class RolloutDesk {
  private readonly idempotent: IdempotentRequests;

  constructor(
    private readonly storage: Pick<
      Storage,
      'rollouts' | 'rolloutReader' | 'orderReader' | 'plans' | 'clusters' | 'idempotency'
    >,
    private readonly bell: { ring(): void },
    private readonly objectives: Pick<ObjectiveCheck, 'check'>,
  ) {
    this.idempotent = new IdempotentRequests(storage.idempotency);
  }

  /** Agents are asked first, which takes seconds: whoever sends it again with the same key gets the same rollout. */
  start(wanted: Wanted, who: Who, key: string | null): Promise<StartedView> {
    return this.idempotent.once({ key, by: who.name, body: { start: wanted } }, () => this.begin(wanted, who));
  }

  private async begin(wanted: Wanted, { name: by, scope }: Who): Promise<StartedView> {
    const { rollouts, plans } = this.storage;
    const stored = await plans.get(wanted.plan);
    if (!stored) throw notFound('plan', wanted.plan);
    const before = await this.placed(stored.plan, scope);
    const {
      fleet,
      planned: { taking },
    } = before;
    const unchecked = wanted.objectives === 'unchecked' ? (wanted.reason ?? '') : null;
    const objectives = await this.objectives.check({ stored, taking, fleet, by, unchecked });
    // Agents answer within seconds, in which the fleet may have changed, or another rollout begun.
    const { planned, at } = objectives.state === 'checked' ? await this.placed(stored.plan, scope) : before;
    const id = randomBytes(4).toString('hex');
    const { canonical, digest, name, plan } = stored;
    const rollout = startRollout({ id, name, plan, canonical, digest, planned, by, at });
    const detail = { plan: name, digest, clusters: planned.taking.length, objectives: toAudited(objectives) };
    await rollouts.create(rollout, {
      actor: by,
      action: 'rollout.created',
      object: `rollout/${id}`,
      detail: { ...detail, rollout: id },
    });
    this.bell.ring();
    await this.settle(id);
    return { ...(await this.get(id, Scope.all)), objectives };
  }

  /** Who would take part if it started now; 403, 409 or 422 where it may not. */
  private async placed(plan: Plan, scope: Scope) {
    const fleet = (await this.storage.clusters.all()).filter((cluster) => cluster.approved);
    refuseUnfit(plan, fleet);
    const at = await this.storage.rollouts.now();
    const planned = planRollout(plan, fleet, at);
    scope.assertCovers(
      planned.taking.map(({ clusterName, labels }) => ({ name: clusterName, labels })),
      'This plan',
    );
    refuseBusy(planned.taking, await this.busyClusters());
    return { fleet, planned, at };
  }

  async list(scope: Scope): Promise<z.infer<typeof shapes.RolloutListShape>> {
    const heads = await this.heads();
    if (!scope.isLimited) return { items: heads.map(toRolloutView) };
    const sight = await RolloutSight.of(scope, this.storage.clusters);
    const seen = await Promise.all(heads.map(async ({ id }) => sight.coversSome(await this.storage.rollouts.load(id))));
    return { items: heads.filter((_, index) => seen[index]).map(toRolloutView) };
  }

  async get(id: string, scope: Scope): Promise<RolloutView> {
    return toRolloutView((await this.seen(id, scope)).head);
  }

  async clusters(
    id: string,
    query: z.infer<typeof shapes.RolloutClusterQuery>,
    scope: Scope,
  ): Promise<z.infer<typeof shapes.RolloutClusterListShape>> {
    const { head, sight } = await this.seen(id, scope);
    const { wave, phase, limit, cursor = null } = query;
    const filter = { ...(wave === undefined ? {} : { wave }), ...(phase === undefined ? {} : { phase }) };
    const page = await this.storage.rolloutReader.clusters(head.id, filter, { limit, cursor });
    const [rollout, fleet] = await Promise.all([this.storage.rollouts.load(head.id), this.storage.clusters.all()]);
    const byId = new Map(fleet.map((cluster) => [cluster.id, cluster]));
    const at = Math.max(await this.storage.rollouts.now(), head.at);
    const look = lookAt(rollout, at);
    return {
      items: page.items
        .filter(({ cluster }) => sight.covers(cluster))
        .map(({ cluster: row, order }) => {
          const seen = { ...seenOf(byId.get(row.clusterId)), progress: order?.progress ?? null };
          return toRolloutClusterView({ ...row, reason: reasonNow(rollout, row, at, look) }, seen);
        }),
      nextCursor: page.next,
    };
  }

  async explain(id: string, wanted: string, scope: Scope): Promise<z.infer<typeof shapes.ExplainShape>> {
    const { head, sight } = await this.seen(id, scope);
    const { rollouts, rolloutReader } = this.storage;
    const rollout = await rollouts.load(head.id);
    const row = requireCluster(rollout, wanted);
    if (!sight.covers(row)) throw notFound(`cluster in rollout ${head.id}`, wanted);
    const answer = explain(rollout, row.clusterId, Math.max(await rollouts.now(), head.at));
    if (!answer) throw notFound(`cluster in rollout ${head.id}`, wanted);
    const seen = await rolloutReader.cluster(head.id, row.clusterId);
    const progress = progressNow(row, seen);
    return {
      rollout: head.id,
      cluster: row.clusterName,
      sentence: `${row.clusterName}: ${describeReason(answer.sentenceReason)}`,
      phase: row.phase,
      since: toTime(row.since),
      gates: answer.gates.map(toGateView),
      next: explainNext(answer.next, head.id, await orderWaits(this.storage, row)),
      ...toAgentWords(progress),
    };
  }

  /** What a cluster's newest judgement rests on: kept with its verdict, or as its agent told it last while it is judged. */
  async judgement(id: string, cluster: string, phase: string | null, scope: Scope) {
    const { rollout, sight } = await this.rolloutSeen(id, scope);
    const { head } = rollout;
    const row = requireCluster(rollout, cluster);
    if (!sight.covers(row)) throw notFound(`cluster in rollout ${head.id}`, cluster);
    const seen = await this.storage.rolloutReader.cluster(head.id, row.clusterId);
    const kept =
      judgedNow(progressNow(row, seen), phase) ??
      (await this.storage.rolloutReader.judgement(head.id, row.clusterId, phase));
    if (!kept) throw notFound(`samples of ${row.clusterName} in rollout ${head.id}`, phase ?? 'any phase');
    return { kept, cluster: row.clusterName, plan: head.plan };
  }

  /** What agents judged, cluster by cluster and phase by phase, and what the hub made of it for each wave. */
  async verdicts(id: string, wanted: string | null, scope: Scope): Promise<z.infer<typeof VerdictListShape>> {
    const { rollout, sight } = await this.rolloutSeen(id, scope);
    const { head, clusters } = rollout;
    const only = wanted === null ? null : requireCluster(rollout, wanted);
    if (wanted !== null && only && !sight.covers(only)) throw notFound(`cluster in rollout ${head.id}`, wanted);
    const orders = await this.storage.rolloutReader.verdicts(head.id, only?.clusterId ?? null);
    const items = orders.flatMap((order) => {
      const row = clusters.get(order.clusterId);
      return row && sight.covers(row) ? toClusterVerdicts(row, order, `/api/v1/rollouts/${head.id}/verdicts`) : [];
    });
    const waves = head.waves.map(({ index, verdict, verdictOverriddenBy, verdictReasons = [] }) => ({
      ...{ wave: index, verdict, overriddenBy: verdictOverriddenBy, reasons: verdictReasons.map(toReasonView) },
    }));
    return { rollout: head.id, waves, items };
  }

  async command(
    id: string,
    event: WithoutAt<RolloutEvent> & { readonly by: string },
    scope: Scope,
  ): Promise<CommandView> {
    const { rollout, sight } = await this.rolloutSeen(id, scope);
    sight.assertCovers(rollout.clusters.values(), 'A command to the whole rollout');
    return this.append(rollout, event);
  }

  async commandOnCluster(
    id: string,
    cluster: string,
    kind: 'retried' | 'skipped',
    { name: by, scope }: Who,
  ): Promise<CommandView> {
    const { rollout, sight } = await this.rolloutSeen(id, scope);
    const row = requireCluster(rollout, cluster);
    sight.assertCovers([row], 'This command');
    return this.append(rollout, { kind, by, clusterId: row.clusterId });
  }

  async rollBack(
    id: string,
    wanted: z.infer<typeof shapes.RollbackRequest>,
    { name: by, scope: tokenScope }: Who,
  ): Promise<CommandView> {
    const { rollout, sight } = await this.rolloutSeen(id, tokenScope);
    const scope = toScope(rollout, wanted);
    const rows = [...rollout.clusters.values()].filter((row) => isIn(scope, row));
    sight.assertCovers(rows, 'This rollback');
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
      rollout: await this.get(id, Scope.all),
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

  /** A rollout of which the scope covers nothing is not there. */
  private async seen(id: string, scope: Scope): Promise<{ readonly head: RolloutHead; readonly sight: RolloutSight }> {
    const head = await this.find(id);
    const sight = await RolloutSight.of(scope, this.storage.clusters);
    if (scope.isLimited && !sight.coversSome(await this.storage.rollouts.load(head.id))) throw notFound('rollout', id);
    return { head, sight };
  }

  private async rolloutSeen(
    id: string,
    scope: Scope,
  ): Promise<{ readonly rollout: Rollout; readonly sight: RolloutSight }> {
    const { head, sight } = await this.seen(id, scope);
    return { rollout: await this.storage.rollouts.load(head.id), sight };
  }

  private async find(id: string): Promise<RolloutHead> {
    const { rolloutReader } = this.storage;
    const latest = id === 'latest' ? (await rolloutReader.list({}, { limit: 1 })).items[0]?.id : undefined;
    const head = await rolloutReader.get(latest ?? id);
    if (!head) throw notFound('rollout', id);
    return head;
  }
}

/** Who was not asked is named in the answer; the audit keeps how many, and why nobody was. */
function toAudited({ state, checked, notChecked, beyondSample, reason }: StartedView['objectives']) {
  if (state === 'none') return 'none';
  if (state === 'unchecked') return { unchecked: reason };
  return { checked, notChecked: notChecked.length, beyondSample };
}

function seenOf(cluster: InventoryCluster | undefined): { facts: InventoryCluster['facts']; connected: boolean } {
  return { facts: cluster?.facts ?? null, connected: cluster?.connected ?? false };
}

/** What the agent says now; of an ended cluster nothing is true any more. */
function progressNow(row: RolloutCluster, seen: RolloutClusterView | null): Progress | null {
  return row.phase === 'done' ? null : (seen?.order?.progress ?? null);
}

function toAgentWords(progress: Progress | null) {
  return {
    agent: progress ? `${progress.phase}: ${describeReason(progress.reason)}` : null,
    drains: (progress?.drains ?? []).map(toDrainView),
    judged: progress?.samples ? toJudgedNow(progress.samples) : null,
  };
}

/** The judgement that is under way, of the phase that is asked for; it has no verdict yet. */
function judgedNow(progress: Progress | null, phase: string | null): KeptJudgement | null {
  if (!progress?.samples || (phase !== null && progress.phase !== phase)) return null;
  return { phase: progress.phase, verdict: null, samples: progress.samples };
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

function isIn(scope: ReturnType<typeof toScope>, row: RolloutCluster): boolean {
  if (scope.kind === 'cluster') return row.clusterId === scope.clusterId;
  return scope.kind === 'rollout' || row.wave === scope.wave;
}

function toScope(rollout: Rollout, wanted: z.infer<typeof shapes.RollbackRequest>) {
  if (wanted.scope === 'cluster') {
    return { kind: 'cluster' as const, clusterId: requireCluster(rollout, wanted.cluster ?? '').clusterId };
  }
  if (wanted.scope === 'wave') return { kind: 'wave' as const, wave: wanted.wave ?? 0 };
  return { kind: 'rollout' as const };
}

/** Why an order that was sent is not taken: the engine knows nothing of orders beside its own. */
async function orderWaits({ orderReader }: Pick<Storage, 'orderReader'>, row: RolloutCluster): Promise<Reason | null> {
  const { phase, orderId } = row;
  if (orderId === null || (phase !== 'ordered' && phase !== 'rollingBack')) return null;
  return (await orderReader.get(orderId))?.waits ?? null;
}
