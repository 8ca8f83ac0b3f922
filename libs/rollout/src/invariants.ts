import type { Decision, RolloutAction } from './action.js';
import { applyDecision } from './apply-decision.js';
import { countersOf } from './draft.js';
import type { RolloutEvent } from './event.js';
import { isExceeded } from './gates/budget.js';
import { whyUnfinished } from './outstanding.js';
import { viewOf } from './plan-view.js';
import type { Rollout, RolloutCluster, WaveState } from './rollout.js';

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;

interface Step {
  readonly before: Rollout;
  readonly event: RolloutEvent;
  readonly decision: Decision;
  readonly after: Rollout;
  /** Orders that change a cluster forward; rollbacks undo harm and obey other rules. */
  readonly starts: readonly SendOrder[];
}

/**
 * The engine's promises, checked on one decision: the sentences that do not hold, with what was seen. Slow on purpose
 * (it recounts everything) and independent of how `decide` comes to its answers. Tests and the simulation ask it after
 * every event.
 */
export function checkInvariants(before: Rollout, event: RolloutEvent, decision: Decision): string[] {
  const sent = decision.actions.filter((action) => action.kind === 'sendOrder');
  const starts = sent.filter(({ orderKind }) => orderKind === 'upgrade');
  const step = { before, event, decision, after: applyDecision(before, decision), starts };
  return [
    ...ignoredChangesNothing(step),
    ...inFlightWithinLimit(step),
    ...inFlightWithinProof(step),
    ...wavesInOrder(step),
    ...ringsInOrder(step),
    ...noStartAfterStop(step),
    ...ordersAreNew(step, sent),
    ...countersEqualRows(step),
    ...nothingMovesBackwards(step),
    ...noSilentWaiting(step),
  ];
}

function ignoredChangesNothing({ before, decision }: Step): string[] {
  if (decision.ignored === null) return [];
  const silent = decision.head === before.head && decision.clusters.length + decision.actions.length === 0;
  return silent ? [] : [`an event that does not fit changes nothing: "${decision.ignored}" changed something`];
}

function inFlightWithinLimit({ after }: Step): string[] {
  const flying = [...after.clusters.values()].filter(({ phase }) => phase !== 'waiting' && phase !== 'done').length;
  const { maxInFlight } = after.head;
  return flying <= maxInFlight ? [] : [`at most ${maxInFlight} clusters are in flight: ${flying} are`];
}

/** Adaptive waves: whoever begins does so on what clusters have shown that really ended well, recounted from the rows. */
function inFlightWithinProof({ before, after, starts }: Step): string[] {
  const { strategy } = viewOf(after.head.plan).spec;
  // A later hop of a cluster that has begun is no new start.
  const begins = starts.some(({ clusterId }) => before.clusters.get(clusterId)?.phase !== 'upgrading');
  if (!strategy.adaptive || !begins) return [];
  const rows = [...after.clusters.values()];
  const flying = rows.filter(({ phase }) => phase !== 'waiting' && phase !== 'done').length;
  const clean = rows.filter(({ outcome }) => outcome?.kind === 'upgraded').length;
  // At 95 % confidence no more than so many of a hundred fail after so many without a failure.
  const share = clean === 0 ? 1 : 1 - Math.exp(Math.log(0.05) / clean);
  const proven = Math.max(1, Math.floor(strategy.mayLose / share + 1e-9));
  return flying <= proven ? [] : [`${clean} clean clusters prove ${proven} at once: ${flying} are in flight`];
}

function wavesInOrder({ after, starts }: Step): string[] {
  return starts.flatMap(({ clusterId }) => {
    const row = after.clusters.get(clusterId);
    const open = after.head.waves.filter((wave) => wave.index < (row?.wave ?? 0) && wave.phase !== 'passed');
    return open.map(
      ({ index }) => `no cluster starts before earlier waves passed: ${clusterId} did before wave ${index}`,
    );
  });
}

function ringsInOrder({ before, after, starts }: Step): string[] {
  return starts.flatMap(({ clusterId }) => {
    const row = after.clusters.get(clusterId);
    // A later hop of a cluster that has begun is no start: the barrier stood when it began.
    if (!row || row.ring === null || before.clusters.get(clusterId)?.phase === 'upgrading') return [];
    const earlier = [...after.clusters.values()].find(
      (other) => other.ring !== null && other.ring < (row.ring ?? 0) && other.phase !== 'done',
    );
    return earlier ? [`a ring is a barrier: ${clusterId} started before ${earlier.clusterId} was done`] : [];
  });
}

function noStartAfterStop({ before, event, after, starts }: Step): string[] {
  if (starts.length === 0) return [];
  const found: string[] = [];
  const stopped = (state: string): boolean => state === 'aborted' || state === 'finished';
  if (stopped(before.head.state) || stopped(after.head.state)) found.push('after abort no new start, ever');
  if (after.head.state !== 'running') found.push(`nothing starts while the rollout is ${after.head.state}`);
  if (before.head.state === 'blocked' && event.kind !== 'resumed')
    found.push('after an exceeded budget nothing starts without an audited override');
  if (after.head.waves.some(isExceeded)) found.push('nothing starts while a budget is exceeded');
  return found;
}

