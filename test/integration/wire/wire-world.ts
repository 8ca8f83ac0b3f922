import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentReport, ClusterFacts, HubCommand } from '@wavegate/fleet';
import type { HubStream, LinkRefusal } from '@wavegate/runtime/agent';
import type { AgentStream } from '@wavegate/runtime/hub';
import { CertificateAuthority } from '../../../apps/hub/src/agents/certificate-authority.js';
import { EnrolmentServer } from '../../../apps/hub/src/agents/enrolment-server.js';
import { GatewayServer, type GatewayServerOptions } from '../../../apps/hub/src/agents/gateway-server.js';
import { ServerCertificate } from '../../../apps/hub/src/agents/server-certificate.js';
import { enrol } from '../../../apps/agent/src/link/enrol.js';
import { GrpcHubLink } from '../../../apps/agent/src/link/grpc-hub-link.js';
import type { AgentIdentity, IdentityStore } from '../../../apps/agent/src/link/identity.js';
import { freePorts } from '../../kube/world/free-ports.js';
import { InMemoryDesks } from './in-memory-desks.js';

/** A clock that a test sets; `offset` 0 is the machine's own, which TLS looks at whatever the test says. */
export class MovableClock {
  offset = 0;
  now(): number {
    return Date.now() + this.offset;
  }
}

export function factsOf(uid: string): ClusterFacts {
  return {
    schema: 1,
    uid,
    driver: 'simulated',
    apiServers: ['1.34.4'],
    nodes: [{ name: 'cp-1', role: 'controlPlane', kubelet: '1.34.4', ready: true, schedulable: true, zone: 'a' }],
    pdbCount: 3,
    provider: 'test',
    observedAt: 1_700_000_000_000,
  };
}

export class InMemoryIdentityStore implements IdentityStore {
  constructor(public identity: AgentIdentity | null = null) {}
  load(): Promise<AgentIdentity | null> {
    return Promise.resolve(this.identity);
  }
  save(identity: AgentIdentity): Promise<void> {
    this.identity = identity;
    return Promise.resolve();
  }
}

export interface HubWorldOptions {
  readonly lifetimeMs?: number;
  readonly perSecond?: number;
  readonly clock?: MovableClock;
  readonly gateway?: Pick<GatewayServerOptions, 'times' | 'window'>;
}

const quiet = { info: () => undefined, warn: () => undefined };

/** A hub's two listeners on loopback with real TLS, over desks in memory that outlive a restart. */
export class HubWorld {
  readonly clock: MovableClock;
  readonly desks: InMemoryDesks;
  authority!: CertificateAuthority;
  certificate!: ServerCertificate;
  gateway!: GatewayServer;
  enrolment!: EnrolmentServer;
  gatewayPort = 0;
  enrolmentPort = 0;
  readonly #links: GrpcHubLink[] = [];

  private constructor(
    private readonly directory: string,
    private readonly options: HubWorldOptions,
  ) {
    this.clock = options.clock ?? new MovableClock();
    this.desks = new InMemoryDesks();
  }

  static async start(options: HubWorldOptions = {}): Promise<HubWorld> {
    const directory = await mkdtemp(join(tmpdir(), 'wavegate-wire-'));
    const world = new HubWorld(directory, options);
    await world.startHub();
    return world;
  }

  async startHub(): Promise<void> {
    const { clock, desks } = this;
    this.authority = await CertificateAuthority.open(join(this.directory, 'ca'), clock.now());
    const { authority } = this;
    this.certificate = await ServerCertificate.make({ authority, clock, names: ['localhost', '127.0.0.1'] });
    const { certificate } = this;
    const base = { certificate, clock, log: quiet, counters: desks.counters, certificates: desks.certificates };
    this.enrolment = new EnrolmentServer({
      ...base,
      authority,
      tokens: desks.tokens,
      lifetimeMs: this.options.lifetimeMs ?? 24 * 3_600_000,
      perSecond: this.options.perSecond ?? 1_000,
    });
    this.gateway = new GatewayServer({
      ...base,
      replica: 'hub-1',
      sessions: desks.sessions,
      reports: desks.reports,
      streams: desks.streams,
      ...this.options.gateway,
    });
    // Its own from now on, also while it is stopped: a hub that comes back comes back at the same address.
    if (this.gatewayPort === 0) [this.gatewayPort = 0, this.enrolmentPort = 0] = await freePorts(2);
    this.enrolmentPort = await this.enrolment.listen(`127.0.0.1:${this.enrolmentPort}`);
    this.gatewayPort = await this.gateway.listen(`127.0.0.1:${this.gatewayPort}`);
  }

  async stopHub(): Promise<void> {
    this.certificate.close();
    await Promise.all([this.gateway.close(), this.enrolment.close()]);
  }

  async stop(): Promise<void> {
    await this.stopHub();
    await rm(this.directory, { recursive: true, force: true });
  }

  get enrolmentAddress(): string {
    return `127.0.0.1:${this.enrolmentPort}`;
  }

  get gatewayAddress(): string {
    return `127.0.0.1:${this.gatewayPort}`;
  }

  /** A token for a cluster of this name, used at once by its agent. */
  async enrolled(name: string, uid = `uid-${name}`): Promise<InMemoryIdentityStore> {
    const { identity } = await enrol({
      address: this.enrolmentAddress,
      token: this.desks.token(name, this.clock.now() + 3_600_000),
      caSha256: this.authority.caSha256,
      facts: factsOf(uid),
      agentVersion: '0.1.0',
    });
    return new InMemoryIdentityStore(identity);
  }

  link(identities: IdentityStore, silenceMs?: number): GrpcHubLink {
    const link = new GrpcHubLink({
      gateway: this.gatewayAddress,
      enrolment: this.enrolmentAddress,
      identities,
      clock: this.clock,
      random: { next: () => 0.5 },
      agentVersion: '0.1.0',
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
    this.#links.push(link);
    return link;
  }

  /** Enrols, connects, and expects a stream. */
  async connected(name: string): Promise<{ stream: HubStream; link: GrpcHubLink; identities: InMemoryIdentityStore }> {
    const identities = await this.enrolled(name);
    const link = this.link(identities);
    return { stream: asStream(await link.connect({ facts: factsOf(`uid-${name}`) })), link, identities };
  }

  agentStream(clusterId: string): AgentStream {
    const stream = this.desks.live(clusterId);
    if (!stream) throw new Error(`no stream of ${clusterId}`);
    return stream;
  }
}

export function asStream(connected: HubStream | LinkRefusal): HubStream {
  if ('kind' in connected) throw new Error(`refused: ${connected.message}`);
  return connected;
}

export function asRefusal(connected: HubStream | LinkRefusal): LinkRefusal {
  if ('kind' in connected) return connected;
  connected.close();
  throw new Error('a stream, where a refusal was expected');
}

/** Everything that comes until the stream ends, or `count` commands. */
export async function received(stream: HubStream, count = Infinity): Promise<HubCommand[]> {
  const commands: HubCommand[] = [];
  for await (const command of stream.commands) {
    commands.push(command);
    if (commands.length >= count) break;
  }
  return commands;
}

export function accepted(n: number): AgentReport {
  return { kind: 'orderAccepted', orderId: `order-${n}`, epoch: n };
}

export async function eventually(holds: () => boolean, what: string, withinMs = 60_000): Promise<void> {
  const until = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
