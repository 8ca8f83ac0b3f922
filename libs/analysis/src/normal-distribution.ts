const LN_SQRT_2_PI = 0.9189385332046727;
/** Below this the series loses digits to cancellation, and the continued fraction converges fast. */
const TAIL = -3;

/** ln Φ(z) of the standard normal distribution, accurate far into the lower tail, where Φ itself is 0. */
export function logNormalCdf(z: number): number {
  if (z < TAIL) return -z * z * 0.5 - LN_SQRT_2_PI + Math.log(millsRatio(-z));
  return Math.log(bodyCdf(z));
}

/** Φ(z). */
export function normalCdf(z: number): number {
  return z < TAIL ? Math.exp(logNormalCdf(z)) : bodyCdf(z);
}

/** Φ(z) = ½ + φ(z)·(z + z³/3 + z⁵/(3·5) + …): all terms of one sign (Marsaglia, J. Stat. Software 11(4), 2004). */
function bodyCdf(z: number): number {
  if (z > 9) return 1;
  let term = z;
  let sum = z;
  for (let odd = 3; sum + term !== sum; odd += 2) {
    term *= (z * z) / odd;
    sum += term;
  }
  return Math.min(1, 0.5 + sum * Math.exp(-0.5 * z * z - LN_SQRT_2_PI));
}

/** (1 − Φ(x))/φ(x) for x ≥ 3, by Laplace's continued fraction 1/(x + 1/(x + 2/(x + 3/(x + …)))). */
function millsRatio(x: number): number {
  let fraction = x;
  for (let k = 120; k >= 1; k -= 1) fraction = x + k / fraction;
  return 1 / fraction;
}
