import { create } from '@bufbuild/protobuf';
import { Metadata, Server } from '@grpc/grpc-js';
import { reason, type Reason } from '@wavegate/fleet';
import {
  fromWireHello,
  fromWireReport,
  gatewayDefinition,
  HEARTBEAT_MS,
  HELLO_TIMEOUT_MS,
  HubMessageSchema,
  KEEPALIVE,
  malformed,
  MESSAGE_LIMIT,
  SILENCE_MS,
  toTrailers,
  toWireCommand,
  Unreadable,
  WINDOW,
  WireProblem,
  type AgentMessage,
  type GatewayCall,
  type Hello,
  type Read,
} from '@wavegate/protocol';
import { AgentConnection, type ConnectionTimes } from './agent-connection.js';
import { bindServer, STOP_WITHIN_MS, stopServer, withinMs } from './grpc-listener.js';
import { readPeer, type Peer } from './peer.js';
import type { CertificateDesk, ReportDesk, SessionDesk, StreamRegistry, WireCounters, WireLog } from './ports.js';
import type { ServerCertificate } from './server-certificate.js';
import { oversizeWatch } from './status-watch.js';

export interface GatewayServerOptions {
  readonly replica: string;
  readonly certificate: ServerCertificate;
  readonly certificates: CertificateDesk;
  readonly sessions: SessionDesk;
  readonly reports: ReportDesk;
  readonly streams: StreamRegistry;
  readonly counters: WireCounters;
  readonly log: WireLog;
  readonly clock: { now(): number };
  readonly times?: Partial<ConnectionTimes & { readonly helloMs: number }>;
  readonly window?: number;
}

/** Agents come back within this time, each at its own moment. */
const RETURN_WITHIN_MS = 10_000;
const STORE_AWAY_RETRY_MS = 5_000;

type Messages = AsyncIterator<Read<AgentMessage>>;

/** The stream was refused before it began. */
class NotAdmitted extends Error {
  constructor(
    readonly reason: Reason,
    readonly retryAfterMs = 0,
  ) {
    super(reason.code);
  }
}

/**
 * One bidirectional stream per agent over mTLS. A stream lives through: identity (from the certificate, read once) →
 * hello (within 10 s) → generation (from the store) → welcome → reports, each committed before the next is read →
 * end, by either side, by expiry, revocation, a newer stream, or because this hub goes away.
 */
export class GatewayServer {
  readonly #server: Server;
  readonly #live = new Set<AgentConnection>();
  readonly #serving = new Set<Promise<void>>();
  readonly #times: ConnectionTimes & { readonly helloMs: number };
  #draining = false;

