/**
 * How often each fault and each interesting outcome really occurred, over all worlds: a test that never met the fault
 * it is about proves nothing.
 */
export class Sightings {
  private readonly counts = new Map<string, number>();

  see(what: string, times = 1): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  add(other: Sightings): void {
    for (const [what, times] of other.counts) this.see(what, times);
  }

  /** The expectations that were not met, as sentences. */
  missing(expected: Readonly<Record<string, number>>): readonly string[] {
    return Object.entries(expected)
      .filter(([what, least]) => this.of(what) < least)
      .map(([what, least]) => `"${what}" occurred ${this.of(what)} times, expected at least ${least}`);
  }

  table(): string {
    return [...this.counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, times]) => `${String(times).padStart(8)}  ${what}`)
      .join('\n');
  }
}
