import { reason, type Reason, type ReasonCode } from '@wavegate/fleet';
import type { Draft } from './draft.js';
import { isJudged } from './gates/verdict.js';
import type { RolloutCluster, WaveState } from './rollout.js';

/** Skips that say nothing about the change: the agent was away, a person left it out, or it was taken back unbegun. */
const LEFT_OUT: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'offline_skipped',
  'skipped_by_person',
  'rollback_asked',
  'aborted_mid_order',
  'order_stopped',
  'order_withdrawn',
  'rollout_aborted',
  'already_at_target',
]);

/**
 * Why a wave in which nothing was upgraded may not pass: clusters of it were refused before anything was changed (a
 * finding blocks, the agent's own policy says no), so the next wave would begin on no evidence, and for a cause that
 * may be the plan's. Null where only absence and people left clusters out, where something was upgraded or failed (the
 * verdict speaks of that), and at the last wave of a rollout that has upgraded something before: nothing follows it.
 */
export function whyUnproven(draft: Draft, wave: WaveState): Reason | null {
  if (wave.phase !== 'soaking' || isJudged(wave) || wave.skipped === 0) return null;
  const isLast = wave.index === draft.allWaves.length;
  if (isLast && draft.allWaves.some(({ upgraded }) => upgraded > 0)) return null;
  // A pass over all rows, but only of a wave that is through and changed nothing: it asks a person, and rests.
  const refused = [...draft.rows()].filter((row) => row.wave === wave.index && isRefused(row));
  const first = refused.reduce<RolloutCluster | null>((a, b) => (a && a.position < b.position ? a : b), null);
  if (!first) return null;
  const because = becauseOf(first);
  return reason('wave_upgraded_nothing', {
    ...{ wave: wave.index, refused: refused.length, cluster: first.clusterName, because },
  });
}

function isRefused({ outcome }: RolloutCluster): boolean {
  return outcome?.kind === 'skipped' && !LEFT_OUT.has(outcome.reason.code);
}

/** The finding where a preflight named one, else the reason's own code. */
function becauseOf({ reason: { code, params } }: RolloutCluster): string {
  return code === 'preflight_blocked' ? String(params['first'] ?? code) : code;
}
