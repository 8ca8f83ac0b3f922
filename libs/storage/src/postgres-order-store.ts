import type {
  ActiveOrder,
  OrderStore,
  Outgoing,
  SessionRef,
  StoredOrder,
  StoredReport,
  TakenReport,
} from '@wavegate/runtime/hub';
import { commandsFor } from '@wavegate/runtime/hub';
import type { Database } from './database.js';
import { isAboutStatement, toJson } from './database.js';
import { GroupCommit } from './group-commit.js';
import { ORDER_COLUMNS, STANDING_COLUMNS, toOrder, toStanding, toStoredOrder, type StandingRow } from './order-rows.js';
import { takeReports, type SessionReport } from './report-group.js';
import type { OrderRow } from './rows.js';

/** Only the authoritative session of a cluster is told anything. An order's text only where it is still to be told. */
const OUTGOING = `
  SELECT ${STANDING_COLUMNS}, CASE WHEN o.state = 'open' THEN o.body END AS body, o.plan_digest,
    (o.body ->> 'deadline')::bigint AS deadline, s.generation, o.sent_at,
    now_ms() AS at
  FROM jsonb_to_recordset($1::jsonb) AS b ("clusterId" text, generation bigint)
  JOIN sessions s ON s.cluster_id = b."clusterId" AND s.generation = b.generation
  JOIN clusters c ON c.id = s.cluster_id AND c.removed_at IS NULL
  JOIN orders o ON o.cluster_id = s.cluster_id AND o.state IN ('open', 'confirmed', 'withdrawing')
  ORDER BY o.cluster_id, o.epoch`;

/** A thousand orders of one rollout have one plan: its text is read once, not a thousand times. */
const PLANS = `SELECT digest, canonical FROM plans WHERE digest = ANY($1::text[])`;

const SENT = `UPDATE orders SET sent_at = now_ms() WHERE id = ANY($1::text[]) AND sent_at IS NULL`;

const OF_CLUSTER = `
  SELECT ${ORDER_COLUMNS} FROM orders o JOIN plans p ON p.digest = o.plan_digest
  WHERE o.cluster_id = $1 ORDER BY o.epoch DESC LIMIT $2`;

type OutgoingRow = StandingRow & {
  readonly body: OrderRow['body'] | null;
  readonly plan_digest: string;
  readonly deadline: number;
  readonly generation: number;
  readonly sent_at: number | null;
  readonly at: number;
};

/** OrderStore on Postgres. The rules of an order's life are `answerReport` and `commandsFor`; here are rows and locks. */
export class PostgresOrderStore implements OrderStore {
  private readonly reports: GroupCommit<SessionReport, TakenReport>;

  constructor(private readonly database: Database) {
    this.reports = new GroupCommit({
      keyOf: ({ session }) => session.clusterId,
      together: (reports) => database.transaction((tx) => takeReports(tx, reports, false)),
      alone: async (report) => {
        const [taken] = await database.transaction((tx) => takeReports(tx, [report], true));
        if (!taken) throw new Error(`a report of ${report.session.clusterId} was left without an answer`);
        return taken;
      },
      mayBeOneItemsFault: isAboutStatement,
    });
  }

  async outgoing(sessions: readonly SessionRef[]): Promise<readonly Outgoing[]> {
    if (sessions.length === 0) return [];
    const rows = await this.database.rows<OutgoingRow>(OUTGOING, [toJson(sessions)]);
    const plans = await this.plansOf(rows.filter(({ state }) => state === 'open'));
    const outgoing = [...Map.groupBy(rows, ({ cluster_id: clusterId }) => clusterId)].flatMap(([clusterId, own]) => {
      const { generation, at } = own[0] ?? { generation: 0, at: 0 };
      const commands = commandsFor(
        own.map((row) => toActive(row, plans)),
        at,
      );
      return commands.map((command) => ({ session: { clusterId, generation }, command }));
    });
    const offered = new Set(outgoing.map(({ command }) => (command.kind === 'order' ? command.order.id : '')));
    const unsent = rows.filter(({ id, sent_at: sentAt }) => sentAt === null && offered.has(id)).map(({ id }) => id);
    if (unsent.length > 0) await this.database.affected(SENT, [unsent]);
    return outgoing;
  }

  take(session: SessionRef, report: StoredReport): Promise<TakenReport> {
    return this.reports.add({ session, report });
  }

  async ofCluster(clusterId: string, limit: number): Promise<readonly StoredOrder[]> {
    const rows = await this.database.rows<OrderRow>(OF_CLUSTER, [clusterId, limit]);
    return rows.map(toStoredOrder);
  }

  private async plansOf(rows: readonly OutgoingRow[]): Promise<ReadonlyMap<string, string>> {
    const digests = [...new Set(rows.map(({ plan_digest }) => plan_digest))];
    if (digests.length === 0) return new Map();
    const plans = await this.database.rows<{ digest: string; canonical: string }>(PLANS, [digests]);
    return new Map(plans.map(({ digest, canonical }) => [digest, canonical]));
  }
}

function toActive(row: OutgoingRow, plans: ReadonlyMap<string, string>): ActiveOrder {
  const { body, plan_digest: digest, deadline } = row;
  const order = body ? toOrder({ ...row, body, canonical: known(plans, digest) }) : null;
  return { standing: toStanding(row), order, deadline };
}

function known(plans: ReadonlyMap<string, string>, digest: string): string {
  const canonical = plans.get(digest);
  if (canonical === undefined) throw new Error(`no plan ${digest}`);
  return canonical;
}
