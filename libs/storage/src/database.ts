import type { DataSource, QueryRunner } from 'typeorm';
import { QueryFailedError } from 'typeorm';

/** Where statements run: a pooled connection, or the one that holds a transaction. */
export interface Statements {
  /** Rows of a statement, also of `INSERT/UPDATE … RETURNING`. */
  rows<Row>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>;
  /** Number of rows that a statement changed: the answer of a compare-and-set. */
  affected(sql: string, params?: readonly unknown[]): Promise<number>;
}

/**
 * Plain SQL over TypeORM's connections. There are no entities on purpose: a stale `save()` overwrites what another
 * replica wrote, and every write that matters here is a compare-and-set with its count checked.
 */
export class Database implements Statements {
  constructor(private readonly dataSource: DataSource) {}

  async rows<Row>(sql: string, params: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.withRunner((runner) => run(runner, sql, params)).then(({ records }) => records as Row[]);
  }

  async affected(sql: string, params: readonly unknown[] = []): Promise<number> {
    return this.withRunner((runner) => run(runner, sql, params)).then(({ affected }) => affected);
  }

  /** READ COMMITTED: each statement sees what was committed before it, which the stores rely on after taking a lock. */
  async transaction<T>(act: (tx: Statements) => Promise<T>): Promise<T> {
    return this.withRunner(async (runner) => {
      // Without a level here: naming it costs a round trip, and every connection of ours has it as its default.
      await runner.startTransaction();
      try {
        const result = await act({
          rows: async <Row>(sql: string, params: readonly unknown[] = []) =>
            (await run(runner, sql, params)).records as Row[],
          affected: async (sql, params = []) => (await run(runner, sql, params)).affected,
        });
        await runner.commitTransaction();
        return result;
      } catch (error) {
        // The connection may be what failed; the first error is the one that tells.
        await runner.rollbackTransaction().catch(() => undefined);
        throw error;
      }
    });
  }

  private async withRunner<T>(act: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return await act(runner);
    } finally {
      await runner.release();
    }
  }
}

async function run(runner: QueryRunner, sql: string, params: readonly unknown[]) {
  const { records, affected } = await runner.query(sql, [...params], true);
  return { records: (records ?? []) as unknown[], affected: affected ?? 0 };
}

/**
 * JSON for a jsonb column. PostgreSQL refuses NUL and lone surrogates in jsonb; both can come in an agent's texts, and
 * a report that can never be committed would be sent again for ever.
 */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  // Both are written as \u…; almost no text has one, and looking at each string costs more than all the rest.
  if (!text?.includes('\\u')) return text as string;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? item.replaceAll('\0', '').toWellFormed() : item,
  );
}

/** A row with this key was committed by somebody else meanwhile. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  return (error.driverError as { readonly code?: string }).code === '23505';
}

/** SQLSTATE classes of a server that is going, full or broken: connection, resources, shutdown, system, internal. */
const STORE_AWAY = /^(08|53|57P|58|XX)/;

/**
 * The database answered, and refused this statement (a value, a constraint, a deadlock, a lock waited for too long), or
 * our own code stumbled over a value. Anything else means that the database is away.
 */
export function isAboutStatement(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  if (!(error instanceof QueryFailedError)) return false;
  const { code, severity } = error.driverError as { readonly code?: string; readonly severity?: string };
  return severity !== undefined && code !== undefined && !STORE_AWAY.test(code);
}
