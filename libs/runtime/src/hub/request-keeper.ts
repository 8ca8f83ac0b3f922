import {
  completeArgs,
  isReason,
  matches,
  nextOccurrence,
  orderOfRequest,
  planOfRequest,
  prefetchProblems,
  readPlanText,
  requestProblems,
  requireSelector,
  sha256Hex,
  type Cluster,
  type PlanOfRequest,
} from '@wavegate/fleet';
import type { LoopPorts } from './hub-loop.js';
import { runLoop } from './hub-loop.js';
import type { DueSchedule, RequestStore, ScheduleRun, ScheduleStore, WakeBell } from './ports.js';

export interface RequestKeeping extends LoopPorts {
  readonly requests: RequestStore;
  readonly schedules: ScheduleStore;
  /** The inventory as it is now, approved clusters only. */
  readonly clusters: () => Promise<readonly Cluster[]>;
  /** The store's clock. */
  readonly now: () => Promise<number>;
  /** Rung when orders were made: the dispatcher's. */
  readonly orderBell: WakeBell;
  readonly tickMs?: number;
}

/** Schedules looked at in one pass; the rest are found due in the next one. */
const MOST_DUE = 20;
const TICK_MS = 5_000;

/**
 * What no rollout looks after: requests that nobody took in time end, and schedules that are due make their orders.
 *
 * Every replica may run it. An order's id is derived from the schedule, the moment that was due and the cluster, so two
 * replicas, or one that died half-way and looks again, make the same orders and the store keeps one of each. A run that
 * was missed (the hub was away) is made up for once, not once per missed moment.
 */
export function keepRequests(keeping: RequestKeeping): Promise<void> {
  const pass = () => keepOnce(keeping);
  const pollMs = keeping.tickMs ?? TICK_MS;
  return runLoop({ name: 'request keeper', pass, forget: () => undefined, pollMs, bell: null }, keeping);
}

async function keepOnce({ requests, schedules, clusters, now, orderBell, log }: RequestKeeping): Promise<boolean> {
  const expired = await requests.expireRequests();
  if (expired > 0) log.info('requests not taken in time', { orders: expired });
  const due = await schedules.due(MOST_DUE);
  if (due.length === 0) return false;
  const fleet = await clusters();
  for (const schedule of due) {
    const at = await now();
    const run = await makeOrders({ schedule, requests, fleet, at });
    await schedules.moveOn(schedule, nextOccurrence(schedule.rule, at), run);
    if (run.orders > 0) orderBell.ring();
    log.info('schedule ran', { schedule: schedule.id, orders: run.orders, left: run.left.length });
  }
  return due.length === MOST_DUE;
}

interface Run {
  readonly schedule: DueSchedule;
  readonly requests: RequestStore;
  readonly fleet: readonly Cluster[];
  readonly at: number;
}

async function makeOrders({ schedule, requests, fleet, at }: Run): Promise<ScheduleRun> {
  const selector = requireSelector(schedule.selector);
  const left: { cluster: string; why: string }[] = [];
  let orders = 0;
  for (const cluster of fleet.filter(({ labels }) => matches(selector, labels))) {
    const why = await makeOrder({ schedule, requests, at }, cluster);
    if (why === null) orders += 1;
    else left.push({ cluster: cluster.name, why });
  }
  return { dueAt: schedule.nextAt ?? at, orders, left };
}

/** Null: the order is there (from now, or from a run that was interrupted). */
async function makeOrder({ schedule, requests, at }: Omit<Run, 'fleet'>, cluster: Cluster): Promise<string | null> {
  const { facts } = cluster;
  if (!facts) return 'its agent has not reported any facts yet';
  const plan = planOf(schedule, facts);
  if (typeof plan === 'string') return plan;
  const ahead = schedule.args.kind === 'prefetch' ? prefetchProblems(facts, plan.plan) : [];
  const [problem] = [...requestProblems(schedule.args, facts), ...ahead];
  if (problem) return problem.detail;
  const dueAt = schedule.nextAt ?? at;
  const parent = { kind: 'schedule', id: `${schedule.id}/${dueAt}` } as const;
  const args = completeArgs(schedule.args, facts);
  const order = orderOfRequest({ parent, cluster: { id: cluster.id, facts }, args, plan, at });
  const detail = { order: order.id, kind: order.kind, schedule: schedule.id, cluster: cluster.id, dueAt };
  const answer = await requests.request(order, {
    ...{ actor: `schedule/${schedule.id}`, action: 'order.requested', object: `order/${order.id}`, detail },
  });
  if (answer.kind === 'busy') return `busy with the ${answer.by.order.kind} order ${answer.by.order.id}`;
  return answer.kind === 'noCluster' ? 'it was removed' : null;
}

function planOf({ plan: canonical }: DueSchedule, facts: NonNullable<Cluster['facts']>): PlanOfRequest | string {
  if (canonical === null) {
    const made = planOfRequest(facts, {});
    return 'problems' in made ? (made.problems[0]?.detail ?? 'no plan can be made for it') : made;
  }
  const plan = readPlanText(canonical);
  return isReason(plan) ? `its plan cannot be read (${plan.code})` : { plan, canonical, digest: sha256Hex(canonical) };
}
