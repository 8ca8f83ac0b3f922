const FREE = 0;
const DEAD = 1;
/** And above: alive, and stored in that form. */
const LIVE = 2;

/**
 * Counts the keys that are alive after a log of puts and deletes. Keeps a fingerprint of 64 bits instead of each key: a
 * million keys in 18 MiB, where the keys themselves would be hundreds.
 */
export class LiveKeys {
  private lows = new Uint32Array(1 << 12);
  private highs = new Uint32Array(1 << 12);
  private states = new Uint8Array(1 << 12);
  private used = 0;
  count = 0;

  /** `form`: how its value is stored, a number below 250; the newest one counts. */
  put(key: Uint8Array, form = 0): void {
    this.set(key, LIVE + form);
  }

  /** How the newest value of the key is stored; null: it is not alive. */
  formOf(key: Uint8Array): number | null {
    const { low, high } = fingerprint(key);
    const state = this.states[this.slotOf(low, high)] ?? FREE;
    return state >= LIVE ? state - LIVE : null;
  }

  /** How many live keys are stored in that form. */
  countOf(form: number): number {
    return this.states.reduce((sum, state) => sum + Number(state === LIVE + form), 0);
  }

  remove(key: Uint8Array): void {
    this.set(key, DEAD);
  }

  private set(key: Uint8Array, state: number): void {
    if (this.used * 2 >= this.states.length) this.grow();
    const { low, high } = fingerprint(key);
    const at = this.slotOf(low, high);
    const before = this.states[at] ?? FREE;
    if (before === FREE) this.used += 1;
    this.fill(at, { low, high }, state);
    this.count += Number(state >= LIVE) - Number(before >= LIVE);
  }

  private fill(at: number, { low, high }: Print, state: number): void {
    this.lows[at] = low;
    this.highs[at] = high;
    this.states[at] = state;
  }

  private slotOf(low: number, high: number): number {
    const mask = this.states.length - 1;
    let at = (low ^ high) & mask;
    while (this.states[at] !== FREE && (this.lows[at] !== low || this.highs[at] !== high)) at = (at + 1) & mask;
    return at;
  }

  private grow(): void {
    const { lows, highs, states } = this;
    const size = states.length * 2;
    this.lows = new Uint32Array(size);
    this.highs = new Uint32Array(size);
    this.states = new Uint8Array(size);
    states.forEach((state, from) => {
      if (state === FREE) return;
      const [low, high] = [lows[from] ?? 0, highs[from] ?? 0];
      this.fill(this.slotOf(low, high), { low, high }, state);
    });
  }
}

interface Print {
  readonly low: number;
  readonly high: number;
}

/** Two independent 32-bit hashes side by side: among a million keys two meet with a chance of 3 in 100 million. */
function fingerprint(key: Uint8Array): Print {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let at = 0; at < key.length; at += 1) {
    const byte = key[at] ?? 0;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x5bd1e995);
    high ^= high >>> 13;
  }
  return { low: low >>> 0, high: high >>> 0 };
}