/** Derived ids: the same id twice would be the same order twice, and an order takes effect at most once. */
function ordersAreNew({ before, after }: Step, sent: readonly SendOrder[]): string[] {
  const found: string[] = [];
  const ids = new Set<string>();
  for (const { orderId, clusterId, attempt } of sent) {
    if (ids.has(orderId)) found.push(`an order is sent once: ${orderId} was sent twice`);
    ids.add(orderId);
    const [was, is] = [before.clusters.get(clusterId), after.clusters.get(clusterId)];
    if (was?.orderId === orderId) found.push(`an order id is never used again: ${clusterId} got ${orderId} again`);
    if (is?.offlineSince !== null) found.push(`no order goes to a silent agent: ${clusterId}`);
    if (is?.attempt !== attempt) found.push(`order and row name one attempt: ${clusterId}`);
  }
  return found;
}

const COUNTERS = ['waiting', 'inFlight', 'lost', 'upgraded', 'failures', 'skipped'] as const;

function countersEqualRows({ after }: Step): string[] {
  const counted = after.head.waves.map(() => ({
    waiting: 0,
    inFlight: 0,
    lost: 0,
    upgraded: 0,
    failures: 0,
    skipped: 0,
  }));
  for (const row of after.clusters.values()) {
    const wave = counted[row.wave - 1];
    if (wave) for (const counter of countersOf(row)) wave[counter] += 1;
  }
  return after.head.waves.flatMap((wave, index) =>
    COUNTERS.filter((counter) => wave[counter] !== counted[index]?.[counter]).map(
      (counter) =>
        `counters equal the rows: wave ${wave.index} says ${wave[counter]} ${counter}, rows ${counted[index]?.[counter]}`,
    ),
  );
}

const PHASES: readonly WaveState['phase'][] = ['waiting', 'open', 'soaking', 'passed'];

function nothingMovesBackwards({ before, event, after }: Step): string[] {
  const found: string[] = [];
  const [was, is] = [before.head, after.head];
  if (is.at < was.at) found.push(`time moves forward: ${was.at} → ${is.at}`);
  if (is.currentWave < was.currentWave) found.push(`waves move forward: ${was.currentWave} → ${is.currentWave}`);
  if (was.state !== is.state && (was.state === 'aborted' || was.state === 'finished'))
    found.push(`an end is an end: ${was.state} → ${is.state}`);
  for (const wave of was.waves) found.push(...waveBackwards(wave, is.waves[wave.index - 1]));
  return [...found, ...rowsBackwards({ before, event, after })];
}

function rowsBackwards({ before, event, after }: Pick<Step, 'before' | 'event' | 'after'>): string[] {
  const { onBudget } = viewOf(after.head.plan).spec.rollback;
  const byWhom = { event, byPlan: event.kind === 'clusterEnded' && onBudget !== undefined };
  return [...before.clusters.values()].flatMap((row) => {
    const now = after.clusters.get(row.clusterId);
    return now && now !== row ? rowBackwards(row, now, byWhom) : [];
  });
}

/** Soaking may go back to open, when something in the wave moves again; never further, and passed is for good. */
function waveBackwards(was: WaveState, is: WaveState | undefined): string[] {
  if (!is) return [`a wave never disappears: ${was.index}`];
  const back = PHASES.indexOf(is.phase) < PHASES.indexOf(was.phase);
  if (!back || (was.phase === 'soaking' && is.phase === 'open')) return [];
  return [`waves move forward: wave ${was.index} ${was.phase} → ${is.phase}`];
}

/** `byPlan`: the plan has a wave taken back when its budget is exceeded, so that a cluster's end may move others. */
interface ByWhom {
  readonly event: RolloutEvent;
  readonly byPlan: boolean;
}

function rowBackwards(was: RolloutCluster, is: RolloutCluster, { event, byPlan }: ByWhom): string[] {
  const found: string[] = [];
  if (is.attempt < was.attempt) found.push(`attempts move forward: ${was.clusterId}`);
  if (is.wave !== was.wave || is.position !== was.position) found.push(`the list is frozen: ${was.clusterId} moved`);
  const asked = byPlan || event.kind === 'retried' || event.kind === 'rollbackAsked';
  if (was.phase === 'done' && is.phase !== 'done' && !asked)
    found.push(`an outcome stands until a person asks: ${was.clusterId} left done by ${event.kind}`);
  return found;
}

function noSilentWaiting({ after }: Step): string[] {
  if (after.head.finishedAt !== null || whyUnfinished(after).length > 0) return [];
  return [`no silent waiting: the rollout is ${after.head.state} with nothing outstanding`];
}
