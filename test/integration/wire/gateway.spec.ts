import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { reason, type HubCommand } from '@wavegate/fleet';
import { MESSAGE_LIMIT, reasonOfStatus, WINDOW } from '@wavegate/protocol';
import type { HubStream } from '@wavegate/runtime/agent';
import { keepSessions } from '@wavegate/runtime/hub';
import { diagnose } from '../../../apps/agent/src/link/tls-probe.js';
import { RawAgent } from './raw-agent.js';
import { accepted, asRefusal, asStream, eventually, factsOf, HubWorld, received } from './wire-world.js';

let world: HubWorld;
let serial = 0;
const raws: RawAgent[] = [];

beforeAll(async () => {
  world = await HubWorld.start();
});
afterAll(() => world.stop());
beforeEach(() => {
  world.desks.answers = () => [];
  world.desks.beforeTake = () => Promise.resolve();
  world.desks.taken.length = 0;
});
let stopKeeping: () => Promise<void> = () => Promise.resolve();
afterEach(async () => {
  await stopKeeping();
  for (const raw of raws.splice(0)) raw.close();
});

function freshName(): string {
  serial += 1;
  return `cluster-${serial}`;
}

async function rawAgent(name = freshName(), reads = true): Promise<RawAgent> {
  const { identity } = await world.enrolled(name);
  const raw = new RawAgent(world.gatewayAddress, identity!, reads).hello(`uid-${name}`);
  raws.push(raw);
  // What it says next finds it admitted.
  if (reads) await eventually(() => raw.heard.some(({ body }) => body.case === 'welcome'), 'welcome');
  return raw;
}

function takenOf(clusterId: string): number {
  return world.desks.taken.filter(({ session }) => session.clusterId === clusterId).length;
}

function confirm(n: number): HubCommand {
  return { kind: 'confirm', orderId: `order-${n}`, epoch: n };
}

/** The runtime's own keeper, over the desks' memory; returns what stops it. */
function keepingSessions(): () => Promise<void> {
  const { desks } = world;
  const cancels: (() => void)[] = [];
  const cancel = {
    cancelled: false,
    onCancel: (act: () => void) => {
      cancels.push(act);
      return () => undefined;
    },
  };
  const nothing = (): void => undefined;
  const kept = keepSessions({
    clock: { now: Date.now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 50))) },
    random: { next: () => 0.5 },
    log: { info: nothing, warn: nothing, error: nothing },
    cancel,
    registry: desks.streams,
    rolloutBell: { ring: nothing, next: () => new Promise(() => undefined) },
    store: {
      open: desks.sessions.open,
      close: desks.sessions.close,
      beat: () => Promise.resolve([]),
      expire: () => Promise.resolve(0),
      revoked: (sessions) => Promise.resolve(desks.revoked(sessions)),
    },
    tickMs: 50,
  });
  return async () => {
    cancel.cancelled = true;
    for (const act of cancels) act();
    await kept;
  };
}

