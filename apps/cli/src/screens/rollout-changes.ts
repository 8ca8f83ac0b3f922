import type { Rollout, RolloutCluster } from '../gen/types.gen.js';
import { reasonText, type ScreenOptions } from './moment.js';
import { phaseCell, waitsFor } from './rollout-cluster-row.js';
import { waveWords } from './wave-line.js';

export interface RolloutSight {
  readonly rollout: Rollout;
  readonly clusters: readonly RolloutCluster[];
}

/** One line per thing that is different now; time that merely passed is not a difference. */
export function changedLines(before: RolloutSight, after: RolloutSight, options: ScreenOptions): string[] {
  return [
    ...clusterChanges(before.clusters, after.clusters, options),
    ...waveChanges(before.rollout, after.rollout, options),
    ...stateChanges(before.rollout, after.rollout, options),
  ];
}

function clusterChanges(
  before: readonly RolloutCluster[],
  after: readonly RolloutCluster[],
  options: ScreenOptions,
): string[] {
  const known = new Map(before.map((row) => [row.id, fingerprint(row)]));
  return after
    .filter((row) => known.get(row.id) !== fingerprint(row))
    .map((row) => `${row.name}  ${phaseCell(row).text}  ${row.versions}  ${waitsFor(row, options)}`);
}

/** Reasons that a whole wave shares: its own line tells them once. */
const WAVE_NEWS = new Set([
  ...['waiting_for_slot', 'waiting_for_proof', 'waiting_for_wave', 'waiting_for_ring', 'soak_running'],
  ...['verdict_missing', 'verdict_undecided', 'wave_upgraded_nothing', 'approval_missing', 'budget_exceeded'],
  ...['same_failure', 'rollout_paused', 'rollout_aborted'],
]);

/** Whatever the row's line is made of, but for the clock. A cluster that only waits for its turn is not news. */
function fingerprint({ phase, reason, progress, outcome, attempt, versions, connected }: RolloutCluster): string {
  const quiet = phase === 'waiting' && WAVE_NEWS.has(reason.code);
  const why = quiet ? '' : progress ? [progress.reason.code, progress.reason.params, progress.nodesDone] : reason;
  return JSON.stringify([phase, why, outcome?.text, attempt, versions, connected]);
}

function waveChanges(before: Rollout, after: Rollout, options: ScreenOptions): string[] {
  return after.waves.flatMap((wave, at) => {
    const old = before.waves[at];
    const now = waveWords(wave, after, options);
    const then = old && waveWords(old, before, options);
    if (then && then.word === now.word && old.upgraded === wave.upgraded && old.failures === wave.failures) return [];
    return [`WAVE ${wave.index} ${wave.share}  ${now.sign} ${now.word}  ${now.story}`];
  });
}

function stateChanges(before: Rollout, after: Rollout, options: ScreenOptions): string[] {
  if (before.state === after.state && before.asks?.code === after.asks?.code) return [];
  const asks = after.asks ? `; asks a person: ${reasonText(after.asks, options)}` : '';
  return [`rollout ${after.id} ${after.state}: ${reasonText(after.reason, options)}${asks}`];
}
