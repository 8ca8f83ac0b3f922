import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { describeOutcome, describeReason, type Outcome } from '@wavegate/fleet';
import type { Decision, RolloutAction } from '../action.js';
import { applyDecision } from '../apply-decision.js';
import { decide } from '../decide.js';
import type { RolloutEvent } from '../event.js';
import { checkInvariants } from '../invariants.js';
import type { Rollout, RolloutCluster, WaveState } from '../rollout.js';
import { began, ended, inPhase, upgraded, withdrawalOf, type Untimed } from './agent-play.js';
import { MINUTE } from './fleet-fixture.js';
import { recordHistory, type HistoryStep, stepOf } from './history.js';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const clock = (at: number): string => {
  const iso = new Date(at).toISOString();
  return `${DAYS[new Date(at).getUTCDay()]} ${iso.slice(11, 16)}`;
};
const updating = (): boolean => process.env['UPDATE_GOLDEN'] === '1';

/**
 * Plays a rollout and writes down what happened, as a tale: time, event, what changed and why. The tale is compared
 * with its golden file; a change of behaviour is a change of prose, and is reviewed as such. Every step is checked
 * against the invariants.
 */
export class Story {
  readonly lines: string[] = [];
  readonly steps: HistoryStep[] = [];
  private readonly start: Rollout;
  last: Decision | null = null;

  constructor(
    readonly title: string,
    public rollout: Rollout,
    public now: number = rollout.head.at,
  ) {
    this.start = rollout;
    this.lines.push(`# ${title}`);
    const { head } = rollout;
    const waves = head.waves.map(({ size, share, tolerated }) => `${share}: ${size} (tolerates ${tolerated})`);
    this.lines.push(
      `${rollout.clusters.size} clusters, waves ${waves.join(', ')}; at most ${head.maxInFlight} in flight`,
      '',
    );
  }

  later(minutes: number): this {
    this.now += minutes * MINUTE;
    return this;
  }

  happens(untimed: Untimed): this {
    const event = { ...untimed, at: this.now } as RolloutEvent;
    const before = this.rollout;
    const decision = decide(before, event);
    expect(checkInvariants(before, event, decision)).toEqual([]);
    this.rollout = applyDecision(before, decision);
    this.last = decision;
    this.steps.push(stepOf(event, decision));
    this.lines.push(`${clock(this.now)}  ${eventWords(event)}`, ...this.consequences(before, decision));
    for (const action of decision.actions) {
      // Nobody had confirmed these orders, so the store itself takes them back; begun ones answer for themselves.
      const answer = withdrawalOf(action);
      const row = action.kind === 'withdrawOrder' ? before.clusters.get(action.clusterId) : undefined;
      if (answer && row?.phase === 'ordered') this.happens(answer);
    }
    return this;
  }

  /** Time passes until the rollout wakes by itself. */
  wakes(): this {
    this.now = Math.max(this.now, this.rollout.head.wakeAt ?? this.now);
    return this.happens({ kind: 'woke' });
  }

  begins(...ids: string[]): this {
    for (const id of ids) this.happens(began(this.rollout, id));
    return this;
  }

  ends(id: string, outcome: Outcome = upgraded()): this {
    return this.happens(ended(this.rollout, id, outcome));
  }

  /** Every ordered cluster begins and ends well, `minutes` later, until none is in flight. */
  works(minutes: number): this {
    for (let rows = inPhase(this.rollout, 'ordered'); rows.length > 0; rows = inPhase(this.rollout, 'ordered')) {
      this.later(1).begins(...rows.map(({ clusterId }) => clusterId));
      this.later(minutes);
      for (const { clusterId } of rows) this.ends(clusterId);
    }
    return this;
  }

  /** The hub's judge answers for the current wave. */
  judges(kind: 'promote' | 'hold' | 'rollback' | 'inconclusive'): this {
    const verdict = { schema: 1 as const, kind, period: null, reasons: [], slis: [] };
    return this.happens({ kind: 'waveJudged', wave: this.rollout.head.currentWave, verdict });
  }

  row(id: string): RolloutCluster {
    const row = this.rollout.clusters.get(id);
    if (!row) throw new Error(`no ${id} in this story`);
    return row;
  }

