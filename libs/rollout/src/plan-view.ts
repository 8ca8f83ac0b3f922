import {
  durationMs,
  matches,
  requireSelector,
  type Labels,
  type Plan,
  type PlanSpec,
  type Selector,
} from '@wavegate/fleet';

/** A plan with its selectors and durations read once: what `decide` asks it for at every event. */
export interface PlanView {
  readonly spec: PlanSpec;
  readonly startWithinMs: number;
  readonly deadlineMs: number;
  readonly offlineMs: number;
  readonly judgePeriodMs: number;
  readonly judgeWindowMs: number;
  /** Soak rules; `selector` null is the default for clusters that no other rule matches. */
  readonly soaks: readonly { readonly selector: Selector | null; readonly ms: number }[];
  /** Selectors of windows and freezes: clusters that agree on all of them share one calendar. */
  readonly calendarSelectors: readonly Selector[];
  readonly rings: readonly Selector[];
  /** Which calendar a set of labels has; labels are frozen, so the answer never changes. */
  readonly calendarKeys: WeakMap<Labels, string>;
}

// Reading a plan costs more than a whole decision. The memo is invisible: the text alone decides the view.
const views = new Map<string, PlanView>();
const VIEWS_KEPT = 8;

/** The view of a plan's canonical text, as kept in the head. Throws on a text that was never a checked plan. */
export function viewOf(planText: string): PlanView {
  const known = views.get(planText);
  if (known) return known;
  const view = viewOfPlan(JSON.parse(planText) as Plan);
  if (views.size >= VIEWS_KEPT) views.clear();
  views.set(planText, view);
  return view;
}

export function viewOfPlan({ spec }: Plan): PlanView {
  const { gates, strategy, verdict } = spec;
  return {
    spec,
    startWithinMs: durationMs(spec.startWithin),
    deadlineMs: durationMs(spec.deadline),
    offlineMs: durationMs(strategy.offline.deadline),
    judgePeriodMs: Math.max(1, durationMs(verdict.period)),
    judgeWindowMs: durationMs(verdict.window),
    soaks: Object.entries(gates.soak)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([rule, text]) => ({ selector: rule === 'default' ? null : requireSelector(rule), ms: durationMs(text) })),
    calendarSelectors: [...gates.windows, ...gates.freezes].map(({ selector }) => requireSelector(selector)),
    rings: strategy.rings.map((ring) => requireSelector(ring)),
    calendarKeys: new WeakMap(),
  };
}

/** "101": which of the plan's windows and freezes bind a cluster. */
export function calendarKey(view: PlanView, labels: Labels): string {
  const known = view.calendarKeys.get(labels);
  if (known !== undefined) return known;
  const key = view.calendarSelectors.map((selector) => (matches(selector, labels) ? '1' : '0')).join('');
  view.calendarKeys.set(labels, key);
  return key;
}

/** Milliseconds that a cluster soaks: the longest rule that matches it; the default only where no other rule does. */
export function soakMsOf(view: PlanView, labels: Labels): number {
  let longest: number | null = null;
  let byDefault = 0;
  for (const { selector, ms } of view.soaks) {
    if (selector === null) byDefault = ms;
    else if (matches(selector, labels)) longest = Math.max(longest ?? 0, ms);
  }
  return longest ?? byDefault;
}

/** The ring's name as the plan writes it; clusters that match none form a last one. */
export function ringName(view: PlanView, ring: number): string {
  return view.spec.strategy.rings[ring] ?? 'the rest';
}

/** Approvals needed before the wave opens. Waves are numbered as the plan numbers its shares; see `cutIntoWaves`. */
export function approvalsNeeded(view: PlanView, share: string, shareBefore: string | null): number {
  const { waves } = view.spec.strategy;
  const [after, upTo] = [shareBefore === null ? 0 : waves.indexOf(shareBefore) + 1, waves.indexOf(share) + 1];
  const counts = view.spec.gates.approvals
    .filter(({ beforeWave }) => beforeWave > after && beforeWave <= upTo)
    .map(({ count }) => count);
  return Math.max(0, ...counts);
}
