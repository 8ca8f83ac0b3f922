import type { RolloutCluster, WaveState } from './rollout.js';

/** Everything that one pass over the rows tells the rest of a decision. Lists are in rollout order (`position`). */
export interface Survey {
  /** Not started, in a wave that has opened. */
  readonly candidates: readonly RolloutCluster[];
  /** A person asked for their rollback; they wait for a slot. */
  readonly rollbacks: readonly RolloutCluster[];
  /** Hop done, the next one not yet ordered; they keep their slot. */
  readonly betweenHops: readonly RolloutCluster[];
  /** Order out, not begun. */
  readonly ordered: readonly RolloutCluster[];
  /** Begun, and not lost. */
  readonly running: readonly RolloutCluster[];
  readonly lost: readonly RolloutCluster[];
  /** Lowest ring with a cluster that is not done: later rings wait for it. Infinity when there is none. */
  readonly barrier: number;
}

const UNBEGUN = new Set(['order_sent', 'order_expired', 'order_withdrawn']);

/** Its order is out, and the agent has not said that it began. */
export function isUnbegun(row: RolloutCluster): boolean {
  return row.phase === 'ordered' || (row.phase === 'rollingBack' && UNBEGUN.has(row.reason.code));
}

/** Half-way: an earlier hop is done, the next is not ordered. */
export function isBetweenHops(row: RolloutCluster): boolean {
  return row.phase === 'upgrading' && row.orderId === null;
}

/** A rollback that a person asked for and that has no order yet: it waits, and still has its former outcome. */
export function isPendingRollback(row: RolloutCluster): boolean {
  return row.phase === 'waiting' && row.outcome !== null;
}

/**
 * The one scan of a decision: linear, and written flat, because at 5,000 rows it is most of what a decision costs.
 * Rows of waves that have not opened are passed over.
 */
export function survey(
  rows: ReadonlyMap<string, RolloutCluster>,
  changed: ReadonlyMap<string, RolloutCluster>,
  waves: readonly WaveState[],
): Survey {
  const opened = waves.map(({ openedAt }) => openedAt !== null);
  const candidates: RolloutCluster[] = [];
  const active: RolloutCluster[] = [];
  let barrier = Infinity;
  for (const stored of rows.values()) {
    const row = changed.size === 0 ? stored : (changed.get(stored.clusterId) ?? stored);
    if (row.phase === 'done') continue;
    if (row.ring !== null && row.ring < barrier) barrier = row.ring;
    if (row.phase !== 'waiting' || row.outcome !== null) active.push(row);
    else if (opened[row.wave - 1] === true) candidates.push(row);
  }
  inOrder(candidates);
  inOrder(active);
  return {
    candidates,
    rollbacks: active.filter(isPendingRollback),
    betweenHops: active.filter(isBetweenHops),
    ordered: active.filter(isUnbegun),
    running: active.filter(isRunning),
    lost: active.filter(({ phase }) => phase === 'lost'),
    barrier,
  };
}

function isRunning(row: RolloutCluster): boolean {
  return (row.phase === 'upgrading' || row.phase === 'rollingBack') && !isBetweenHops(row) && !isUnbegun(row);
}

/** A store may load rows in any order; sorting is paid for only then. */
function inOrder(rows: RolloutCluster[]): void {
  for (let i = 1; i < rows.length; i += 1) {
    if ((rows[i - 1]?.position ?? 0) > (rows[i]?.position ?? 0)) {
      rows.sort((a, b) => a.position - b.position);
      return;
    }
  }
}
