import { randomBytes } from 'node:crypto';
import { nextOccurrence, occurrenceProblem, type OrderArgs } from '@wavegate/fleet';
import { ScheduleNameTaken, type Storage } from '@wavegate/storage';
import type { z } from 'zod';
import type { Principal } from '../auth/token.guard.js';
import { ARGS_SHAPES } from '../rest/order-shapes.js';
import type * as shapes from '../rest/order-shapes.js';
import { toScheduleView } from '../rest/order-views.js';
import { notFound, Problem, type ProblemDetail } from '../rest/problem.js';
import { readSelector } from './cluster-desk.js';

type ScheduleView = z.infer<typeof shapes.ScheduleShape>;
type Wanted = z.infer<typeof shapes.ScheduleRequest>;

/** Orders that come again by themselves: nightly preflights, backups, the restore drill. */
export class ScheduleDesk {
  constructor(private readonly storage: Pick<Storage, 'schedules' | 'plans' | 'rollouts'>) {}

  async create(wanted: Wanted, { name: by }: Pick<Principal, 'name'>): Promise<ScheduleView> {
    const { name, selector, rrule, start, timeZone, kind } = wanted;
    const rule = { rrule, start, timeZone };
    readSelector(selector, '/selector');
    const args = this.argsOf(wanted);
    const problem = occurrenceProblem(rule);
    if (problem) throw invalid([{ pointer: `/${problem.field}`, code: problem.code, detail: problem.detail }]);
    const plan = wanted.plan === undefined ? null : await this.storage.plans.get(wanted.plan);
    if (wanted.plan !== undefined && !plan) throw notFound('plan', wanted.plan);
    const nextAt = nextOccurrence(rule, await this.storage.rollouts.now());
    const id = randomBytes(4).toString('hex');
    const detail = { schedule: id, name, selector, kind, args, ...rule };
    const audit = { actor: by, action: 'schedule.created', object: `schedule/${id}`, detail };
    const schedule = { ...{ id, name, selector, rule, kind, args, createdBy: by, nextAt }, plan: null };
    try {
      await this.storage.schedules.add(schedule, plan?.digest ?? null, audit);
    } catch (error) {
      if (!(error instanceof ScheduleNameTaken)) throw error;
      throw new Problem(409, 'schedule-name-taken', `There is a schedule "${name}" already`, {
        detail: `Delete it first (wavegate schedules delete ${name}), or choose another name.`,
      });
    }
    return this.get(id);
  }

  async list(): Promise<z.infer<typeof shapes.ScheduleListShape>> {
    return { items: (await this.storage.schedules.list()).map(toScheduleView) };
  }

  async get(schedule: string): Promise<ScheduleView> {
    const found = await this.storage.schedules.get(schedule);
    if (!found) throw notFound('schedule', schedule);
    return toScheduleView(found);
  }

  async remove(schedule: string, { name: by }: Pick<Principal, 'name'>): Promise<void> {
    const found = await this.storage.schedules.get(schedule);
    if (!found) throw notFound('schedule', schedule);
    const { id, name } = found;
    const audit = { actor: by, action: 'schedule.deleted', object: `schedule/${id}`, detail: { schedule: id, name } };
    await this.storage.schedules.remove(id, audit);
  }

  /** By the shape of the kind; what would mean another thing at each cluster, or the same thing twice, is refused. */
  private argsOf({ kind, args, plan }: Wanted): OrderArgs {
    if (kind === 'drain') {
      const detail = 'a drain names one node of one cluster; ask for it there: wavegate clusters drain NAME --node N';
      throw invalid([{ pointer: '/kind', code: 'not_for_schedules', detail }]);
    }
    if (kind === 'prefetch' && plan === undefined) {
      const detail = 'a prefetch needs a version to fetch: name a stored plan, whose target it is';
      throw invalid([{ pointer: '/plan', code: 'plan_missing', detail }]);
    }
    const read = ARGS_SHAPES[kind].safeParse(args);
    if (!read.success) {
      throw invalid(
        read.error.issues.map(({ path, code, message }) => ({
          ...{ pointer: ['/args', ...path.map(String)].join('/'), code, detail: message },
        })),
      );
    }
    const made = { ...read.data, kind } as OrderArgs;
    if (made.kind === 'backup' && made.name !== '') {
      const detail = 'every run needs a name of its own, made from its order; leave it out';
      throw invalid([{ pointer: '/args/name', code: 'not_for_schedules', detail }]);
    }
    return made;
  }
}

function invalid(errors: readonly ProblemDetail[]): Problem {
  return new Problem(422, 'request-invalid', 'The schedule is not valid', { errors });
}
