/** Seeded draws for simulated series: the same seed gives the same series on every machine. */
export class VerdictRandom {
  private state: number;
  private spare: number | null = null;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  normal(): number {
    if (this.spare !== null) {
      const kept = this.spare;
      this.spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    const angle = 2 * Math.PI * this.next();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Exact by inversion, in parts, since a sum of Poisson draws is one; from 500 on a normal draw is as good. */
  poisson(mean: number): number {
    if (mean > 500) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    let events = 0;
    for (let left = mean; left > 0; left -= 30) {
      const part = Math.min(30, left);
      let product = this.next();
      for (const limit = Math.exp(-part); product > limit; events += 1) product *= this.next();
    }
    return events;
  }

  /** Marsaglia and Tsang, 2000. */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * Math.pow(1 - this.next(), 1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - this.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** Bad events of a period: variance φ·n·p, as bursts give it (φ = 1: Poisson). */
  bad(total: number, share: number, phi: number): number {
    const mean = total * share;
    if (mean <= 0) return 0;
    const rate = phi <= 1 ? mean : this.gamma(mean / (phi - 1)) * (phi - 1);
    return Math.min(total, this.poisson(Math.min(rate, total * 2)));
  }
}