describe('a stream', () => {
  it('hello → welcome with a generation; a report is acknowledged only after it was committed', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    expect(stream.generation).toBe(1);
    expect(world.desks.opened.at(-1)).toMatchObject({
      clusterId: name,
      agentVersion: '0.1.0',
      facts: factsOf(`uid-${name}`),
    });

    let commit = (): void => undefined;
    let atTheStore = false;
    world.desks.beforeTake = () => {
      atTheStore = true;
      return new Promise((resolve) => (commit = resolve));
    };
    let acknowledged = false;
    const sent = stream.send(accepted(1)).then(() => (acknowledged = true));
    await eventually(() => atTheStore, 'the report at the store');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(acknowledged).toBe(false);
    commit();
    await sent;
    expect(world.desks.taken).toEqual([{ session: { clusterId: name, generation: 1 }, report: accepted(1) }]);
    stream.close();
  });

  it('commands arrive in order, answers to reports too', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    world.desks.answers = (_session, report) => (report.kind === 'orderAccepted' ? [confirm(99)] : []);
    const hub = world.agentStream(name);
    for (let n = 0; n < 10; n += 1) await hub.send(confirm(n));
    await stream.send(accepted(1));
    const commands = await received(stream, 11);
    expect(commands.map((command) => (command.kind === 'confirm' ? command.epoch : -1))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99,
    ]);
    stream.close();
  });

  it('the store is away while a stream opens → store_unavailable with a moment to come back, and no session', async () => {
    const name = freshName();
    const identities = await world.enrolled(name);
    const { open } = world.desks.sessions;
    Object.assign(world.desks.sessions, { open: () => Promise.reject(new Error('no connection')) });
    try {
      const refused = asRefusal(await world.link(identities).connect({ facts: factsOf(`uid-${name}`) }));
      expect(refused).toMatchObject({ kind: 'refused', reason: { code: 'store_unavailable' } });
      expect(refused.retryAfterMs).toBeGreaterThan(0);
      expect(world.desks.refusals.get('store_unavailable')).toBe(1);
    } finally {
      Object.assign(world.desks.sessions, { open });
    }
    const stream = asStream(await world.link(identities).connect({ facts: factsOf(`uid-${name}`) }));
    expect(stream.generation).toBe(1);
    stream.close();
  });

  it('the stream ends before the acknowledgement → the report is rejected, and sent again on the next stream', async () => {
    const name = freshName();
    const { stream, link } = await world.connected(name);
    world.desks.beforeTake = () => Promise.reject(new Error('the store is away'));
    await expect(stream.send(accepted(1))).rejects.toThrow('store_unavailable');
    expect(await received(stream)).toEqual([
      { kind: 'goAway', reason: reason('store_unavailable', { retryAfterMs: 100 }), retryAfterMs: 100 },
    ]);
    world.desks.beforeTake = () => Promise.resolve();
    const next = asStream(await link.connect({ facts: factsOf(`uid-${name}`) }));
    await next.send(accepted(1));
    expect(next.generation).toBe(2);
    expect(world.desks.taken).toHaveLength(1);
    next.close();
  });

  it('a newer stream of the same cluster → the older is told newer_generation', async () => {
    const name = freshName();
    const { stream, link } = await world.connected(name);
    const next = asStream(await link.connect({ facts: factsOf(`uid-${name}`) }));
    expect(await received(stream)).toEqual([
      { kind: 'goAway', reason: reason('newer_generation', { generation: 2 }), retryAfterMs: 0 },
    ]);
    await next.send(accepted(1));
    expect(world.desks.live(name)?.session.generation).toBe(2);
    next.close();
  });

  it('an agent that leaves → the session is closed, and nobody sends to it any more', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    const hub = world.agentStream(name);
    stream.close();
    await eventually(() => world.desks.closed.some(({ clusterId }) => clusterId === name), 'session closed');
    await expect(hub.send(confirm(1))).rejects.toThrow('the stream is over');
  });

  it('another cluster with this certificate → cluster_uid_mismatch', async () => {
    const identities = await world.enrolled(freshName());
    const refused = asRefusal(await world.link(identities).connect({ facts: factsOf('uid-clone') }));
    expect(refused).toMatchObject({ kind: 'refused', reason: { code: 'cluster_uid_mismatch' } });
  });
});

