import type { OccurrenceRule, OrderArgs, OrderKind } from '@wavegate/fleet';
import type { AuditEntry, DueSchedule, ScheduleStore as SchedulePort, ScheduleRun } from '@wavegate/runtime/hub';
import { appendAudit } from './audit-log.js';
import type { Database } from './database.js';
import { isUniqueViolation, toJson } from './database.js';

/** Orders that the hub makes by itself, again and again, for the clusters that a selector then finds. */
export interface StoredSchedule extends DueSchedule {
  readonly name: string;
  readonly createdBy: string;
  readonly createdAt: number;
  readonly lastRun: ScheduleRun | null;
}

export type NewSchedule = Omit<StoredSchedule, 'createdAt' | 'lastRun'>;

interface ScheduleRow {
  readonly id: string;
  readonly name: string;
  readonly selector: string;
  readonly rule: OccurrenceRule;
  readonly kind: OrderKind;
  readonly args: OrderArgs;
  readonly canonical: string | null;
  readonly created_by: string;
  readonly created_at: number;
  readonly next_at: number | null;
  readonly last_run: ScheduleRun | null;
}

const COLUMNS = `
  s.id, s.name, s.selector, s.rule, s.kind, s.args, p.canonical, s.created_by, s.created_at, s.next_at, s.last_run`;
const FROM = `FROM schedules s LEFT JOIN plans p ON p.digest = s.plan_digest`;
const LIST = `SELECT ${COLUMNS} ${FROM} WHERE s.removed_at IS NULL ORDER BY s.name`;
const GET = `SELECT ${COLUMNS} ${FROM} WHERE s.removed_at IS NULL AND (s.id = $1 OR s.name = $1) ORDER BY s.id = $1 DESC LIMIT 1`;
const DUE = `SELECT ${COLUMNS} ${FROM} WHERE s.removed_at IS NULL AND s.next_at <= now_ms() ORDER BY s.next_at, s.id LIMIT $1`;
const INSERT = `
  INSERT INTO schedules (id, name, selector, rule, kind, args, plan_digest, created_by, created_at, next_at)
  VALUES ($1, $2, $3, $4::jsonb, $5, $6::jsonb, $7, $8, now_ms(), $9)`;
/** Whoever was first moved it on; the others' orders of this run are the same orders. */
const MOVE_ON = `
  UPDATE schedules SET next_at = $3, last_run = $4::jsonb WHERE id = $1 AND next_at = $2 AND removed_at IS NULL`;
const REMOVE = `UPDATE schedules SET removed_at = now_ms() WHERE id = $1 AND removed_at IS NULL`;

/** Another schedule has this name. */
export class ScheduleNameTaken extends Error {
  override readonly name = 'ScheduleNameTaken';
}

export class ScheduleStore implements SchedulePort {
  constructor(private readonly database: Database) {}

  /** Throws ScheduleNameTaken. */
  async add(schedule: NewSchedule, planDigest: string | null, audit: AuditEntry): Promise<void> {
    const { id, name, selector, rule, kind, args, createdBy, nextAt } = schedule;
    const values = [id, name, selector, toJson(rule), kind, toJson(args), planDigest, createdBy, nextAt];
    try {
      await this.database.transaction(async (tx) => {
        await tx.affected(INSERT, values);
        await appendAudit(tx, [audit]);
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new ScheduleNameTaken(`there is a schedule "${name}" already`);
      throw error;
    }
  }

  async list(): Promise<readonly StoredSchedule[]> {
    return (await this.database.rows<ScheduleRow>(LIST)).map(toSchedule);
  }

  /** By id or name. */
  async get(idOrName: string): Promise<StoredSchedule | null> {
    const [row] = await this.database.rows<ScheduleRow>(GET, [idOrName]);
    return row ? toSchedule(row) : null;
  }

  async due(limit: number): Promise<readonly DueSchedule[]> {
    return (await this.database.rows<ScheduleRow>(DUE, [limit])).map(toSchedule);
  }

  async moveOn(schedule: DueSchedule, nextAt: number | null, run: ScheduleRun): Promise<void> {
    await this.database.affected(MOVE_ON, [schedule.id, schedule.nextAt, nextAt, toJson(run)]);
  }

  /** False: there is none. */
  async remove(id: string, audit: AuditEntry): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      if ((await tx.affected(REMOVE, [id])) === 0) return false;
      await appendAudit(tx, [audit]);
      return true;
    });
  }
}

function toSchedule(row: ScheduleRow): StoredSchedule {
  const { id, name, selector, rule, kind, args, canonical: plan } = row;
  const made = { createdBy: row.created_by, createdAt: row.created_at };
  return { ...{ id, name, selector, rule, kind, args, plan }, ...made, nextAt: row.next_at, lastRun: row.last_run };
}
