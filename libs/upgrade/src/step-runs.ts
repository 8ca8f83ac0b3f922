import { nodeStepLimitMs, reason, type Reason } from '@wavegate/fleet';
import {
  EXPORT_BOUND_MS,
  INTERRUPTED_RUNS,
  NODE_STEP_BOUND_MS,
  NODE_STEP_GRACE_MS,
  PREFLIGHT_BOUND_MS,
  SNAPSHOT_BOUND_MS,
  STEP_RUNS,
  VELERO_BOUND_MS,
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

/** The host left no word of its end: power cut, pod evicted. Whether anything was changed is for the observation to say. */
export function isInterrupted(run: StepRecord | null): run is StepRecord & { readonly failure: Reason } {
  return run?.state === 'failed' && run.failure?.code === 'step_interrupted';
}

/** Not begun again: it failed by its own word too often, or was interrupted too often in a row. */
export function isSpent({ all }: Pick<Runs, 'all'>): boolean {
  const ended = all.filter(({ state }) => state !== 'intended');
  const failed = ended.filter((run) => run.state === 'failed' && !isInterrupted(run));
  const row = ended.length - 1 - ended.findLastIndex((run) => !isInterrupted(run));
  return failed.length >= STEP_RUNS || row >= INTERRUPTED_RUNS;
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

/**
 * Why an open step has taken too long, or null. Whoever carries it out has bounds of its own; this is the net below.
 * A drain has none here: past its timeout the plan's `onTimeout` decides, in words that name the pod, which only the
 * drain itself can give; the net below it is the order's deadline.
 */
export function timedOut({ at, plan }: Situation, { step, intendedAt }: StepRecord): Reason | null {
  // Longer than the Job itself may take: its own end says more than ours.
  const nodeBound = nodeStepLimitMs(plan.spec) + NODE_STEP_GRACE_MS;
  const bounds: Record<StepKind, number> = {
    preflight: PREFLIGHT_BOUND_MS,
    validate: PREFLIGHT_BOUND_MS,
    snapshotEtcd: SNAPSHOT_BOUND_MS,
    upgradeControlPlane: nodeBound,
    rollbackControlPlane: nodeBound,
    stageRestore: SNAPSHOT_BOUND_MS,
    prefetchNode: nodeBound,
    drainNode: Infinity,
    upgradeKubelet: nodeBound,
    rollbackKubelet: nodeBound,
    uncordonNode: NODE_STEP_BOUND_MS,
    exportManifests: EXPORT_BOUND_MS,
    backupVelero: VELERO_BOUND_MS,
    restoreVelero: VELERO_BOUND_MS,
  };
  if (at < intendedAt + bounds[step.kind]) return null;
  return reason('step_timed_out', { step: step.kind, node: nodeOf(step) });
}

/** What a step shows while it runs. */
export function reasonOfStep(step: Step): Reason {
  switch (step.kind) {
    case 'preflight':
      return reason('preflight_running');
    case 'validate':
      return reason('validation_running');
    case 'snapshotEtcd':
      return reason('backup_running', { node: step.node });
    case 'upgradeControlPlane':
    case 'rollbackControlPlane':
      return reason('control_plane_upgrading', { node: step.node });
    case 'stageRestore':
      return reason('restore_staging', { node: step.node });
    case 'prefetchNode':
      return reason('prefetching', { node: step.node, version: step.to });
    case 'drainNode':
      return reason('draining', { node: step.node });
    case 'upgradeKubelet':
    case 'rollbackKubelet':
    case 'uncordonNode':
      return reason('node_upgrading', { node: step.node });
    case 'exportManifests':
      return reason('manifests_exporting', { name: step.archive });
    case 'backupVelero':
      return reason('velero_backup_running', { name: step.backup, phase: '' });
    case 'restoreVelero':
      return reason('velero_restore_running', { name: step.backup, phase: '' });
  }
}