  constructor(private readonly options: GatewayServerOptions) {
    this.#times = {
      heartbeatMs: HEARTBEAT_MS,
      silenceMs: SILENCE_MS,
      slowConsumerMs: SILENCE_MS,
      helloMs: HELLO_TIMEOUT_MS,
      ...options.times,
    };
    this.#server = new Server({
      ...KEEPALIVE,
      'grpc.max_receive_message_length': MESSAGE_LIMIT,
      'grpc.max_send_message_length': MESSAGE_LIMIT,
      'grpc.max_concurrent_streams': 16,
      'grpc.enable_channelz': 0,
      interceptors: [oversizeWatch((code) => options.counters.refused(code))],
    });
    this.#server.addService(gatewayDefinition, {
      connect: (call: GatewayCall) => {
        const serving = this.#serve(call).finally(() => this.#serving.delete(serving));
        this.#serving.add(serving);
      },
    });
  }

  /** Resolves with the bound port. */
  listen(address: string): Promise<number> {
    return bindServer(this.#server, address, this.options.certificate.credentials('required'));
  }

  get connected(): number {
    return this.#live.size;
  }

  /** Tells every agent to come back later, ends the streams, and stops listening. */
  async close(): Promise<void> {
    this.#draining = true;
    for (const connection of this.#live) {
      const retryAfterMs = Math.floor(Math.random() * RETURN_WITHIN_MS);
      connection.end(reason('hub_draining', { retryAfterMs }), retryAfterMs);
    }
    await stopServer(this.#server);
    // A commit that hangs must not keep this process: what it would have acknowledged is sent again elsewhere.
    await withinMs(Promise.all(this.#serving), STOP_WITHIN_MS);
  }

  async #serve(call: GatewayCall): Promise<void> {
    // Headers at once: until they come, the client buffers for a retry.
    call.sendMetadata(new Metadata());
    const messages = call.iterator({ destroyOnReturn: false });
    let connection: AgentConnection;
    try {
      connection = await this.#admit(call, messages);
    } catch (error) {
      this.#refuse(call, error);
      return;
    }
    try {
      await this.#read(connection, messages);
    } catch (error) {
      this.#endBy(connection, error);
    } finally {
      await this.#leave(connection, call);
    }
  }

  async #admit(call: GatewayCall, messages: Messages): Promise<AgentConnection> {
    const { certificates, clock } = this.options;
    const retryAfterMs = Math.floor(Math.random() * RETURN_WITHIN_MS);
    if (this.#draining) throw new NotAdmitted(reason('hub_draining', { retryAfterMs }), retryAfterMs);
    const peer = readPeer(call);
    if (!peer) throw new NotAdmitted(reason('certificate_unknown'));
    const hello = await this.#hello(messages);
    const record = await certificates.find(peer.serial);
    if (!record || record.clusterId !== peer.clusterId) throw new NotAdmitted(reason('certificate_unknown'));
    if (record.revokedAt !== null) throw new NotAdmitted(reason('certificate_revoked'));
    // TLS looked at the machine's clock, this is the hub's: the store's, where they differ.
    if (peer.notAfter <= clock.now()) {
      throw new NotAdmitted(reason('certificate_expired', { expiredAt: peer.notAfter }));
    }
    return this.#open(call, peer, hello);
  }

  async #open(call: GatewayCall, peer: Peer, hello: Hello): Promise<AgentConnection> {
    const { sessions, replica, clock, streams, counters, log } = this.options;
    const opened = await sessions.open({
      clusterId: peer.clusterId,
      replica,
      clusterUid: hello.facts.uid,
      certificateSerial: peer.serial,
      agentVersion: hello.agentVersion,
      facts: hello.facts,
    });
    if ('refused' in opened) throw new NotAdmitted(opened.refused);
    const { generation, settledEpoch = 0 } = opened;
    const window = this.options.window ?? WINDOW;
    const session = { clusterId: peer.clusterId, generation };
    const onEnd = (why: Reason): void => {
      counters.refused(why.code);
      log.warn('stream ended by the hub', { cluster: peer.clusterId, generation, ...fieldsOf(why) });
    };
    const takes = hello.takes ?? [];
    const connection = new AgentConnection(session, call, { times: this.#times, window, clock, takes, onEnd });
    connection.welcome({
      generation,
      clusterId: peer.clusterId,
      heartbeatMs: this.#times.heartbeatMs,
      window,
      hubTime: clock.now(),
      endsAt: peer.notAfter,
      takes: ['receipt', 'samples'],
      settledEpoch,
    });
    connection.endAt(peer.notAfter);
    this.#live.add(connection);
    counters.connected(this.#live.size);
    log.info('agent connected', { cluster: peer.clusterId, generation, agent: hello.agentVersion });
    // Last, for it may end this stream at once: a newer one of the same cluster can have come back from the store first.
    streams.register(connection, clock.now());
    return connection;
  }

  async #hello(messages: Messages): Promise<Hello> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(malformed('no hello in time')), this.#times.helloMs);
    });
    try {
      const first = await Promise.race([messages.next(), late]);
      if (first.done || first.value instanceof Unreadable) throw malformed('the first message is no hello');
      if (first.value.seq !== 1n) throw malformed('the first message is not number 1');
      return fromWireHello(first.value.body);
    } finally {
      clearTimeout(timer);
    }
  }

  /** One message at a time: the next is read when this one is committed, which is the backpressure. */
  async #read(connection: AgentConnection, messages: Messages): Promise<void> {
    const { streams, reports, clock } = this.options;
    for (;;) {
      const next = await messages.next();
      if (next.done || connection.endedBy) return;
      if (next.value instanceof Unreadable) throw malformed(`${next.value.bytes} bytes that are no message`);
      const seq = connection.receive(next.value);
      streams.heard(connection.session, clock.now());
      if (seq === 0) continue;
      if ((await reports.take(connection, fromWireReport(next.value.body))) === 'ended') return;
      connection.taken(seq);
    }
  }

  async #leave(connection: AgentConnection, call: GatewayCall): Promise<void> {
    const { streams, sessions, counters, log } = this.options;
    const { clusterId, generation } = connection.session;
    connection.close();
    if (!connection.endedBy) call.end();
    streams.unregister(connection.session);
    this.#live.delete(connection);
    counters.connected(this.#live.size);
    log.info('agent disconnected', { cluster: clusterId, generation, reason: connection.endedBy?.code });
    // A session that stays open in the store is found by its silence.
    await sessions.close(connection.session).catch((error: unknown) => {
      log.warn('session not closed', { cluster: clusterId, generation, error });
    });
  }

  /** What broke while reading: a message that we cannot take, or a fault of ours. */
  #endBy(connection: AgentConnection, error: unknown): void {
    if (connection.endedBy || isGone(error)) return;
    const refused = refusalOf(error);
    const { clusterId, generation } = connection.session;
    this.options.log.warn('a message was refused', {
      cluster: clusterId,
      generation,
      ...fieldsOf(refused.reason),
      error: said(error),
    });
    connection.end(refused.reason, refused.retryAfterMs);
  }

  #refuse(call: GatewayCall, error: unknown): void {
    if (call.cancelled || isGone(error)) return;
    const refused = refusalOf(error);
    this.options.counters.refused(refused.reason.code);
    const cluster = readPeer(call)?.clusterId;
    const why = fieldsOf(refused.reason);
    this.options.log.warn('stream refused', { cluster, peer: call.getPeer(), ...why, error: said(error) });
    call.write(create(HubMessageSchema, { seq: 0n, ack: 0n, body: toWireCommand({ kind: 'goAway', ...refused }) }));
    call.end(toTrailers(refused));
  }
}

/** The code as in the state and the metric's label, its parameters beside it. */
function fieldsOf({ code, params }: Reason): Readonly<Record<string, unknown>> {
  return { reason: code, params };
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function refusalOf(error: unknown): { reason: Reason; retryAfterMs: number } {
  if (error instanceof NotAdmitted) return { reason: error.reason, retryAfterMs: error.retryAfterMs };
  if (error instanceof WireProblem) return { reason: error.reason, retryAfterMs: 0 };
  // The store is away. The report was not acknowledged, so the agent keeps it and sends it again.
  const retryAfterMs = STORE_AWAY_RETRY_MS;
  return { reason: reason('store_unavailable', { retryAfterMs }), retryAfterMs };
}

/** What Node's iterator throws when the stream under it was destroyed: the agent is gone, nobody is left to tell. */
function isGone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ABORT_ERR';
}
