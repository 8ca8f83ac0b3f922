import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Decision, RolloutAction } from '../action.js';
import { applyDecision } from '../apply-decision.js';
import { decide } from '../decide.js';
import type { RolloutEvent } from '../event.js';
import type { Rollout, RolloutCluster, RolloutHead } from '../rollout.js';

/** What was decided, short enough to be read in a review. */
export interface HistoryStep {
  readonly event: RolloutEvent;
  readonly decided: {
    readonly ignored: string | null;
    readonly state: string;
    readonly waves: string;
    readonly wakeAt: number | null;
    readonly asks: string | null;
    readonly rows: readonly string[];
    readonly actions: readonly RolloutAction[];
  };
}

interface History {
  readonly title: string;
  readonly head: RolloutHead;
  readonly clusters: readonly RolloutCluster[];
  readonly steps: readonly HistoryStep[];
}

const folder = new URL('../../../../test/histories/', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(`${name}.json`, folder));

export function stepOf(event: RolloutEvent, { ignored, head, clusters, actions }: Decision): HistoryStep {
  const rows = clusters.map((r) => `${r.clusterId} ${r.phase} ${r.reason.code} attempt ${r.attempt} hop ${r.hop}`);
  const waves = head.waves.map((w) => `${w.phase} ${w.waiting}/${w.inFlight}/${w.upgraded}/${w.failures}/${w.skipped}`);
  const decided = {
    ignored,
    state: head.state,
    waves: waves.join(', '),
    wakeAt: head.wakeAt,
    asks: head.asks?.code ?? null,
  };
  return { event, decided: { ...decided, rows, actions } };
}

export function recordHistory(
  name: string,
  told: { title: string; start: Rollout; steps: readonly HistoryStep[] },
): void {
  if (existsSync(pathOf(name))) return;
  const { head, clusters } = told.start;
  write(name, { title: told.title, head, clusters: [...clusters.values()], steps: told.steps });
}

function write(name: string, history: History): void {
  writeFileSync(pathOf(name), `${JSON.stringify(history, null, 1)}\n`);
}

export function historyNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** Decides a recorded history anew: what was recorded, and what this release decides. */
export function replayHistory(name: string): { recorded: readonly HistoryStep[]; now: readonly HistoryStep[] } {
  const history = JSON.parse(readFileSync(pathOf(name), 'utf8')) as History;
  let rollout: Rollout = { head: history.head, clusters: new Map(history.clusters.map((row) => [row.clusterId, row])) };
  const now = history.steps.map(({ event }) => {
    const decision = decide(rollout, event);
    rollout = applyDecision(rollout, decision);
    return stepOf(event, decision);
  });
  if (process.env['UPDATE_GOLDEN'] === '1') write(name, { ...history, steps: now });
  return { recorded: process.env['UPDATE_GOLDEN'] === '1' ? now : history.steps, now };
}
