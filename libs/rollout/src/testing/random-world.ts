import { reason, type VerdictKind } from '@wavegate/fleet';
import type { RolloutAction } from '../action.js';
import { applyDecision } from '../apply-decision.js';
import { decide } from '../decide.js';
import type { RolloutEvent } from '../event.js';
import { checkInvariants } from '../invariants.js';
import type { Rollout, RolloutCluster } from '../rollout.js';
import { halted, rolledBack, upgraded, type Untimed } from './agent-play.js';
import { MINUTE, MONDAY_8 } from './fleet-fixture.js';

/** One turn's choices: what happens, to which of the clusters it can happen to, and what the network makes of it. */
export interface Turn {
  readonly what: (typeof HAPPENINGS)[number];
  readonly which: number;
  readonly how: number;
  /** Turns that its report is under way: later ones overtake it. */
  readonly delay: number;
  readonly twice: boolean;
  readonly dropped: boolean;
  readonly minutes: number;
}

/** Weighted by repetition: work is common, commands and faults are rare, or no world would come past its first wave. */
export const HAPPENINGS = [
  'begin', 'begin', 'begin', 'begin', 'begin', 'begin', 'begin', 'begin', 'end', 'end', 'end', 'end', 'end', 'end', 'end',
  'end', 'wake', 'wake', 'wake', 'wake', 'judge', 'judge', 'judge', 'return', 'return', 'approve', 'approve', 'approve',
  'resume', 'resume', 'retry', 'fail', 'lose', 'refuse', 'approveOther', 'pause', 'skip', 'rollBack', 'forge', 'abort',
] as const; // prettier-ignore

interface TrueOrder {
  readonly clusterId: string;
  readonly orderKind: string;
  readonly startBy: number;
  state: 'sent' | 'begun' | 'ended' | 'withdrawn';
}

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;

/**
 * A world of agents that tell the truth over a network that does not deliver it in order, once, or at all. It knows
 * what every order really did, so it can tell a promise kept from a promise that only looks kept in the rows.
 */
export class RandomWorld {
  now = MONDAY_8;
  readonly violations: string[] = [];
  readonly history: RolloutEvent[] = [];
  readonly happened = new Map<string, number>();
  private readonly orders = new Map<string, TrueOrder>();
  private readonly spent: { clusterId: string; orderId: string }[] = [];
  private mail: { due: number; event: Untimed }[] = [];
  private turn = 0;

  readonly firstRollout: Rollout;

  constructor(public rollout: Rollout) {
    this.firstRollout = rollout;
    this.deliver({ kind: 'started' });
  }

  play(turns: readonly Turn[]): void {
    for (const turn of turns) {
      this.turn += 1;
      this.now += turn.minutes * MINUTE;
      const event = this.eventOf(turn);
      if (event && !(turn.dropped && event.kind !== 'waveJudged' && isReport(event))) {
        this.mail.push({ due: this.turn + turn.delay, event });
        if (turn.twice && isReport(event)) this.mail.push({ due: this.turn + turn.delay * 2, event });
      } else if (event) {
        // Reports are durable: one that is lost is sent again, much later.
        this.mail.push({ due: this.turn + 20, event });
      }
      this.deliverDue();
    }
  }

  /** Faults stop and people do their work: the rollout must come to an end. */
  heal(): void {
    for (let turn = 0; turn < 2000 && this.rollout.head.finishedAt === null; turn += 1) {
      this.turn += 100;
      this.deliverDue();
      const { head } = this.rollout;
      for (const row of this.rows((r) => r.offlineSince !== null))
        this.deliver({ kind: 'agentReturned', clusterId: row.clusterId });
      if (head.state === 'paused' || head.state === 'blocked') this.deliver({ kind: 'resumed', by: 'ada', allow: 5 });
      for (const by of ['ada', 'bob', 'eve'])
        this.deliver({ kind: 'approved', by, wave: head.currentWave, planDigest: head.planDigest });
      for (const [orderId, order] of this.orders) this.carryOut(orderId, order);
      this.deliver(this.judged('promote'));
      this.now = Math.max(this.now + MINUTE, this.rollout.head.wakeAt ?? 0);
      this.deliver({ kind: 'woke' });
    }
  }

