import { malformed } from './wire-problem.js';

/**
 * Sequence numbers, acknowledgements and the window of one stream: the same logic on both sides, without a timer and
 * without gRPC. Each stream begins at 1; what must survive a stream lies in rows and journals, not here.
 *
 * | a sent message is | when |
 * |---|---|
 * | waiting    | `send` was called; no room in the window, or the transport's buffer is full |
 * | written    | it has its number; `send` resolves. Written is not delivered |
 * | settled    | the other side acknowledged its number; `settled` resolves |
 * | over       | the stream closed first; whatever was pending rejects with the closing error |
 */
export class OutgoingWindow<Body> {
  readonly #write: (seq: number, body: Body) => boolean;
  readonly #size: number;
  readonly #waiting: { readonly body: Body; resolve(seq: number): void; reject(error: Error): void }[] = [];
  readonly #settling = new Map<number, { resolve(): void; reject(error: Error): void }>();
  #sent = 0;
  #acknowledged = 0;
  #writable = true;
  #over: Error | null = null;

  /** `write` puts one message on the transport and returns false when its buffer is full: `drained` says when it is not. */
  constructor(write: (seq: number, body: Body) => boolean, size: number) {
    this.#write = write;
    this.#size = size;
  }

  get unacknowledged(): number {
    return this.#sent - this.#acknowledged;
  }

  /** Messages that have no number yet: what a slow reader makes pile up. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** True when `send` would write at once; lossy messages are dropped otherwise. */
  get hasRoom(): boolean {
    return this.#over === null && this.#writable && this.#waiting.length === 0 && this.unacknowledged < this.#size;
  }

  get writable(): boolean {
    return this.#over === null && this.#writable;
  }

  /** Resolves with the sequence number once written, in the order of the calls; rejects when the stream is over. */
  send(body: Body): Promise<number> {
    if (this.#over) return Promise.reject(this.#over);
    const written = new Promise<number>((resolve, reject) => this.#waiting.push({ body, resolve, reject }));
    this.#pump();
    return written;
  }

  /** Resolves when `seq` is acknowledged; rejects when the stream is over before that. */
  settled(seq: number): Promise<void> {
    if (seq <= this.#acknowledged) return Promise.resolve();
    if (this.#over) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => this.#settling.set(seq, { resolve, reject }));
  }

  /** Acknowledgements only grow; a repeated or older one is nothing new. Throws WireProblem for one of the future. */
  acknowledged(upTo: number): void {
    if (upTo > this.#sent) throw malformed(`acknowledges ${upTo}, of which only ${this.#sent} were sent`);
    if (upTo <= this.#acknowledged) return;
    for (let seq = this.#acknowledged + 1; seq <= upTo; seq += 1) {
      this.#settling.get(seq)?.resolve();
      this.#settling.delete(seq);
    }
    this.#acknowledged = upTo;
    this.#pump();
  }

  drained(): void {
    this.#writable = true;
    this.#pump();
  }

  /** A heartbeat went beside the window and filled the transport's buffer. */
  filled(): void {
    this.#writable = false;
  }

  close(error: Error): void {
    if (this.#over) return;
    this.#over = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    for (const { reject } of this.#settling.values()) reject(error);
    this.#settling.clear();
  }

  #pump(): void {
    while (this.#over === null && this.#writable && this.unacknowledged < this.#size) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#sent += 1;
      // The number is taken before the write: a write that ends the stream by itself must not give it out twice.
      const seq = this.#sent;
      this.#writable = this.#write(seq, next.body);
      next.resolve(seq);
    }
  }
}

/**
 * The receiving half: numbers come one by one, the acknowledgement is the highest number up to which *all* are taken,
 * in whatever order they were.
 */
export class IncomingSequence {
  readonly #size: number;
  readonly #ahead = new Set<number>();
  #received = 0;
  #taken = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** What to write into `ack`. */
  get ack(): number {
    return this.#taken;
  }

  get untaken(): number {
    return this.#received - this.#taken;
  }

  /** Throws WireProblem for a gap, a repetition, or a sender that does not keep the window. */
  received(seq: number): void {
    if (seq !== this.#received + 1) throw malformed(`sequence jumps from ${this.#received} to ${seq}`);
    if (this.untaken >= this.#size) throw malformed(`more than ${this.#size} messages without acknowledgement`);
    this.#received = seq;
  }

  /** Committed (hub) or handed over (agent). */
  taken(seq: number): void {
    if (seq <= this.#taken || seq > this.#received) return;
    this.#ahead.add(seq);
    while (this.#ahead.delete(this.#taken + 1)) this.#taken += 1;
  }
}
