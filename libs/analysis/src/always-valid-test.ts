import { logNormalCdf } from './normal-distribution.js';

/** One freak period cannot decide: no period counts for more than three standard deviations. */
export const CLIP = 3;
const LN_2 = Math.log(2);

/**
 * ln E_t of the one-sided mixture test (normal mixture with τ = 1 over positive effects only):
 *
 *   E_t = 2 (1 + t)^(−½) · exp(S² / (2(1 + t))) · Φ(S / √(1 + t))
 *
 * where S is a sum of t standardised periods. Without an effect E is a non-negative martingale that starts at 1, so that
 * P(E ever reaches 1/α) ≤ α however often one looks (Ville's inequality; Johari et al., "Always Valid Inference").
 */
export function logEvidence(sum: number, t: number): number {
  if (t <= 0) return 0;
  const scaled = sum / Math.sqrt(1 + t);
  return LN_2 - 0.5 * Math.log(1 + t) + 0.5 * scaled * scaled + logNormalCdf(scaled);
}
