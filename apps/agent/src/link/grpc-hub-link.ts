import { create } from '@bufbuild/protobuf';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import { ORDER_SCHEMA, reason, type ClusterFacts, type Reason } from '@wavegate/fleet';
import {
  AgentGatewayClient,
  AgentMessageSchema,
  fromWireCommand,
  fromWireWelcome,
  KEEPALIVE,
  malformed,
  MESSAGE_LIMIT,
  reasonOfStatus,
  retryAfterOfStatus,
  SILENCE_MS,
  toWireHello,
  Unreadable,
  type HubMessage,
  type Read,
} from '@wavegate/protocol';
import type { AgentClock, AgentRandom, HubLink, HubStream, LinkRefusal } from '@wavegate/runtime/agent';
import { GrpcHubStream, type HubCall } from './grpc-hub-stream.js';
import { lifeOf, type AgentIdentity, type IdentityStore } from './identity.js';
import { Renewal } from './renewal.js';
import { diagnose, expired, refusal } from './tls-probe.js';

export interface GrpcHubLinkOptions {
  /** host:port of the hub's gateway and of its enrolment listener. */
  readonly gateway: string;
  readonly enrolment: string;
  readonly identities: IdentityStore;
  readonly clock: Pick<AgentClock, 'now'>;
  readonly random: AgentRandom;
  readonly agentVersion: string;
  /** One line per event that a person may want to know. */
  readonly log?: (message: string) => void;
  /** Told at each welcome: how far the hub's clock is ahead of ours at least, ms; 0 where the round trip may explain it. */
  readonly onHubClock?: (aheadMs: number) => void;
  readonly welcomeMs?: number;
  readonly silenceMs?: number;
}

const WELCOME_MS = 15_000;
/** Commands beyond those of the first release that this agent takes. */
const TAKES = ['measure', 'controls'];
type Messages = AsyncIterator<Read<HubMessage>>;

/** The agent's way to its hub: one attempt, one stream; what broke is told apart by name. */
export class GrpcHubLink implements HubLink {
  readonly #renewal: Renewal;
  #lastGeneration = 0;
  /** From the last facts: a renewal proves that this is still the cluster that was enrolled. */
  #clusterUid = '';

  constructor(private readonly options: GrpcHubLinkOptions) {
    const { enrolment: address, identities: store, clock, random } = options;
    this.#renewal = new Renewal({ address, store, clock, random });
  }

  /** False before the first `connect`: the cluster's UID comes with its facts. */
  async renewIfDue(): Promise<boolean> {
    if (this.#clusterUid === '') return false;
    const renewed = await this.#renewal.renewIfDue(this.#clusterUid);
    if (renewed) this.options.log?.('certificate renewed');
    return renewed;
  }

  async connect(hello: { readonly facts: ClusterFacts }): Promise<HubStream | LinkRefusal> {
    this.#clusterUid = hello.facts.uid;
    const { identities, clock } = this.options;
    // An agent that slept longer than its certificate comes back by itself.
    if (await this.#isExpired()) await this.renewIfDue();
    const identity = await identities.load();
    if (!identity) {
      const message = 'this agent has no certificate: enrol it with a join token first';
      return { ...refusal('refused', message), reason: reason('certificate_unknown') };
    }
    const { notAfter } = lifeOf(identity);
    if (notAfter <= clock.now()) return this.#expired(notAfter);
    return this.#dial(identity, hello.facts);
  }

  async #isExpired(): Promise<boolean> {
    const identity = await this.options.identities.load();
    return identity !== null && lifeOf(identity).notAfter <= this.options.clock.now();
  }

  /** The renewal's own refusal is the cause that helps: revoked, another cluster, too late, or no hub there. */
  #expired(notAfter: number): LinkRefusal {
    const why = this.#renewal.refused;
    const plain = expired(notAfter);
    if (!why) return plain;
    return {
      ...plain,
      kind: why.reason?.code === 'certificate_revoked' ? 'certificateRevoked' : plain.kind,
      reason: why.reason ?? plain.reason,
      message: `${plain.message}, and was not renewed: ${why.message}`,
      retryAfterMs: why.retryAfterMs,
    };
  }

