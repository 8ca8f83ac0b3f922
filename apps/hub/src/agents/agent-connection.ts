import { create } from '@bufbuild/protobuf';
import { reason, type HubCommand, type Reason } from '@wavegate/fleet';
import {
  HubMessageSchema,
  IncomingSequence,
  OutgoingWindow,
  safeNumber,
  toTrailers,
  toWireCommand,
  toWireWelcome,
  type AgentMessage,
  type GatewayCall,
  type HubBody,
  type Welcome,
} from '@wavegate/protocol';
import type { AgentStream, SessionRef } from '@wavegate/runtime/hub';

export interface ConnectionTimes {
  readonly heartbeatMs: number;
  /** Nothing heard for this long, while we were listening: the stream is dead. */
  readonly silenceMs: number;
  /** An agent that does not read for this long is disconnected; its commands wait in their rows. */
  readonly slowConsumerMs: number;
}

export interface ConnectionOptions {
  readonly times: ConnectionTimes;
  readonly window: number;
  readonly clock: { now(): number };
  /** Kinds of commands beyond those of the first release that the agent takes. */
  readonly takes: readonly string[];
  /** Told once when the hub ends the stream. */
  readonly onEnd: (why: Reason) => void;
}

/** The stream is over; whoever waited for room in it takes the command from its row again. */
export class StreamOver extends Error {
  override readonly name = 'StreamOver';

  constructor(readonly reason: Reason) {
    super(`the stream is over: ${reason.code}`);
  }
}

const CUT_AFTER_MS = 2_000;

/**
 * One live stream of one agent, from its welcome to its end. It owns what is written; the gateway reads.
 * Memory is bounded: at most a window of messages unacknowledged, and nothing is written while the transport is full.
 */
export class AgentConnection implements AgentStream {
  readonly #outgoing: OutgoingWindow<HubBody>;
  readonly #incoming: IncomingSequence;
  readonly #beat: NodeJS.Timeout;
  #ackDue = false;
  #heardAt = performance.now();
  #fullSince: number | null = null;
  /** While a report is being committed nothing is read: silence is then our own. */
  #taking = false;
  #ended: Reason | null = null;
  #expiry: NodeJS.Timeout | undefined;

  constructor(
    readonly session: SessionRef,
    private readonly call: GatewayCall,
    private readonly options: ConnectionOptions,
  ) {
    const { window, times } = options;
    this.#incoming = new IncomingSequence(window);
    this.#outgoing = new OutgoingWindow((seq, body) => this.#write(seq, body), window);
    call.on('drain', () => {
      this.#fullSince = null;
      this.#outgoing.drained();
    });
    this.#beat = setInterval(() => this.#onBeat(), times.heartbeatMs).unref();
  }

  get endedBy(): Reason | null {
    return this.#ended;
  }

  /** The hello was the agent's message 1; the welcome is ours. */
  welcome(welcome: Welcome): void {
    this.#incoming.received(1);
    this.#incoming.taken(1);
    this.#outgoing.send(toWireWelcome(welcome)).catch(() => undefined);
  }

  async send(command: HubCommand): Promise<void> {
    if (command.kind === 'measure' || command.kind === 'controls') {
      // Lossy, and an agent of an older release would end the stream over it. Never queued: the next says more.
      if (!this.options.takes.includes(command.kind) || !this.#outgoing.hasRoom) return;
    }
    await this.#outgoing.send(toWireCommand(command));
  }

  /** Ends the stream at this moment (epoch ms): a live stream outlives its certificate otherwise. */
  endAt(notAfter: number): void {
    const { clock } = this.options;
    const leftMs = notAfter - clock.now();
    // setTimeout counts in 31 bits; a longer wait is taken in pieces.
    this.#expiry = setTimeout(
      () => {
        if (clock.now() < notAfter) this.endAt(notAfter);
        else this.end(reason('certificate_expired', { expiredAt: notAfter }), 0);
      },
      Math.min(Math.max(leftMs, 0), 2 ** 31 - 1),
    ).unref();
  }

  /** Notes one message and its acknowledgement. Throws WireProblem. Returns its number; 0 for a heartbeat. */
  receive(message: AgentMessage): number {
    this.#heardAt = performance.now();
    this.#outgoing.acknowledged(safeNumber(message.ack, 'ack'));
    if (message.body.case === 'heartbeat') return 0;
    const seq = safeNumber(message.seq, 'seq');
    this.#incoming.received(seq);
    this.#taking = true;
    return seq;
  }

  /** Committed: acknowledged with whatever is written next, at the latest at the end of this turn of the event loop. */
  taken(seq: number): void {
    this.#taking = false;
    this.#heardAt = performance.now();
    this.#incoming.taken(seq);
    if (this.#ackDue) return;
    this.#ackDue = true;
    setImmediate(() => this.#ackDue && this.#writeHeartbeat());
  }

  end(why: Reason, retryAfterMs: number): void {
    if (this.#ended) return;
    this.#ended = why;
    this.options.onEnd(why);
    this.close();
    this.call.write(
      create(HubMessageSchema, {
        seq: 0n,
        ack: BigInt(this.#incoming.ack),
        body: toWireCommand({ kind: 'goAway', reason: why, retryAfterMs }),
      }),
    );
    this.call.end(toTrailers({ reason: why, retryAfterMs }));
    // A peer that does not read never gets our last word either: its stream is reset.
    setTimeout(() => cut(this.call), CUT_AFTER_MS).unref();
  }

  /** The stream is gone, by whatever side: timers stop, senders are told. */
  close(): void {
    clearInterval(this.#beat);
    clearTimeout(this.#expiry);
    this.#outgoing.close(new StreamOver(this.#ended ?? reason('agent_lost', { since: this.options.clock.now() })));
  }

  #write(seq: number, body: HubBody): boolean {
    this.#ackDue = false;
    const more = this.call.write(create(HubMessageSchema, { seq: BigInt(seq), ack: BigInt(this.#incoming.ack), body }));
    if (!more) this.#fullSince ??= performance.now();
    return more;
  }

  #writeHeartbeat(): void {
    if (!this.#outgoing.writable) return;
    if (!this.#write(0, { case: 'heartbeat', value: {} })) this.#outgoing.filled();
  }

  #onBeat(): void {
    const { slowConsumerMs, silenceMs } = this.options.times;
    const now = performance.now();
    const unreadMs = this.#fullSince === null ? 0 : now - this.#fullSince;
    const silentMs = this.#taking ? 0 : now - this.#heardAt;
    if (unreadMs > slowConsumerMs) this.#endLost(unreadMs);
    else if (silentMs > silenceMs) this.#endLost(silentMs);
    else this.#writeHeartbeat();
  }

  #endLost(forMs: number): void {
    this.end(reason('agent_lost', { since: this.options.clock.now() - Math.round(forMs) }), 0);
  }
}

/**
 * Resets the HTTP/2 stream. grpc-js has no public way to do that from the server: `end` and every status wait behind
 * the data that the peer does not read. Reached for by name and left alone where a later release keeps it elsewhere;
 * keepalive then remains, which finds peers that are dead but not those that merely do not read.
 */
function cut(call: GatewayCall): void {
  let inner: unknown = call;
  for (const name of ['call', 'nextCall', 'stream']) {
    if (typeof inner !== 'object' || inner === null) return;
    inner = Reflect.get(inner, name);
  }
  const stream = inner as { close?: (code: number) => void; closed?: boolean } | null;
  const CANCEL = 8;
  if (stream && !stream.closed && typeof stream.close === 'function') stream.close(CANCEL);
}