  private carryOut(orderId: string, order: TrueOrder): void {
    if (order.state === 'sent' && this.now < order.startBy) {
      order.state = 'begun';
      this.deliver({ kind: 'orderStarted', clusterId: order.clusterId, orderId });
    }
    if (order.state !== 'begun') return;
    order.state = 'ended';
    const outcome = order.orderKind === 'rollback' ? rolledBack() : upgraded();
    this.deliver({ kind: 'clusterEnded', clusterId: order.clusterId, orderId, outcome });
  }

  private deliverDue(): void {
    const due = this.mail.filter((mail) => mail.due <= this.turn);
    this.mail = this.mail.filter((mail) => mail.due > this.turn);
    for (const { event } of due) this.deliver(event);
  }

  deliver(untimed: Untimed): void {
    const event = { ...untimed, at: this.now } as RolloutEvent;
    const before = this.rollout;
    const decision = decide(before, event);
    this.history.push(event);
    for (const broken of checkInvariants(before, event, decision)) this.violations.push(`${event.kind}: ${broken}`);
    if (decision.ignored === null) this.count(event.kind);
    this.rollout = applyDecision(before, decision);
    for (const action of decision.actions) this.take(action, before);
  }

  private take(action: RolloutAction, before: Rollout): void {
    this.count(action.kind);
    if (action.kind === 'sendOrder') this.takeOrder(action, before);
    if (action.kind === 'withdrawOrder') this.takeWithdrawal(action.orderId);
  }

  private takeOrder(action: SendOrder, before: Rollout): void {
    const { clusterId, orderId, orderKind, startBy } = action;
    if (this.orders.has(orderId)) this.violations.push(`an order takes effect at most once: ${orderId} came twice`);
    const givenUp = before.clusters.get(clusterId)?.attempt !== 1;
    for (const other of this.orders.values()) {
      if (other.clusterId === clusterId && (other.state === 'sent' || (other.state === 'begun' && !givenUp)))
        this.violations.push(`one order at a time in one cluster: ${clusterId}`);
    }
    this.orders.set(orderId, { clusterId, orderKind, startBy, state: 'sent' });
  }

  private takeWithdrawal(orderId: string): void {
    const order = this.orders.get(orderId);
    if (!order) return;
    const { clusterId } = order;
    if (order.state === 'sent') {
      order.state = 'withdrawn';
      this.post({ kind: 'orderWithdrawn', clusterId, orderId });
    } else if (order.state === 'begun') {
      order.state = 'ended';
      const why = reason('aborted_mid_order');
      const outcome = { kind: 'halted' as const, reason: why, standing: {}, cordoned: ['n-2'] };
      this.post({ kind: 'clusterEnded', clusterId, orderId, outcome });
    }
    this.spent.push({ clusterId, orderId });
  }

  private post(event: Untimed): void {
    this.mail.push({ due: this.turn + 2, event });
  }

  private count(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }

  private rows(fits: (row: RolloutCluster) => boolean): RolloutCluster[] {
    return [...this.rollout.clusters.values()].filter(fits);
  }

  private pick<T>(from: readonly T[], turn: Turn): T | undefined {
    return from[turn.which % Math.max(1, from.length)];
  }

  private orderIn(turn: Turn, state: TrueOrder['state']): [string, TrueOrder] | undefined {
    return this.pick(
      [...this.orders].filter(([, order]) => order.state === state),
      turn,
    );
  }

  private judged(kind: VerdictKind): Untimed {
    const verdict = { schema: 1 as const, kind, period: null, reasons: [], slis: [] };
    return { kind: 'waveJudged', wave: this.rollout.head.currentWave, verdict };
  }