  /** Compares with `stories/<name>.golden.log`; UPDATE_GOLDEN=1 writes it. */
  expectGolden(name: string): void {
    const path = fileURLToPath(new URL(`../stories/${name}.golden.log`, import.meta.url));
    const told = `${this.lines.join('\n')}\n`;
    if (updating()) writeFileSync(path, told);
    expect(told).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '');
  }

  /** Keeps the events as a history for the replay test; a recorded one is never overwritten from a story. */
  record(name: string): void {
    if (updating()) recordHistory(name, { title: this.title, start: this.start, steps: this.steps });
  }

  private consequences(before: Rollout, decision: Decision): string[] {
    const say = (text: string): string => `           ${text}`;
    if (decision.ignored !== null) return [say(`ignored: ${decision.ignored}`)];
    const { head } = decision;
    const lines: string[] = [];
    if (head.state !== before.head.state) lines.push(`rollout ${head.state}: ${describeReason(head.reason, clock)}`);
    for (const wave of head.waves) lines.push(...waveWords(before.head.waves[wave.index - 1], wave));
    for (const row of decision.clusters) lines.push(...rowWords(before.clusters.get(row.clusterId), row));
    for (const action of decision.actions) lines.push(...actionWords(action));
    for (const { clusterId, reason } of decision.cannot)
      lines.push(`cannot roll back ${clusterId}: ${describeReason(reason, clock)}`);
    const asked = head.asks && (before.head.asks?.code !== head.asks.code || before.head.state !== head.state);
    if (asked && head.asks) lines.push(`asks a person: ${describeReason(head.asks, clock)}`);
    if (head.wakeAt !== null && head.wakeAt !== before.head.wakeAt)
      lines.push(`wakes by itself at ${clock(head.wakeAt)}`);
    return lines.map(say);
  }
}

function waveWords(was: WaveState | undefined, is: WaveState): string[] {
  const words: string[] = [];
  const counts = `${is.upgraded} upgraded, ${is.failures} failed, ${is.skipped} skipped of ${is.size}`;
  if (was?.phase !== is.phase) words.push(`wave ${is.index} ${is.phase}${is.phase === 'open' ? '' : ` (${counts})`}`);
  if (was?.phase === is.phase && is.phase !== 'open') {
    for (const gate of is.gates) {
      const told = was.gates.find((other) => other.gate === gate.gate);
      if (gate.answer !== 'pass' && told?.reason.code !== gate.reason.code)
        words.push(`wave ${is.index} gate ${gate.gate}: ${gate.answer}, ${describeReason(gate.reason, clock)}`);
    }
  }
  return words;
}

function rowWords(was: RolloutCluster | undefined, is: RolloutCluster): string[] {
  const attempt = is.attempt > 1 && was?.attempt !== is.attempt ? ` (attempt ${is.attempt})` : '';
  const ended = is.phase === 'done' && is.outcome !== was?.outcome && is.outcome;
  const why = ended ? describeOutcome(ended, clock) : describeReason(is.reason, clock);
  return [`${is.clusterId} ${is.phase}${attempt}: ${why}`];
}

function actionWords(action: RolloutAction): string[] {
  switch (action.kind) {
    case 'sendOrder': {
      const rungs = action.approvedRungs.length > 0 ? `, rungs ${action.approvedRungs.join(', ')}` : '';
      const hop = `hop ${action.hop.index} of ${action.hop.of}: ${action.hop.from} → ${action.hop.to}`;
      return [
        `→ ${action.orderKind} order to ${action.clusterId} (${hop}${rungs}), to begin by ${clock(action.startBy)}`,
      ];
    }
    case 'withdrawOrder':
      return [`→ takes back the order of ${action.clusterId}: ${describeReason(action.reason, clock)}`];
    case 'judgeWave':
      return [`→ has wave ${action.wave} judged`];
    case 'askApproval':
      return [`→ asks for approval of wave ${action.wave}: has ${action.have} of ${action.need}`];
    case 'notify':
      return [`→ tells people: ${action.clusterId ?? 'the rollout'}, ${describeReason(action.reason, clock)}`];
  }
}

function eventWords(event: RolloutEvent): string {
  switch (event.kind) {
    case 'started':
      return 'the rollout was started';
    case 'woke':
      return 'it woke';
    case 'orderStarted':
      return `${event.clusterId} began`;
    case 'orderRefused':
      return `${event.clusterId} refused its order: ${describeReason(event.reason, clock)}`;
    case 'orderWithdrawn':
      return `the order of ${event.clusterId} is certainly withdrawn`;
    case 'clusterEnded':
      return `${event.clusterId} ended: ${event.outcome.kind}`;
    case 'agentLost':
      return `the agent of ${event.clusterId} fell silent`;
    case 'agentReturned':
      return `the agent of ${event.clusterId} returned`;
    case 'waveJudged':
      return `wave ${event.wave} was judged: ${event.verdict.kind}`;
    default:
      return commandWords(event);
  }
}

function commandWords(event: Extract<RolloutEvent, { by: string }>): string {
  switch (event.kind) {
    case 'resumed':
      return `${event.by} resumed${event.allow > 0 ? ` with --allow ${event.allow}` : ''}`;
    case 'approved':
      return `${event.by} approved wave ${event.wave}`;
    case 'retried':
      return `${event.by} retries ${event.clusterId}`;
    case 'skipped':
      return `${event.by} skips ${event.clusterId}`;
    case 'rollbackAsked': {
      const { scope } = event;
      const what =
        scope.kind === 'cluster' ? scope.clusterId : scope.kind === 'wave' ? `wave ${scope.wave}` : 'all of it';
      return `${event.by} asks to roll back ${what}`;
    }
    default:
      return `${event.by} ${event.kind} the rollout`;
  }
}