  async #dial(identity: AgentIdentity, facts: ClusterFacts): Promise<HubStream | LinkRefusal> {
    const client = new AgentGatewayClient(
      this.options.gateway,
      credentials.createSsl(
        Buffer.from(identity.rootsPem),
        Buffer.from(identity.keyPem),
        Buffer.from(identity.chainPem),
      ),
      {
        ...KEEPALIVE,
        'grpc.max_receive_message_length': MESSAGE_LIMIT,
        'grpc.max_send_message_length': MESSAGE_LIMIT,
        'grpc.enable_retries': 0,
        'grpc.enable_channelz': 0,
        // A fresh connection per attempt: a shared one may sit in grpc-js's own back-off of up to two minutes.
        'grpc.use_local_subchannel_pool': 1,
      },
    );
    const call = client.connect();
    let ended: ServiceError | null = null;
    call.on('error', (error: ServiceError) => (ended = error));
    const give = (refused: LinkRefusal): LinkRefusal => {
      call.cancel();
      client.close();
      return refused;
    };
    try {
      return await this.#greet({ call, client, facts }, give);
    } catch (error) {
      return give(await this.#causeOf(ended ?? error, identity));
    }
  }

  async #greet(
    dialled: { readonly call: HubCall; readonly client: AgentGatewayClient; readonly facts: ClusterFacts },
    give: (refused: LinkRefusal) => LinkRefusal,
  ): Promise<HubStream | LinkRefusal> {
    const { call, client, facts } = dialled;
    const { agentVersion, log, silenceMs = SILENCE_MS } = this.options;
    const messages = call.iterator({ destroyOnReturn: false }) as Messages;
    const lastGeneration = this.#lastGeneration;
    const hello = toWireHello({ orderSchema: ORDER_SCHEMA, agentVersion, lastGeneration, facts, takes: TAKES });
    const saidAt = this.options.clock.now();
    call.write(create(AgentMessageSchema, { seq: 1n, ack: 0n, body: hello }));
    const first = await this.#first(messages);
    if (first.body.case === 'goAway') {
      const command = fromWireCommand(first.body);
      if (command.kind === 'goAway') return give(refusedBy(command.reason, command.retryAfterMs));
    }
    const welcome = fromWireWelcome(first.body);
    this.#lastGeneration = welcome.generation;
    this.options.onHubClock?.(aheadAtLeast(welcome.hubTime, saidAt, this.options.clock.now()));
    const onEnd = (why: string): void => log?.(`stream ended: ${why}`);
    return new GrpcHubStream({ call, client, welcome, silenceMs, onEnd }).begin(messages, first, hello);
  }

  async #first(messages: Messages): Promise<HubMessage> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error('no welcome in time');
      timer = setTimeout(() => reject(error), this.options.welcomeMs ?? WELCOME_MS);
    });
    try {
      const first = await Promise.race([messages.next(), late]);
      if (first.done) throw new Error('the hub ended the stream before its welcome');
      if (first.value instanceof Unreadable) throw malformed('the first message is no message of this protocol');
      return first.value;
    } finally {
      clearTimeout(timer);
    }
  }

  async #causeOf(error: unknown, identity: AgentIdentity): Promise<LinkRefusal> {
    const { code, details } = error as Partial<ServiceError>;
    if (code === undefined || typeof code !== 'number') {
      return refusal('unreachable', error instanceof Error ? error.message : String(error));
    }
    const why = reasonOfStatus(error as ServiceError);
    if (why) return refusedBy(why, retryAfterOfStatus(error as ServiceError));
    if (code === status.UNAVAILABLE) return diagnose(this.options.gateway, identity, this.options.clock.now());
    const proxy = code === status.RESOURCE_EXHAUSTED ? ' (is a proxy in the way?)' : '';
    return refusal('unreachable', `the hub's answer cannot be read: ${details ?? status[code]}${proxy}`);
  }
}

function refusedBy(why: Reason, retryAfterMs: number | null): LinkRefusal {
  const hint = retryAfterMs === null || retryAfterMs === 0 ? null : retryAfterMs;
  switch (why.code) {
    case 'certificate_expired':
      return {
        kind: 'certificateExpired',
        reason: why,
        message: "this agent's certificate has expired",
        retryAfterMs: hint,
      };
    case 'certificate_revoked':
      return {
        kind: 'certificateRevoked',
        reason: why,
        message: "this agent's certificate was revoked",
        retryAfterMs: hint,
      };
    default:
      return { kind: 'refused', reason: why, message: `the hub refused the stream: ${why.code}`, retryAfterMs: hint };
  }
}

/** The hub told its time at some moment between our hello and now: only what lies beyond both is a difference of clocks. */
function aheadAtLeast(hubTime: number, saidAt: number, heardAt: number): number {
  return Math.max(0, hubTime - heardAt) - Math.max(0, saidAt - hubTime);
}
