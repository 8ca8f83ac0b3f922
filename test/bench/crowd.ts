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
import type { AgentReport } from '@wavegate/fleet';
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
interface Confirmed {
  readonly orderId: string;
  readonly epoch: number;
}

const VERSION = '0.1.0';
/** After a stream that broke, as the agent's own session loop: soon, each at its own moment. */
const RETRY_MS = 2_000;
const streams: OneStream[] = [];
const agents: CrowdAgent[] = [];
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
      agents.length = 0;
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

async function connectAgent(order: Connect, member: CrowdMember): Promise<OneStream> {
  const agent = new CrowdAgent(order, member);
  await agent.connect();
  agents.push(agent);
  return agent;
}

/** Accepts every order and does nothing: the outcome is told when the bench asks for it. Comes back when cut off. */
class CrowdAgent implements OneStream {
  /** By order: a confirmation may come twice, and starts nothing the second time. */
  readonly confirmed = new Map<string, Confirmed>();
  confirmations = 0;
  /** Their outcomes were told: a confirmation that was under way meanwhile is no new order. */
  readonly ended = new Set<string>();
  private readonly link: GrpcHubLink;
  private stream: HubStream | null = null;

  constructor(
    { gateway, enrolment }: Connect,
    private readonly member: CrowdMember,
  ) {
    this.link = new GrpcHubLink({
      gateway,
      enrolment,
      identities: { load: () => Promise.resolve(member.identity), save: () => Promise.resolve() },
      clock: { now: () => Date.now() },
      random: { next: () => Math.random() },
      agentVersion: VERSION,
    });
  }

  async connect(): Promise<void> {
    const stream = await this.link.connect({ facts: benchFacts(this.member.uid, Date.now()) });
    if ('kind' in stream) throw new Error(`refused: ${stream.message}`);
    this.stream = stream;
    void this.obey(stream).then(() => this.comeBack());
  }

  close(): void {
    this.stream?.close();
  }

  /** Kept until the hub has acknowledged it, over as many streams as that takes. */
  async tell(report: AgentReport): Promise<void> {
    while (!closing) {
      try {
        return await this.stream?.send(report);
      } catch {
        await sleep(RETRY_MS * Math.random());
      }
    }
  }

  private async obey(stream: HubStream): Promise<void> {
    for await (const command of stream.commands) {
      if (command.kind === 'order') {
        const { id: orderId, epoch } = command.order;
        // Not waited for: the confirmation comes on this very loop. Lost with its stream, the hub asks again.
        stream.send({ kind: 'orderAccepted', orderId, epoch }).catch(() => undefined);
      } else if (command.kind === 'confirm') {
        const { orderId, epoch } = command;
        this.confirmations += 1;
        if (!this.ended.has(orderId)) this.confirmed.set(orderId, { orderId, epoch });
      }
    }
  }

  private async comeBack(): Promise<void> {
    if (closing) return;
    ended += 1;
    await sleep(RETRY_MS * Math.random());
    if (!closing) await this.connect().catch(() => this.comeBack());
  }
}

async function finish(): Promise<CrowdAnswer> {
  const outcome = { kind: 'upgraded' as const, standing: { apiserver: '1.35.4' } };
  let orders = 0;
  let confirmations = 0;
  const told: Promise<void>[] = [];
  for (const agent of agents) {
    confirmations += agent.confirmations;
    orders += agent.confirmed.size;
    for (const { orderId, epoch } of agent.confirmed.values()) {
      agent.ended.add(orderId);
      told.push(agent.tell({ kind: 'outcome', orderId, epoch, outcome }));
    }
    agent.confirmed.clear();
    agent.confirmations = 0;
  }
  await Promise.all(told);
  return { kind: 'finished', orders, again: confirmations - orders, ended };
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
