import type {
  FetchedNode,
  Finding,
  Order,
  OrderKind,
  Outcome,
  PictureSummary,
  Progress,
  Reason,
  Receipt,
  Standing,
  UpgradePhase,
} from '@wavegate/fleet';
import { JOURNAL_SCHEMA, type Journal, type Judgement, type Note, type StepRecord } from './journal.js';
import type { Step } from './step.js';

/**
 * Every change a journal can take, as pure functions. accepted → running → done, or accepted → withdrawn; nothing
 * leads back.
 */

/** What carrying out a step gave. */
export type StepEvidence =
  | {
      readonly kind: 'succeeded';
      readonly receipt?: Receipt;
      readonly findings?: readonly Finding[];
      readonly picture?: PictureSummary;
      readonly fetched?: FetchedNode;
    }
  | { readonly kind: 'failed'; readonly reason: Reason };

/** Where an order of each kind begins. */
const FIRST_PHASES: Readonly<Record<OrderKind, UpgradePhase>> = {
  preflight: 'preflight',
  upgrade: 'preflight',
  rollback: 'rollback',
  backup: 'backup',
  drain: 'drain',
  restore: 'restore',
  prefetch: 'prefetch',
};

export function acceptOrder(order: Order, at: number): Journal {
  return {
    schema: JOURNAL_SCHEMA,
    order,
    state: 'accepted',
    acceptedAt: at,
    startedAt: null,
    phase: FIRST_PHASES[order.kind],
    steps: {},
    findings: [],
    receipt: null,
    judgements: [],
    committedAt: null,
    before: {},
    rollback: null,
    withdrawal: null,
    outcome: null,
    reported: false,
    progress: null,
  };
}

export function startOrder(journal: Journal, at: number): Journal {
  return { ...journal, state: 'running', startedAt: at };
}

/** Never started; there is nothing to stop and nothing to report beyond that. */
export function neverStart(journal: Journal, why: Reason): Journal {
  return { ...journal, state: 'withdrawn', withdrawal: why };
}

/** Running: stop at the next safe point. The first reason stays. */
export function askToStop(journal: Journal, why: Reason): Journal {
  return { ...journal, withdrawal: journal.withdrawal ?? why };
}

/** What stood before the first change; later calls change nothing. */
export function rememberBefore(journal: Journal, before: Standing): Journal {
  return Object.keys(journal.before).length > 0 ? journal : { ...journal, before };
}

/** Intent, written before the effect. A step begun again (by a restarted agent) keeps its name and counts its tries. */
export function beginStep(journal: Journal, step: Step, at: number): Journal {
  const known = journal.steps[step.name];
  const record: StepRecord = {
    step,
    state: 'intended',
    // Bounds count from the newest begin: an agent that was away must not find its steps timed out.
    intendedAt: at,
    begunAt: (known?.state === 'intended' ? (known.begunAt ?? known.intendedAt) : undefined) ?? at,
    endedAt: null,
    tries: (known?.tries ?? 0) + 1,
    failure: null,
  };
  return { ...journal, steps: { ...journal.steps, [step.name]: record } };
}

/** A restarted agent takes up what was left open: the time in which nobody had it in hand does not count against it. */
export function takeUpSteps(journal: Journal, at: number): Journal {
  const open = Object.entries(journal.steps).filter(([, { state }]) => state === 'intended');
  if (open.length === 0) return journal;
  const taken = open.map(([name, record]): [string, StepRecord] => [
    name,
    { ...record, begunAt: record.begunAt ?? record.intendedAt, intendedAt: at },
  ]);
  return { ...journal, steps: { ...journal.steps, ...Object.fromEntries(taken) } };
}

/** Evidence, written after the effect. Throws RangeError for a step that was never begun. */
export function endStep(journal: Journal, name: string, evidence: StepEvidence, at: number): Journal {
  const record = journal.steps[name];
  if (!record) throw new RangeError(`endStep: ${name} was never begun`);
  const failed = evidence.kind === 'failed';
  const ended: StepRecord = {
    ...record,
    state: evidence.kind,
    endedAt: at,
    failure: failed ? evidence.reason : null,
  };
  const steps = { ...journal.steps, [name]: ended };
  return failed ? { ...journal, steps } : { ...journal, steps, ...learnt(journal, record.step, evidence) };
}

/** A validation's findings stand beside the preflight's, and take the place of those of an earlier validation. */
function learnt(journal: Journal, { kind }: Step, evidence: Extract<StepEvidence, { kind: 'succeeded' }>) {
  const { receipt = journal.receipt, findings = journal.findings, picture, fetched } = evidence;
  const kept =
    kind === 'validate' && evidence.findings ? journal.findings.filter(({ phase }) => phase !== 'after') : [];
  return {
    receipt,
    findings: [...kept, ...findings],
    ...(picture ? { picture } : {}),
    ...(fetched ? { fetched: [...(journal.fetched ?? []), fetched] } : {}),
  };
}

/** What the engine asked to be written down. */
export function applyNote(journal: Journal, note: Note, at: number): Journal {
  switch (note.kind) {
    case 'phaseReached':
      return { ...journal, phase: note.phase };
    case 'judgingBegan':
      return { ...journal, judgements: [...journal.judgements, { phase: note.phase, from: at, verdict: null }] };
    case 'judged': {
      const last = journal.judgements.findLastIndex(({ phase, verdict }) => phase === note.phase && verdict === null);
      const judge = (entry: Judgement, index: number): Judgement =>
        index === last ? { ...entry, verdict: note.verdict } : entry;
      return { ...journal, judgements: journal.judgements.map(judge) };
    }
    case 'committed':
      return { ...journal, committedAt: at };
    case 'rollbackBegan':
      return { ...journal, phase: 'rollback', rollback: { reason: note.reason, since: at, batches: note.batches } };
  }
}

/** The judgement that waits for a verdict now, if the phase the journal is in is one; what the loop asks the judge for. */
export function openJudgement({ judgements, phase }: Journal): Judgement | null {
  const last = judgements.filter((judgement) => judgement.phase === phase).at(-1);
  return last?.verdict === null ? last : null;
}

export function finish(journal: Journal, outcome: Outcome): Journal {
  const phase: UpgradePhase = 'done';
  return { ...journal, state: 'done', phase, outcome };
}

export function markReported(journal: Journal): Journal {
  return { ...journal, reported: true };
}

export function withProgress(journal: Journal, progress: Progress): Journal {
  return { ...journal, progress };
}
