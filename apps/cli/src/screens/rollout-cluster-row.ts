import type { RolloutCluster } from '../gen/types.gen.js';
import type { Cell } from './columns.js';
import { reasonText, sinceText, type ScreenOptions } from './moment.js';
import type { Tone } from './paint.js';

export function rolloutClusterTitles(width: number): readonly string[] {
  const versions = width < 100 ? 'VERSIONS' : 'VERSIONS (control plane / nodes)';
  return ['CLUSTER', versions, 'PHASE', 'SINCE', 'WAITS FOR'];
}

/**
 * How much a cluster wants to be looked at, least number first: a person is needed (0), something went wrong (1), work
 * goes on (2), it waits though its wave is open (3); from `QUIET` on it is only counted.
 */
export function attentionOf(row: RolloutCluster, openWave: number): number {
  if (row.phase === 'lost') return 0;
  if (row.outcome !== null) return OUTCOME_ATTENTION[row.outcome.kind];
  if (row.phase !== 'waiting') return 2;
  return row.wave <= openWave ? 3 : QUIET;
}

export const QUIET = 5;

const OUTCOME_ATTENTION = {
  halted: 0,
  lost: 0,
  rolledBack: 1,
  skipped: 4,
  upgraded: QUIET + 1,
  completed: QUIET + 1,
} as const;

const PHASES: Readonly<Record<RolloutCluster['phase'], { readonly text: string; readonly tone: Tone }>> = {
  waiting: { text: 'waiting', tone: 'faint' },
  ordered: { text: 'ordered', tone: 'busy' },
  upgrading: { text: 'upgrading', tone: 'busy' },
  lost: { text: 'lost', tone: 'bad' },
  rollingBack: { text: 'rolling back', tone: 'warn' },
  done: { text: 'done', tone: 'faint' },
};

type OutcomeKind = NonNullable<RolloutCluster['outcome']>['kind'];

const OUTCOMES: Readonly<Record<OutcomeKind, { readonly text: string; readonly tone: Tone }>> = {
  upgraded: { text: 'upgraded', tone: 'good' },
  rolledBack: { text: 'rolled back', tone: 'warn' },
  halted: { text: 'halted', tone: 'bad' },
  completed: { text: 'completed', tone: 'good' },
  skipped: { text: 'skipped', tone: 'faint' },
  lost: { text: 'lost', tone: 'bad' },
};

/** "rolled back", "upgrading": the outcome once there is one. */
export function phaseCell(row: RolloutCluster): Cell {
  const { text, tone } = row.outcome === null ? PHASES[row.phase] : OUTCOMES[row.outcome.kind];
  return { text: row.attempt > 1 ? `${text} (attempt ${row.attempt})` : text, tone };
}

export function rolloutClusterCells(row: RolloutCluster, options: ScreenOptions): Cell[] {
  return [
    { text: row.name, tone: 'strong' },
    { text: row.versions },
    phaseCell(row),
    { text: sinceText(row.progress?.since ?? row.since, options) },
    { text: waitsFor(row, options) },
  ];
}

/**
 * What the row waits for. An ended one waits for nothing ("–") or for a person, and says how it ended in the words of
 * its outcome, which name what went back and what stays: no screen shortens that.
 */
export function waitsFor(row: RolloutCluster, options: ScreenOptions): string {
  if (row.outcome !== null) return row.outcome.kind === 'halted' ? row.outcome.text : `–  ${row.outcome.text}`;
  const silent = row.connected || row.phase === 'waiting' ? '' : '; its agent is not connected';
  if (row.progress === null) return reasonText(row.reason, options) + silent;
  const { nodesDone, nodesTotal } = row.progress;
  const nodes = nodesTotal > 0 ? ` (${nodesDone} of ${nodesTotal} nodes done)` : '';
  return reasonText(row.progress.reason, options) + nodes + silent;
}
