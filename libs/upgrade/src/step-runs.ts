import { durationMs, reason, type Reason } from '@wavegate/fleet';
import {
  CONTROL_PLANE_STEP_BOUND_MS,
  DRAIN_SLACK_MS,
  NODE_STEP_BOUND_MS,
  PREFLIGHT_BOUND_MS,
  SNAPSHOT_BOUND_MS,
} from './bounds.js';
import type { Journal, StepRecord } from './journal.js';
import type { Situation } from './situation.js';
import type { Step, StepKind } from './step.js';

/**
 * A step may have to run again: a kubelet step that failed, a snapshot that aged, a drain on the way back. Its first
 * run is named "upgradeKubelet/w-1", the next "upgradeKubelet/w-1/2". A run without evidence (the agent died) keeps its
 * name: whoever carries it out adopts what it finds by that name; only a run that ended is followed by another.
 */
export interface Runs {
  readonly all: readonly StepRecord[];
  readonly last: StepRecord | null;
  readonly failed: number;
  /** Name of the run that is open, else of the one that would be next. */
  readonly name: string;
}

const nodeOf = (step: Step): string => ('node' in step ? step.node : '');

/** Runs of a kind on a node ('' for the cluster). After a rollback began only what was run since then counts. */
export function runsOf({ journal }: Pick<Situation, 'journal'>, kind: StepKind, node = ''): Runs {
  const ever = Object.values(journal.steps)
    .filter(({ step }) => step.kind === kind && nodeOf(step) === node)
    .sort((a, b) => runNumber(a.step) - runNumber(b.step));
  const all = ever.filter(({ intendedAt }) => intendedAt >= (journal.rollback?.since ?? 0));
  const last = all.at(-1) ?? null;
  return {
    all,
    last,
    failed: all.filter(({ state }) => state === 'failed').length,
    name: last?.state === 'intended' ? last.step.name : nameOfRun(kind, node, ever.length + 1),
  };
}

function nameOfRun(kind: StepKind, node: string, run: number): string {
  return [kind, node === '' ? 'cluster' : node, ...(run > 1 ? [String(run)] : [])].join('/');
}

/** 1 for a step's first run, 2 for the run after one that ended. */
export function runNumber({ name }: Pick<Step, 'name'>): number {
  return Number(name.split('/')[2] ?? '1');
}

/** Steps whose end is not known, in the order they were begun. */
export function openRuns(journal: Journal): StepRecord[] {
  return Object.values(journal.steps)
    .filter(({ state }) => state === 'intended')
    .sort((a, b) => a.intendedAt - b.intendedAt || (a.step.name < b.step.name ? -1 : 1));
}

/** When something last ended: what bounded waits count from. The start of the order before any step ended. */
export function lastEndedAt(journal: Journal): number {
  const ends = Object.values(journal.steps).map(({ endedAt }) => endedAt ?? 0);
  return Math.max(journal.startedAt ?? journal.acceptedAt, ...ends);
}

/** Why an open step has taken too long, or null. Whoever carries it out has bounds of its own; this is the net below. */
export function timedOut({ at, plan }: Situation, { step, intendedAt }: StepRecord): Reason | null {
  const bounds: Record<StepKind, number> = {
    preflight: PREFLIGHT_BOUND_MS,
    snapshotEtcd: SNAPSHOT_BOUND_MS,
    upgradeControlPlane: CONTROL_PLANE_STEP_BOUND_MS,
    drainNode: durationMs(plan.spec.drain.timeout) + DRAIN_SLACK_MS,
    upgradeKubelet: NODE_STEP_BOUND_MS,
    rollbackKubelet: NODE_STEP_BOUND_MS,
    uncordonNode: NODE_STEP_BOUND_MS,
  };
  if (at < intendedAt + bounds[step.kind]) return null;
  return reason('step_timed_out', { step: step.kind, node: nodeOf(step) });
}

/** What a step shows while it runs. */
export function reasonOfStep(step: Step): Reason {
  switch (step.kind) {
    case 'preflight':
      return reason('preflight_running');
    case 'snapshotEtcd':
      return reason('backup_running', { node: step.node });
    case 'upgradeControlPlane':
      return reason('control_plane_upgrading', { node: step.node });
    case 'drainNode':
      return reason('draining', { node: step.node });
    case 'upgradeKubelet':
    case 'rollbackKubelet':
    case 'uncordonNode':
      return reason('node_upgrading', { node: step.node });
  }
}
