import { describe, expect, it } from '@jest/globals';
import { nextOccurrence, type Cluster } from '@wavegate/fleet';
import type { DueSchedule, RequestAnswer, RequestedOrder, RequestStore, ScheduleRun, ScheduleStore } from './ports.js';
import { keepRequests } from './request-keeper.js';
import { sampleFacts } from './testing/sample-rollout.js';

/** Monday 2026-11-23, 03:00 UTC. */
const DUE = Date.UTC(2026, 10, 23, 3);
const RULE = { rrule: 'FREQ=WEEKLY;BYDAY=MO', start: '03:00', timeZone: 'UTC' };
const backup = { kind: 'backup', what: 'etcd', namespaces: [], selector: '', ttlMs: 0, name: '' } as const;

const cluster = (id: string, labels: Cluster['labels'] = { env: 'prod' }, facts = true): Cluster => ({
  ...{ id, name: `name-${id}`, labels, connected: true },
  facts: facts ? sampleFacts(`uid-${id}`, DUE) : null,
});

class World implements RequestStore, ScheduleStore {
  readonly orders = new Map<string, RequestedOrder>();
  readonly runs: ScheduleRun[] = [];
  readonly busy = new Set<string>();
  schedule: DueSchedule = {
    ...{ id: 's-1', selector: 'env=prod', rule: RULE, kind: 'backup', args: backup, plan: null, nextAt: DUE },
  };
  fleet: readonly Cluster[] = [cluster('c-1'), cluster('c-2'), cluster('c-3', { env: 'dev' })];
  at = DUE + 4_000;
  rings = 0;
  dieBeforeMoveOn = false;

  async request(order: RequestedOrder): Promise<RequestAnswer> {
    const stored = { order: { ...order, epoch: 1 } } as Extract<RequestAnswer, { kind: 'known' }>['order'];
    if (this.orders.has(order.id)) return { kind: 'known', order: stored };
    if (this.busy.has(order.clusterId)) return { kind: 'busy', by: stored };
    this.orders.set(order.id, order);
    return { kind: 'inserted', order: stored };
  }
  withdrawRequest = async () => ({ kind: 'unknown' }) as const;
  expireRequests = async () => 0;
  async due(): Promise<readonly DueSchedule[]> {
    return this.schedule.nextAt !== null && this.schedule.nextAt <= this.at ? [this.schedule] : [];
  }
  async moveOn({ nextAt: was }: DueSchedule, nextAt: number | null, run: ScheduleRun): Promise<void> {
    if (this.dieBeforeMoveOn) {
      this.dieBeforeMoveOn = false;
      throw new Error('the hub died here');
    }
    if (this.schedule.nextAt !== was) return;
    this.schedule = { ...this.schedule, nextAt };
    this.runs.push(run);
  }

  /** So many passes of the loop, then it is cancelled. */
  async keep(passes = 1): Promise<void> {
    let left = passes;
    const cancel = { cancelled: false, onCancel: () => () => undefined };
    const sleep = async (): Promise<void> => {
      left -= 1;
      cancel.cancelled = left <= 0;
    };
    const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
    await keepRequests({
      ...{ requests: this, schedules: this, clusters: async () => this.fleet, now: async () => this.at },
      orderBell: { ring: () => void (this.rings += 1), next: async () => undefined },
      ...{ clock: { now: () => this.at, sleep }, random: { next: () => 0.5 }, log: silent, cancel },
    });
  }
}

describe('schedules', () => {
  it('due → one order per cluster that the selector finds, with its kind and arguments, and the next run a week on', async () => {
    const world = new World();
    await world.keep();
    expect([...world.orders.values()].map(({ clusterId }) => clusterId).sort()).toEqual(['c-1', 'c-2']);
    expect([...world.orders.values()][0]).toMatchObject({
      ...{ kind: 'backup', args: backup, parent: { kind: 'schedule', id: `s-1/${DUE}` } },
    });
    expect(world.schedule.nextAt).toBe(DUE + 7 * 86_400_000);
    expect(world.runs).toEqual([{ dueAt: DUE, orders: 2, left: [] }]);
    expect(world.rings).toBe(1);
    await world.keep();
    expect(world.orders.size).toBe(2);
  });

  it('the hub dies between the orders and the note of the run → the same orders again, none twice', async () => {
    const world = new World();
    world.dieBeforeMoveOn = true;
    await world.keep(2);
    expect(world.orders.size).toBe(2);
    expect(world.runs).toHaveLength(1);
  });

  it('two replicas at once → one order per cluster, one run', async () => {
    const world = new World();
    await Promise.all([world.keep(), world.keep()]);
    expect(world.orders.size).toBe(2);
    expect(world.runs).toHaveLength(1);
  });

  it('clusters that are busy, or not known yet → left out by name, the others run', async () => {
    const world = new World();
    world.busy.add('c-1');
    world.fleet = [...world.fleet, cluster('c-4', { env: 'prod' }, false)];
    await world.keep();
    expect(world.runs[0]).toMatchObject({
      orders: 1,
      left: [
        { cluster: 'name-c-1', why: expect.stringMatching(/^busy with the backup order/) },
        { cluster: 'name-c-4', why: expect.stringContaining('facts') },
      ],
    });
  });

  it('the hub was away for a month → made up for once, then at the next moment of the rule', async () => {
    const world = new World();
    world.at = DUE + 31 * 86_400_000;
    await world.keep(3);
    expect(world.runs).toHaveLength(1);
    expect(world.schedule.nextAt).toBe(nextOccurrence(RULE, world.at));
  });
});
