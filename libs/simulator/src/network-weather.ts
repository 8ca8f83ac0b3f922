/** What may happen to a line, as chances per message unless said otherwise. Zeroes are a perfect network. */
export interface Weather {
  /** The stream breaks instead of delivering this message: loss, as a stream shows it. */
  readonly loss: number;
  /** The message is delivered twice (a resend that was not needed). */
  readonly duplication: number;
  /** From here on the line swallows everything in both directions, and neither end notices by itself. */
  readonly halfOpen: number;
  /** Usual one-way delay, ms: uniform between the two. */
  readonly delayMs: readonly [number, number];
  /** A message that takes `spikeMs` longer; those behind it wait, since a stream keeps its order. */
  readonly spike: number;
  readonly spikeMs: number;
  /** Chance per attempt that a connection is refused by nobody being there. */
  readonly connectFailure: number;
}

export const FAIR_WEATHER: Weather = {
  loss: 0,
  duplication: 0,
  halfOpen: 0,
  delayMs: [1, 20],
  spike: 0,
  spikeMs: 0,
  connectFailure: 0,
};

/** What the network did to messages: the vacuity guard asks whether each of it really happened. */
export interface NetworkCounts {
  messages: number;
  lost: number;
  duplicated: number;
  halfOpened: number;
  spikes: number;
  connectFailures: number;
  partitioned: number;
  connects: number;
}
