import { freezeState, reason, windowState, type Labels } from '@wavegate/fleet';
import { calendarKey, type PlanView } from '../plan-view.js';
import type { GateResult } from '../rollout.js';

export interface CalendarGates {
  readonly window: GateResult;
  readonly freeze: GateResult;
}

/**
 * Window and freeze at one moment. Clusters bound by the same windows and freezes get the same answer, so that a wave
 * of thousands costs as many calendar questions as the plan has kinds of clusters.
 */
export class CalendarLook {
  private readonly known = new Map<string, CalendarGates>();

  constructor(
    private readonly view: PlanView,
    private readonly at: number,
  ) {}

  of(labels: Labels): CalendarGates {
    const key = calendarKey(this.view, labels);
    const known = this.known.get(key);
    if (known) return known;
    const gates = { window: windowGate(this.view, labels, this.at), freeze: freezeGate(this.view, labels, this.at) };
    this.known.set(key, gates);
    return gates;
  }
}

/** Open: passes, and `until` is when it closes. A window that never opens again is a matter for a person. */
function windowGate({ spec }: PlanView, labels: Labels, at: number): GateResult {
  if (spec.gates.windows.length === 0)
    return { gate: 'window', answer: 'pass', reason: reason('gate_not_asked'), until: null };
  const { open, opensAt, closesAt } = windowState(spec.gates, labels, at);
  if (open) return { gate: 'window', answer: 'pass', reason: reason('gate_passed'), until: closesAt };
  if (opensAt === null) return { gate: 'window', answer: 'block', reason: reason('window_never_opens'), until: null };
  return { gate: 'window', answer: 'wait', reason: reason('window_closed', { opensAt }), until: opensAt };
}

function freezeGate({ spec }: PlanView, labels: Labels, at: number): GateResult {
  if (spec.gates.freezes.length === 0)
    return { gate: 'freeze', answer: 'pass', reason: reason('gate_not_asked'), until: null };
  const { active, until, name } = freezeState(spec.gates, labels, at);
  if (!active || until === null) return { gate: 'freeze', answer: 'pass', reason: reason('gate_passed'), until: null };
  return { gate: 'freeze', answer: 'wait', reason: reason('freeze_active', { until, name }), until };
}
