import { reason, type Reason } from '@wavegate/fleet';
import type { GateResult, WaveState } from '../rollout.js';

/** When the wave is judged next, and until when a verdict that holds may still change; epoch ms. */
export interface Judging {
  readonly askAgainAt: number;
  readonly holdUntil: number;
  /** Why a wave that changed nothing may not pass for one that went well; null where it may. */
  readonly unproven: Reason | null;
}

/** A wave of skips has changed nothing: there is nothing to judge. */
export function isJudged(wave: WaveState): boolean {
  return wave.upgraded + wave.failures > 0;
}

/**
 * `promote` passes. `hold` waits and is judged again each period, but not for ever: past the verdict's window it
 * counts as inconclusive. `rollback` and `inconclusive` block, and a person decides; they may take it upon themselves.
 * A wave that changed nothing passes where absence or people made it so, and blocks where clusters were refused.
 */
export function verdictGate(wave: WaveState, judging: Judging, at: number): GateResult {
  const gate = 'verdict';
  if (wave.phase !== 'soaking' || !(isJudged(wave) || judging.unproven))
    return { gate, answer: 'pass', reason: reason('gate_not_asked'), until: null };
  if (wave.verdictOverriddenBy !== null) {
    return {
      gate,
      answer: 'pass',
      reason: reason('verdict_overridden', { by: wave.verdictOverriddenBy }),
      until: null,
    };
  }
  if (judging.unproven) return { gate, answer: 'block', reason: judging.unproven, until: null };
  if (wave.verdict === 'promote') return { gate, answer: 'pass', reason: reason('gate_passed'), until: null };
  if (wave.verdict === null)
    return { gate, answer: 'wait', reason: reason('verdict_missing', { wave: wave.index }), until: judging.askAgainAt };
  const why = reason('verdict_not_promote', { wave: wave.index, verdict: wave.verdict });
  if (wave.verdict === 'hold' && at < judging.holdUntil)
    return { gate, answer: 'wait', reason: why, until: judging.askAgainAt };
  return { gate, answer: 'block', reason: why, until: null };
}