  private eventOf(turn: Turn): Untimed | null {
    const { head } = this.rollout;
    const cluster = this.pick(
      this.rows(() => true),
      turn,
    );
    switch (turn.what) {
      case 'begin':
      case 'refuse':
        return this.beginOrRefuse(turn);
      case 'end':
      case 'fail':
        return this.endOne(turn);
      case 'judge':
        return this.judged(
          (['promote', 'promote', 'promote', 'hold', 'inconclusive', 'rollback'] as const)[turn.how % 6] ?? 'hold',
        );
      case 'lose':
        return cluster ? { kind: 'agentLost', clusterId: cluster.clusterId } : null;
      case 'return': {
        const away = this.pick(
          this.rows((row) => row.offlineSince !== null),
          turn,
        );
        return away ? { kind: 'agentReturned', clusterId: away.clusterId } : null;
      }
      case 'wake':
        this.now = Math.max(this.now, head.wakeAt ?? 0);
        return { kind: 'woke' };
      case 'forge': {
        const old = this.pick(this.spent, turn);
        return old ? { kind: 'clusterEnded', ...old, outcome: upgraded() } : null;
      }
      default:
        return this.command(turn, cluster);
    }
  }

  private beginOrRefuse(turn: Turn): Untimed | null {
    const [orderId, order] = this.orderIn(turn, 'sent') ?? [];
    if (!orderId || !order || this.now >= order.startBy) return null;
    const { clusterId } = order;
    if (turn.what === 'begin') {
      order.state = 'begun';
      return { kind: 'orderStarted', clusterId, orderId };
    }
    order.state = 'ended';
    this.spent.push({ clusterId, orderId });
    const reasons = [
      reason('local_policy', { rule: 'no upgrades on Mondays' }),
      reason('agent_busy', { order: 'other' }),
      reason('cluster_uid_mismatch', { expected: 'a', found: 'b' }),
    ];
    return {
      kind: 'orderRefused',
      clusterId,
      orderId,
      reason: reasons[turn.how % 3] ?? reason('twin_agent', { generation: 2 }),
    };
  }

  private endOne(turn: Turn): Untimed | null {
    const [orderId, order] = this.orderIn(turn, 'begun') ?? [];
    if (!orderId || !order) return null;
    order.state = 'ended';
    this.spent.push({ clusterId: order.clusterId, orderId });
    const good = order.orderKind === 'rollback' ? rolledBack() : upgraded();
    const bad = turn.how % 2 === 0 || order.orderKind === 'rollback' ? halted() : rolledBack();
    const outcome = turn.what === 'end' ? good : bad;
    return { kind: 'clusterEnded', clusterId: order.clusterId, orderId, outcome };
  }

  private failed(turn: Turn): string | undefined {
    const failed = this.rows(({ phase, outcome }) => phase === 'done' && outcome?.kind !== 'upgraded');
    return this.pick(failed, turn)?.clusterId;
  }

  private command(turn: Turn, cluster: RolloutCluster | undefined): Untimed | null {
    const { head } = this.rollout;
    const by = ['ada', 'bob', 'eve'][turn.how % 3] ?? 'ada';
    const clusterId = cluster?.clusterId ?? '';
    switch (turn.what) {
      case 'approve':
        return { kind: 'approved', by, wave: head.currentWave, planDigest: head.planDigest };
      case 'approveOther':
        return { kind: 'approved', by, wave: head.currentWave, planDigest: 'the digest of another plan' };
      case 'pause':
        return { kind: 'paused', by };
      case 'resume':
        return { kind: 'resumed', by, allow: turn.how % 3 };
      case 'retry':
        return { kind: 'retried', by, clusterId: this.failed(turn) ?? clusterId };
      case 'skip':
        return { kind: 'skipped', by, clusterId };
      case 'abort':
        // Rare, or few worlds would live long enough to show anything else.
        return turn.how % 4 === 0 ? { kind: 'aborted', by } : null;
      default: {
        const scopes = [
          { kind: 'cluster' as const, clusterId },
          { kind: 'wave' as const, wave: head.currentWave },
          { kind: 'rollout' as const },
        ];
        return { kind: 'rollbackAsked', by, scope: scopes[turn.how % 3] ?? { kind: 'rollout' }, approvedRungs: [] };
      }
    }
  }
}

/** Said by an agent, over the network; what people ask for is stored at once. */
function isReport(event: Untimed): boolean {
  return ['orderStarted', 'orderRefused', 'orderWithdrawn', 'clusterEnded'].includes(event.kind);
}