describe('backpressure', () => {
  it('a hub that commits slowly → at most a window is under way, and the agent holds the rest back', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    let commit = (): void => undefined;
    const stopped = new Promise<void>((resolve) => (commit = resolve));
    world.desks.beforeTake = () => stopped;
    let written = 0;
    const sends = Array.from({ length: 3 * WINDOW }, (_, n) => stream.send(accepted(n)).then(() => (written += 1)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(written).toBe(0);
    expect(takenOf(name)).toBe(0);
    // Lossy reports find no room, and are dropped instead of queued.
    const progress = { orderId: 'o', phase: 'workers' as const, reason: reason('judging', { phase: 'x', until: 1 }) };
    for (let n = 0; n < 1_000; n += 1) {
      await stream.send({ kind: 'progress', progress: { ...progress, since: 1, nodesDone: n, nodesTotal: 1_000 } });
    }
    commit();
    await Promise.all(sends);
    expect(takenOf(name)).toBe(3 * WINDOW);
    stream.close();
  });

  it('an agent that takes no commands → the hub writes a window of them and no more', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    const hub = world.agentStream(name);
    let written = 0;
    const sends = Array.from({ length: 2 * WINDOW }, (_, n) => hub.send(confirm(n)).then(() => (written += 1)));
    await eventually(() => written >= WINDOW, 'a window written');
    await new Promise((resolve) => setTimeout(resolve, 300));
    // The welcome was taken; commands wait until they are pulled.
    expect(written).toBe(WINDOW);
    expect((await received(stream, 2 * WINDOW)).length).toBe(2 * WINDOW);
    await Promise.all(sends);
    // Reports went through meanwhile: the two directions do not wait for each other.
    await stream.send(accepted(1));
    stream.close();
  });

  it('an agent that floods a hub that cannot commit → the hub stops reading, and the agent cannot write on', async () => {
    world.desks.beforeTake = () => new Promise(() => undefined);
    const raw = await rawAgent();
    const findings = [{ code: 'c', severity: 'info', object: 'o', message: 'x'.repeat(16_000), remedy: '', owner: '' }];
    let written = 0;
    let blocked = false;
    while (!blocked && written < 5_000) {
      written += 1;
      if (raw.say({ case: 'findings', value: { orderId: 'o', findings } }).writable) continue;
      blocked = await Promise.race([
        new Promise<boolean>((resolve) => raw.call.once('drain', () => resolve(false))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 1_000)),
      ]);
    }
    expect(blocked).toBe(true);
    // 5,000 of them would be 80 MB.
    expect(written).toBeLessThan(500);
  });

  it('an agent that does not read at all → disconnected, memory stays bounded', async () => {
    const slow = await HubWorld.start({
      gateway: { times: { heartbeatMs: 50, slowConsumerMs: 3_000 }, window: 10_000 },
    });
    try {
      const { identity } = await slow.enrolled('deaf');
      const raw = new RawAgent(slow.gatewayAddress, identity!, false).hello('uid-deaf');
      raws.push(raw);
      await eventually(() => slow.desks.live('deaf') !== null, 'stream opened');
      const hub = slow.agentStream('deaf');
      const big = reason('backup_failed', { detail: 'x'.repeat(60_000) });
      let written = 0;
      const sends = Array.from({ length: 2_000 }, (_, n) =>
        hub.send({ kind: 'withdraw', orderId: `o-${n}`, epoch: n, reason: big }).then(
          () => (written += 1),
          () => undefined,
        ),
      );
      await Promise.all(sends);
      expect(written).toBeLessThan(100);
      await eventually(() => slow.desks.live('deaf') === null, 'disconnected');
      await eventually(() => slow.gateway.connected === 0, 'stream reset');
      expect(slow.desks.refusals.get('agent_lost')).toBe(1);
    } finally {
      await slow.stop();
    }
  });
});

