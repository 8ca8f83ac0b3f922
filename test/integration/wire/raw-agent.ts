import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { credentials, Metadata, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import {
  AgentGatewayClient,
  AgentMessageSchema,
  HubMessageSchema,
  toWireHello,
  Unreadable,
  type AgentBody,
  type AgentMessage,
  type HubMessage,
  type Read,
} from '@wavegate/protocol';
import type { AgentIdentity } from '../../../apps/agent/src/link/identity.js';
import { factsOf } from './wire-world.js';

type RawCall = ClientDuplexStream<Buffer, Read<HubMessage>>;

/** An agent without manners: says what it wants, reads when it likes. */
export class RawAgent {
  readonly heard: HubMessage[] = [];
  error: ServiceError | null = null;
  over = false;
  /** What the last write returned: false asks for a pause until `drain`. */
  writable = true;
  readonly #client: Client;
  readonly call: RawCall;
  #seq = 0n;

  constructor(address: string, identity: AgentIdentity, reads = true) {
    this.#client = new AgentGatewayClient(
      address,
      credentials.createSsl(
        Buffer.from(identity.rootsPem),
        Buffer.from(identity.keyPem),
        Buffer.from(identity.chainPem),
      ),
      { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_send_message_length': -1 },
    );
    const { toBinary, fromBinary } = bytes;
    this.call = this.#client.makeBidiStreamRequest(
      '/wavegate.agent.v1.AgentGatewayService/Connect',
      toBinary,
      fromBinary,
      new Metadata(),
      {},
    );
    this.call.on('error', (error: ServiceError) => {
      this.error = error;
      this.over = true;
    });
    this.call.on('end', () => (this.over = true));
    if (reads) this.call.on('data', (message: HubMessage) => this.heard.push(message));
    // grpc-js pauses a stream only once somebody asked for a message: without this its client would buffer for ever.
    else this.call.on('readable', () => undefined);
  }

  hello(uid: string): this {
    return this.say(toWireHello({ orderSchema: 1, agentVersion: 'raw', lastGeneration: 0, facts: factsOf(uid) }));
  }

  say(body: AgentBody, seq?: bigint): this {
    this.#seq += 1n;
    this.writable = this.call.write(encode(create(AgentMessageSchema, { seq: seq ?? this.#seq, body })));
    return this;
  }

  sayBytes(raw: Uint8Array): this {
    this.call.write(Buffer.from(raw));
    return this;
  }

  get goAway(): string | undefined {
    const last = this.heard.find((message) => message.body.case === 'goAway');
    return last?.body.case === 'goAway' ? last.body.value.reason?.code : undefined;
  }

  close(): void {
    this.call.cancel();
    this.#client.close();
  }
}

function encode(message: AgentMessage): Buffer {
  return Buffer.from(toBinary(AgentMessageSchema, message));
}

const bytes = {
  toBinary: (value: Buffer): Buffer => value,
  fromBinary: (value: Buffer): Read<HubMessage> => {
    try {
      return fromBinary(HubMessageSchema, value);
    } catch {
      return new Unreadable(value.length);
    }
  },
};
