import type { RolloutCluster } from '@wavegate/rollout';
import type { AuditEntry, HubLog, InboxRow } from './ports.js';
import type { Batch, HeldRollout } from './rollout-batch.js';

/** Said by every cluster of a rollout in its turn, and in the audit anyway: their lines would hide the others. */
const QUIET: ReadonlySet<string> = new Set(['rollout.woke', 'rollout.orderStarted', 'person.notified']);

type Fields = Readonly<Record<string, unknown>>;

/** One line for each decision that was committed; rollout, cluster and attempt on every line that is about one. */
export function logDecisions(log: HubLog, rollout: HeldRollout, audit: readonly AuditEntry[]): void {
  for (const { actor, action, object, detail } of audit) {
    if (QUIET.has(action)) continue;
    const { cluster, attempt, state, reason } = detail;
    log.info(action, {
      rollout: rollout.head.id,
      ...aboutCluster(rollout, cluster),
      ...(attempt !== undefined && { attempt }),
      ...(object.startsWith('order/') && { order: object.slice('order/'.length) }),
      ...(state !== undefined && { state }),
      ...codeOf(reason),
      actor,
    });
  }
}

/** Events of older attempts, of ended rollouts: expected after a resend, and worth knowing when something is missed. */
export function logIgnored(
  log: HubLog,
  rollout: HeldRollout,
  rows: readonly InboxRow[],
  ignored: Batch['ignored'],
): void {
  const events = new Map(rows.map(({ seq, event }) => [seq, event]));
  for (const { seq, kind, why } of ignored) {
    const event = seq === null ? undefined : events.get(seq);
    const cluster = event && 'clusterId' in event ? event.clusterId : undefined;
    log.info('event did not fit', {
      rollout: rollout.head.id,
      ...aboutCluster(rollout, cluster),
      seq,
      event: kind,
      why,
    });
  }
}

/** What a line about an action says, in the same words. */
export function aboutCluster(
  { clusters }: { readonly clusters: ReadonlyMap<string, RolloutCluster> },
  id: unknown,
): Fields {
  if (typeof id !== 'string') return {};
  const row = clusters.get(id);
  return row ? { cluster: id, name: row.clusterName, attempt: row.attempt } : { cluster: id };
}

function codeOf(reason: unknown): Fields {
  return typeof reason === 'object' && reason !== null && 'code' in reason ? { reason: reason.code } : {};
}