describe('bad messages', () => {
  it('larger than 1 MiB → refused with the reason on both sides, counted', async () => {
    const raw = await rawAgent();
    const before = world.desks.refusals.get('message_too_large') ?? 0;
    raw.sayBytes(new Uint8Array(MESSAGE_LIMIT + 1));
    await eventually(() => raw.error !== null, 'refused');
    expect(raw.error?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(reasonOfStatus(raw.error!)).toEqual(
      reason('message_too_large', { bytes: MESSAGE_LIMIT + 1, limit: MESSAGE_LIMIT }),
    );
    expect(world.desks.refusals.get('message_too_large')).toBe(before + 1);
  });

  it('the agent itself refuses to send facts that are too large, and keeps its stream', async () => {
    const name = freshName();
    const { stream } = await world.connected(name);
    const node = factsOf('u').nodes[0]!;
    const nodes = Array.from({ length: 20_000 }, (_, n) => ({ ...node, name: `node-${n}-${'x'.repeat(40)}` }));
    await expect(stream.send({ kind: 'facts', facts: { ...factsOf('u'), nodes } })).rejects.toMatchObject({
      reason: { code: 'message_too_large' },
    });
    await stream.send(accepted(1));
    stream.close();
  });

  it.each([
    ['bytes that are no message', Uint8Array.of(0xff, 0xff, 0xff)],
    ['a body of a newer release', Uint8Array.of(8, 2, 0x9a, 6, 1, 0)],
    ['a sequence that jumps', Uint8Array.of(8, 9, 0x6a, 2, 10, 0)],
    ['an acknowledgement of what was never sent', Uint8Array.of(8, 2, 16, 120, 0x6a, 2, 10, 0)],
  ])('%s → message_unknown, and no other agent is disturbed', async (_what, bytes) => {
    const name = freshName();
    const { stream } = await world.connected(name);
    const raw = await rawAgent();
    const before = world.desks.refusals.get('message_unknown') ?? 0;
    raw.sayBytes(bytes);
    await eventually(() => raw.over, 'ended');
    expect(raw.goAway).toBe('message_unknown');
    expect(world.desks.refusals.get('message_unknown')).toBe(before + 1);
    await stream.send(accepted(1));
    expect(takenOf(name)).toBe(1);
    stream.close();
  });

  it('facts of a newer schema → schema_too_new', async () => {
    const raw = await rawAgent();
    raw.say({ case: 'facts', value: { schema: 2, uid: 'u' } });
    await eventually(() => raw.over, 'ended');
    expect(raw.goAway).toBe('schema_too_new');
  });

  it('something else than a hello, or nothing at all → refused', async () => {
    const hasty = await HubWorld.start({ gateway: { times: { helloMs: 200 } } });
    try {
      const { identity } = await hasty.enrolled('quiet');
      const rude = new RawAgent(hasty.gatewayAddress, identity!).say({ case: 'heartbeat', value: {} });
      const mute = new RawAgent(hasty.gatewayAddress, identity!);
      raws.push(rude, mute);
      await eventually(() => rude.over && mute.over, 'both ended');
      expect([rude.goAway, mute.goAway]).toEqual(['message_unknown', 'message_unknown']);
      expect(hasty.desks.opened).toHaveLength(0);
    } finally {
      await hasty.stop();
    }
  });
});

describe('certificates and live streams', () => {
  it('the certificate expires → its live stream is ended, and the agent comes back with a new one unaided', async () => {
    const brief = await HubWorld.start({ lifetimeMs: 4_000 });
    const link = brief.link(await brief.enrolled('brief'));
    // As its loop does: on a slow machine so short a certificate may expire before the handshake with it is over.
    const comesIn = async (): Promise<HubStream> => {
      const connected = await link.connect({ facts: factsOf('uid-brief') });
      return 'kind' in connected ? comesIn() : connected;
    };
    try {
      const stream = await comesIn();
      const [last] = await received(stream);
      expect(last).toMatchObject({ kind: 'goAway', reason: { code: 'certificate_expired' } });
      const next = await comesIn();
      expect(next.generation).toBe(stream.generation + 1);
      next.close();
    } finally {
      await brief.stop();
    }
  });

  it('the certificate is revoked → the live stream is ended, and the next is refused with the cause', async () => {
    const name = freshName();
    const { stream, link } = await world.connected(name);
    stopKeeping = keepingSessions();
    world.desks.revoke(name, Date.now());
    expect(await received(stream)).toEqual([
      { kind: 'goAway', reason: reason('certificate_revoked'), retryAfterMs: 0 },
    ]);
    const refused = asRefusal(await link.connect({ facts: factsOf(`uid-${name}`) }));
    expect(refused).toMatchObject({ kind: 'certificateRevoked', message: "this agent's certificate was revoked" });
  });

  it('no certificate, a foreign one, nobody there: each is told in its own line', async () => {
    const nobody = asRefusal(
      await world.link({ load: async () => null, save: async () => undefined }).connect({ facts: factsOf('u') }),
    );
    expect(nobody.message).toBe('this agent has no certificate: enrol it with a join token first');

    const other = await HubWorld.start();
    const foreign = await other.enrolled('foreign');
    const unknownHub = asRefusal(await world.link(foreign).connect({ facts: factsOf('uid-foreign') }));
    expect(unknownHub.kind).toBe('unknownCa');
    expect(unknownHub.message).toContain('shows a certificate of a CA that this agent does not trust');

    const trusting = { ...foreign.identity!, rootsPem: world.authority.rootPem };
    foreign.identity = trusting;
    const unknownAgent = asRefusal(await world.link(foreign).connect({ facts: factsOf('uid-foreign') }));
    expect(unknownAgent.kind).toBe('unknownCa');
    expect(unknownAgent.message).toContain("does not accept this agent's certificate");

    const address = other.gatewayAddress;
    await other.stop();
    const away = await diagnose(address, trusting, Date.now());
    expect(away).toMatchObject({ kind: 'unreachable', message: `no hub at ${address}: ECONNREFUSED` });
  });

  it('a client without a certificate is refused at the handshake', async () => {
    const { connect } = await import('node:tls');
    const code = await new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: world.gatewayPort,
        ca: world.authority.rootPem,
        ALPNProtocols: ['h2'],
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.on('close', () => resolve('closed'));
      socket.on('data', () => resolve('served'));
    });
    expect(code).toMatch(/CERTIFICATE_REQUIRED/);
  });
});

