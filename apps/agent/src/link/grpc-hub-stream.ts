import { create, toBinary } from '@bufbuild/protobuf';
import type { Client, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { isDurable, reason, type AgentReport, type HubCommand } from '@wavegate/fleet';
import {
  AgentMessageSchema,
  fromWireCommand,
  IncomingSequence,
  malformed,
  MESSAGE_LIMIT,
  OutgoingWindow,
  reasonOfStatus,
  retryAfterOfStatus,
  safeNumber,
  toWireReport,
  Unreadable,
  WireProblem,
  type AgentBody,
  type AgentMessage,
  type HubMessage,
  type Read,
  type Welcome,
} from '@wavegate/protocol';
import type { HubStream } from '@wavegate/runtime/agent';

export type HubCall = ClientDuplexStream<AgentMessage, Read<HubMessage>>;

/** The stream ended before the report was acknowledged: keep it and send it again on the next one. */
export class StreamEnded extends Error {
  override readonly name = 'StreamEnded';
}

export interface HubStreamOptions {
  readonly call: HubCall;
  readonly client: Client;
  readonly welcome: Welcome;
  /** Nothing heard for this long: the stream is dead, whatever TCP believes. */
  readonly silenceMs: number;
  /** Why the stream ended, one line; for the log. */
  readonly onEnd: (why: string) => void;
}

const CLOSE_WITHIN_MS = 1_000;

/**
 * The agent's end of one stream. It reads all the time, since acknowledgements come between commands; commands that
 * nobody has pulled yet wait here, at most a window of them, and are acknowledged when they are pulled.
 */
export class GrpcHubStream implements HubStream {
  readonly generation: number;
  readonly settledEpoch: number;
  readonly #outgoing: OutgoingWindow<AgentBody>;
  readonly #incoming: IncomingSequence;
  readonly #commands: { readonly seq: number; readonly command: HubCommand }[] = [];
  readonly #beat: NodeJS.Timeout;
  #wake: (() => void) | null = null;
  #over = false;
  #ackDue = false;
  #heardAt = performance.now();

  constructor(private readonly options: HubStreamOptions) {
    const { call, welcome } = options;
    this.generation = welcome.generation;
    this.settledEpoch = welcome.settledEpoch ?? 0;
    this.#outgoing = new OutgoingWindow((seq, body) => this.#write(seq, body), welcome.window);
    this.#incoming = new IncomingSequence(welcome.window);
    call.on('drain', () => this.#outgoing.drained());
    this.#beat = setInterval(() => this.#onBeat(), Math.max(welcome.heartbeatMs, 10));
  }

  /** The hello is this side's message 1, the welcome the other's. `hello` writes it before there is a stream object. */
  begin(messages: AsyncIterator<Read<HubMessage>>, welcome: HubMessage, hello: AgentBody): this {
    void this.#outgoing.send(hello).catch(() => undefined);
    this.#note(welcome);
    this.#taken(1);
    void this.#read(messages);
    return this;
  }

  get commands(): AsyncIterable<HubCommand> {
    return { [Symbol.asyncIterator]: () => this.#pull() };
  }

  async send(report: AgentReport): Promise<void> {
    // A hub of an older release would end the stream over it, at every resend. The outcome carries receipts as well.
    if (report.kind === 'receipt' && !this.options.welcome.takes?.includes('receipt')) return;
    if (report.kind === 'samples' && !this.options.welcome.takes?.includes('samples')) return;
    const body = toWireReport(report);
    assertFits(body);
    if (!isDurable(report)) {
      // Lossy by design: the next progress says more than a late one.
      if (this.#outgoing.hasRoom) await this.#outgoing.send(body);
      return;
    }
    await this.#outgoing.settled(await this.#outgoing.send(body));
  }

  close(): void {
    this.#end('closed by the agent');
  }

  async #read(messages: AsyncIterator<Read<HubMessage>>): Promise<void> {
    try {
      for (;;) {
        const next = await messages.next();
        if (next.done) return this.#end('the hub ended the stream');
        if (next.value instanceof Unreadable) throw malformed(`${next.value.bytes} bytes that are no message`);
        if (this.#take(next.value)) return;
      }
    } catch (error) {
      this.#offerCause(error);
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  /** A refusal in the trailers (a message too large, say) is as good as a go_away, and is handed on as one. */
  #offerCause(error: unknown): void {
    const why = error instanceof WireProblem ? error.reason : reasonOfStatus(error as ServiceError);
    if (!why || this.#over) return;
    const retryAfterMs = error instanceof WireProblem ? 0 : (retryAfterOfStatus(error as ServiceError) ?? 0);
    this.#offer({ seq: 0, command: { kind: 'goAway', reason: why, retryAfterMs } });
  }

  /** True when it was the last one. */
  #take(message: HubMessage): boolean {
    if (message.body.case === 'goAway') {
      const command = fromWireCommand(message.body);
      // What the hub has committed counts, also when it says goodbye.
      this.#outgoing.acknowledged(safeNumber(message.ack, 'ack'));
      this.#offer({ seq: 0, command });
      this.#end(`the hub said go away: ${command.kind === 'goAway' ? command.reason.code : ''}`);
      return true;
    }
    const seq = this.#note(message);
    if (seq > 0) this.#offer({ seq, command: fromWireCommand(message.body) });
    return false;
  }

  #note(message: HubMessage): number {
    this.#heardAt = performance.now();
    this.#outgoing.acknowledged(safeNumber(message.ack, 'ack'));
    if (message.body.case === 'heartbeat') return 0;
    const seq = safeNumber(message.seq, 'seq');
    this.#incoming.received(seq);
    return seq;
  }

  #offer(item: { readonly seq: number; readonly command: HubCommand }): void {
    this.#commands.push(item);
    this.#wake?.();
  }

  async *#pull(): AsyncGenerator<HubCommand, void, void> {
    for (;;) {
      const next = this.#commands.shift();
      if (next) {
        yield next.command;
        // Asked for the next one: this one has been dealt with.
        this.#taken(next.seq);
      } else if (this.#over) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }

  #taken(seq: number): void {
    this.#incoming.taken(seq);
    if (this.#ackDue || this.#over) return;
    this.#ackDue = true;
    setImmediate(() => this.#ackDue && this.#writeHeartbeat());
  }

  #write(seq: number, body: AgentBody): boolean {
    this.#ackDue = false;
    // The hello was written before this object was; only its number is taken here.
    if (body.case === 'hello') return true;
    return this.options.call.write(
      create(AgentMessageSchema, { seq: BigInt(seq), ack: BigInt(this.#incoming.ack), body }),
    );
  }

  #writeHeartbeat(): void {
    if (!this.#outgoing.writable) return;
    if (!this.#write(0, { case: 'heartbeat', value: {} })) this.#outgoing.filled();
  }

  #onBeat(): void {
    const silent = performance.now() - this.#heardAt;
    if (silent > this.options.silenceMs) this.#end(`the hub was silent for ${Math.round(silent / 1000)} s`);
    else this.#writeHeartbeat();
  }

  #end(why: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#beat);
    this.#outgoing.close(new StreamEnded(why));
    this.#wake?.();
    const { call, client } = this.options;
    call.end();
    // The half-close lets the hub note the end at once; the connection goes a moment later, whatever it does.
    setTimeout(() => {
      call.cancel();
      client.close();
    }, CLOSE_WITHIN_MS).unref();
    this.options.onEnd(why);
  }
}

/** Only these grow with a cluster; written anyway, they would end the stream, on every resend. */
function assertFits(body: AgentBody): void {
  if (body.case !== 'facts' && body.case !== 'findings') return;
  const bytes = toBinary(AgentMessageSchema, create(AgentMessageSchema, { body })).length;
  const room = MESSAGE_LIMIT - 32;
  if (bytes <= room) return;
  throw new WireProblem(
    `${body.case} of ${bytes} bytes are larger than a message may be`,
    reason('message_too_large', { bytes, limit: MESSAGE_LIMIT }),
  );
}
