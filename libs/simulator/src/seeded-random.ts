/**
 * Randomness that can be replayed: the same seed gives the same draws, on every machine.
 *
 * `split(name)` makes an independent stream from the seed and the name alone, never from how many numbers were drawn
 * before. So one more draw in one place does not shift the draws of another, and a failing seed stays a failing seed
 * while the code around it changes.
 */
export class SeededRandom {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(private readonly seed: string) {
    const next = mixer(seed);
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next();
    // sfc32 needs some rounds until a poor seed has spread over its whole state.
    for (let i = 0; i < 12; i++) this.next();
  }

  /** A stream of its own for this purpose. */
  split(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`);
  }

  /** Uniform in [0, 1) (sfc32, Chris Doty-Humphrey). */
  next(): number {
    const t = (((this.a + this.b) | 0) + this.d) | 0;
    this.d = (this.d + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (this.c << 21) | (this.c >>> 11);
    this.c = (this.c + t) | 0;
    return (t >>> 0) / 4294967296;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items; throws RangeError for an empty list. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (items.length === 0 || item === undefined) throw new RangeError('pick: nothing to pick from');
    return item;
  }

  /** A new list in a random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const keyed = items.map((item) => ({ item, key: this.next() }));
    return keyed.sort((x, y) => x.key - y.key).map(({ item }) => item);
  }
}

/** xmur3: a text becomes a stream of well-mixed 32-bit numbers. */
function mixer(text: string): () => number {
  let h = 1779033703 ^ text.length;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 3432918353);
    h = (h << 13) | (h >>> 19);
  }
  return () => {
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    h ^= h >>> 16;
    return h | 0;
  };
}
