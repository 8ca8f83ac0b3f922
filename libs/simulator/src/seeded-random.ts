// Looked up once: jest's test globals make each `Math.` in the hashing loop a call into the sandbox.
const { imul } = Math;

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
    [this.a, this.b, this.c, this.d] = hashOf(seed);
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

/**
 * cyrb128 (bryc, public domain): four words that each depend on the whole text. Seeds here differ by one digit in the
 * middle ("fleet/7/3/fault"); a single rolling hash gave them related streams.
 */
function hashOf(text: string): [number, number, number, number] {
  let [h1, h2, h3, h4] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = h2 ^ imul(h1 ^ k, 597399067);
    h2 = h3 ^ imul(h2 ^ k, 2869860233);
    h3 = h4 ^ imul(h3 ^ k, 951274213);
    h4 = h1 ^ imul(h4 ^ k, 2716044179);
  }
  h1 = imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = imul(h2 ^ (h4 >>> 19), 2716044179);
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1];
}