describe('a hub that stops', () => {
  it('every agent is told hub_draining with its own moment to come back, and finds the hub again', async () => {
    const restarted = await HubWorld.start();
    try {
      const agents = await Promise.all(['one', 'two', 'three'].map((name) => restarted.connected(name)));
      const started = Date.now();
      await restarted.stopHub();
      // Kubernetes waits 30 s for a pod.
      expect(Date.now() - started).toBeLessThan(20_000);
      for (const { stream } of agents) {
        expect((await received(stream)).at(-1)).toMatchObject({ kind: 'goAway', reason: { code: 'hub_draining' } });
      }
      const away = asRefusal(await agents[0]!.link.connect({ facts: factsOf('uid-one') }));
      expect(away.kind).toBe('unreachable');
      await restarted.startHub();
      const back = asStream(await agents[0]!.link.connect({ facts: factsOf('uid-one') }));
      expect(back.generation).toBe(2);
      back.close();
    } finally {
      await restarted.stop();
    }
  });

  it('a store that hangs in a commit → the hub still stops in time', async () => {
    const stuck = await HubWorld.start();
    const { stream } = await stuck.connected('stuck');
    stuck.desks.beforeTake = () => new Promise(() => undefined);
    const sent = stream.send(accepted(1)).catch((error: Error) => error.message);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = Date.now();
    await stuck.stop();
    expect(Date.now() - started).toBeLessThan(20_000);
    expect(await sent).toContain('hub_draining');
  });

  it('heartbeats keep an idle stream alive; a hub that falls silent is noticed', async () => {
    // Longer than a busy machine keeps this process from its work.
    const silenceMs = 4_000;
    const quick = await HubWorld.start({ gateway: { times: { heartbeatMs: 50, silenceMs } } });
    try {
      const silent = await quick.enrolled('silent');
      const raw = new RawAgent(quick.gatewayAddress, silent.identity!).hello('uid-silent');
      raws.push(raw);
      const idle = await quick.enrolled('idle');
      const stream = asStream(await quick.link(idle, silenceMs).connect({ facts: factsOf('uid-idle') }));
      await new Promise((resolve) => setTimeout(resolve, 1.5 * silenceMs));
      await stream.send(accepted(1));
      stream.close();

      await eventually(() => raw.goAway !== undefined, 'the silent agent is ended');
      expect(raw.goAway).toBe('agent_lost');
    } finally {
      await quick.stop();
    }
  });
});
