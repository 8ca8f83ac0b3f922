import { create } from '@bufbuild/protobuf';
import { credentials } from '@grpc/grpc-js';
import {
  AgentGatewayClient,
  AgentMessageSchema,
  HEARTBEAT_MS,
  KEEPALIVE,
  MESSAGE_LIMIT,
  toWireHello,
} from '@wavegate/protocol';
import type { HubStream } from '@wavegate/runtime/agent';
import { setTimeout as sleep } from 'node:timers/promises';
import { enrol } from '../../apps/agent/src/link/enrol.js';
import { EnrolmentRefused } from '../../apps/agent/src/link/enrolment-refused.js';
import { GrpcHubLink } from '../../apps/agent/src/link/grpc-hub-link.js';
import { benchFacts } from './bench-fleet.js';
import type { CrowdAnswer, CrowdMember, CrowdOrder } from './crowd-words.js';

/** A program of its own: some hundred agents in one process, told what to do by the bench over the channel. */

type Connect = Extract<CrowdOrder, { kind: 'connect' }>;
interface OneStream {
  close(): void;
}

const VERSION = '0.1.0';
const streams: OneStream[] = [];
const confirmed: { readonly stream: HubStream; readonly orderId: string; readonly epoch: number }[] = [];
let ended = 0;
let closing = false;

process.on('message', (order: CrowdOrder) => {
  carryOut(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ kind: 'failed', message: String(error) } satisfies CrowdAnswer),
  );
});

async function carryOut(order: CrowdOrder): Promise<CrowdAnswer> {
  switch (order.kind) {
    case 'enrol': {
      const members: CrowdMember[] = [];
      await inParallel(order.members, 10, async ({ uid, token }) => {
        members.push({ uid, identity: await enrolOne(order.enrolment, order.caSha256, uid, token) });
      });
      return { kind: 'enrolled', members };
    }
    case 'connect':
      return connect(order);
    case 'finish':
      return finish();
    case 'close': {
      closing = true;
      const before = ended;
      for (const stream of streams.splice(0)) stream.close();
      await sleep(1_500);
      closing = false;
      return { kind: 'closed', ended: before };
    }
  }
}

/** The hub lets fifty in per second; whoever is told to wait, waits as an agent would. */
async function enrolOne(address: string, caSha256: string, uid: string, token: string) {
  const facts = benchFacts(uid, Date.now());
  for (;;) {
    try {
      return (await enrol({ address, token, caSha256, facts, agentVersion: VERSION })).identity;
    } catch (error) {
      if (!(error instanceof EnrolmentRefused) || error.retryAfterMs === null) throw error;
      await sleep(error.retryAfterMs * (0.5 + Math.random()));
    }
  }
}

async function connect(order: Connect): Promise<CrowdAnswer> {
  const handshakesMs: number[] = [];
  const startedAt = performance.now();
  await inParallel(order.members, order.parallel, async (member) => {
    const from = performance.now();
    streams.push(await (order.to === 'hub' ? connectAgent(order, member) : connectBare(order, member)));
    handshakesMs.push(performance.now() - from);
  });
  return { kind: 'connected', ms: performance.now() - startedAt, handshakesMs };
}

async function connectAgent({ gateway, enrolment }: Connect, { uid, identity }: CrowdMember): Promise<OneStream> {
  const link = new GrpcHubLink({
    gateway,
    enrolment,
    identities: { load: () => Promise.resolve(identity), save: () => Promise.resolve() },
    clock: { now: () => Date.now() },
    random: { next: () => Math.random() },
    agentVersion: VERSION,
  });
  const stream = await link.connect({ facts: benchFacts(uid, Date.now()) });
  if ('kind' in stream) throw new Error(`refused: ${stream.message}`);
  obey(stream).catch((error: unknown) => console.error(`${uid}: ${String(error)}`));
  return stream;
}

/** Accepts every order and does nothing: the outcome is told when the bench asks for it. */
async function obey(stream: HubStream): Promise<void> {
  for await (const command of stream.commands) {
    if (command.kind === 'order') {
      const { id: orderId, epoch } = command.order;
      // Not waited for: the confirmation comes on this very loop.
      stream.send({ kind: 'orderAccepted', orderId, epoch }).catch((error: unknown) => console.error(String(error)));
    } else if (command.kind === 'confirm') {
      confirmed.push({ stream, orderId: command.orderId, epoch: command.epoch });
    }
  }
  if (!closing) ended += 1;
}

async function finish(): Promise<CrowdAnswer> {
  const orders = confirmed.splice(0);
  const outcome = { kind: 'upgraded' as const, standing: { apiserver: '1.35.4' } };
  await Promise.all(
    orders.map(({ stream, orderId, epoch }) => stream.send({ kind: 'outcome', orderId, epoch, outcome })),
  );
  return { kind: 'finished', orders: orders.length, ended };
}

/** The same options, messages and heartbeat as the agent's link, without the agent's link. */
function connectBare({ gateway }: Connect, { uid, identity }: CrowdMember): Promise<OneStream> {
  const { rootsPem, keyPem, chainPem } = identity;
  const client = new AgentGatewayClient(
    gateway,
    credentials.createSsl(Buffer.from(rootsPem), Buffer.from(keyPem), Buffer.from(chainPem)),
    {
      ...KEEPALIVE,
      'grpc.max_receive_message_length': MESSAGE_LIMIT,
      'grpc.max_send_message_length': MESSAGE_LIMIT,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.use_local_subchannel_pool': 1,
    },
  );
  const call = client.connect();
  const facts = benchFacts(uid, Date.now());
  const hello = toWireHello({ orderSchema: 1, agentVersion: VERSION, lastGeneration: 0, facts });
  call.write(create(AgentMessageSchema, { seq: 1n, ack: 0n, body: hello }));
  const beat = setInterval(
    () => call.write(create(AgentMessageSchema, { seq: 0n, ack: 0n, body: { case: 'heartbeat', value: {} } })),
    HEARTBEAT_MS,
  );
  return new Promise((resolve, reject) => {
    const close = (): void => {
      clearInterval(beat);
      call.cancel();
      client.close();
    };
    call.on('data', () => resolve({ close }));
    call.on('error', (error: Error) => {
      if (!closing) ended += 1;
      reject(error);
    });
  });
}

async function inParallel<T>(items: readonly T[], width: number, act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
