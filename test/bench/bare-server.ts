import { create } from '@bufbuild/protobuf';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  gatewayDefinition,
  HEARTBEAT_MS,
  HubMessageSchema,
  KEEPALIVE,
  MESSAGE_LIMIT,
  toWireWelcome,
  WINDOW,
  type GatewayCall,
} from '@wavegate/protocol';

/**
 * A program of its own: what grpc-js costs by itself. The hub's server options, mutual TLS, wire messages and
 * heartbeat; no session, no window, no store. Its own size at rest is taken off, as the hub's is.
 */
export interface BareServerStart {
  readonly rootPem: string;
  readonly keyPem: string;
  readonly chainPem: string;
}

process.on('message', ({ rootPem, keyPem, chainPem }: BareServerStart) => {
  const server = new Server({
    ...KEEPALIVE,
    'grpc.max_receive_message_length': MESSAGE_LIMIT,
    'grpc.max_send_message_length': MESSAGE_LIMIT,
    'grpc.max_concurrent_streams': 16,
    'grpc.enable_channelz': 0,
  });
  server.addService(gatewayDefinition, { connect: serve });
  const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(chainPem) };
  server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(Buffer.from(rootPem), [pair], true), (error, port) => {
    if (error) throw error;
    process.send?.({ port });
  });
});

function serve(call: GatewayCall): void {
  call.sendMetadata(new Metadata());
  const beat = setInterval(
    () => call.write(create(HubMessageSchema, { seq: 0n, ack: 1n, body: { case: 'heartbeat', value: {} } })),
    HEARTBEAT_MS,
  );
  let welcomed = false;
  call.on('data', () => {
    if (welcomed) return;
    welcomed = true;
    const at = Date.now();
    const welcome = {
      generation: 1,
      clusterId: 'bare',
      heartbeatMs: HEARTBEAT_MS,
      window: WINDOW,
      hubTime: at,
      endsAt: at,
    };
    call.write(create(HubMessageSchema, { seq: 1n, ack: 1n, body: toWireWelcome(welcome) }));
  });
  const over = (): void => clearInterval(beat);
  call.on('cancelled', over);
  call.on('error', over);
  call.on('end', () => {
    over();
    call.end();
  });
}
