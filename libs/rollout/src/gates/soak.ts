import { reason, type Labels } from '@wavegate/fleet';
import { soakMsOf, type PlanView } from '../plan-view.js';
import type { GateResult, WaveState } from '../rollout.js';

/** The longest soak that any cluster of the wave asks for; milliseconds. */
export function waveSoakMs(view: PlanView, clusters: Iterable<{ labels: Labels; wave: number }>, wave: number): number {
  let longest = 0;
  for (const cluster of clusters) {
    if (cluster.wave === wave) longest = Math.max(longest, soakMsOf(view, cluster.labels));
  }
  return longest;
}

/**
 * Soak runs from the moment the wave's last cluster turned healthy. A wave in which nothing turned healthy has nothing
 * to soak; a wave that is not through is not asked.
 */
export function soakGate(wave: WaveState, soakMs: number, at: number): GateResult {
  if (wave.phase !== 'soaking' || wave.healthyAt === null)
    return { gate: 'soak', answer: 'pass', reason: reason('gate_not_asked'), until: null };
  const until = wave.healthyAt + soakMs;
  if (at >= until) return { gate: 'soak', answer: 'pass', reason: reason('gate_passed'), until: null };
  return { gate: 'soak', answer: 'wait', reason: reason('soak_running', { wave: wave.index, until }), until };
}
