import type { Statements } from './database.js';

const TELL = `
  INSERT INTO inbox (rollout_id, at, event)
  SELECT c.rollout_id, now_ms(), jsonb_build_object('kind', $1::text, 'clusterId', c.cluster_id)
  FROM rollout_clusters c JOIN rollouts r ON r.id = c.rollout_id
  WHERE c.cluster_id = ANY($2::text[]) AND r.finished_at IS NULL
  ORDER BY c.rollout_id, c.position`;

/**
 * Tells every unfinished rollout that has these clusters. Its own statement on purpose, after the sessions' rows were
 * locked: only then does it see a rollout that was created while it waited for the lock.
 */
export async function tellRollouts(
  tx: Statements,
  kind: 'agentLost' | 'agentReturned',
  clusterIds: readonly string[],
): Promise<void> {
  if (clusterIds.length > 0) await tx.affected(TELL, [kind, [...clusterIds]]);
}
