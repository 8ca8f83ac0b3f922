import { AGENT_USER, AgentProcess } from './agent-process.js';
import { evictions, underTest } from './audit-log.js';
import { eventually, GivenUp } from './eventually.js';
import { HubProcess } from './hub-process.js';
import { NodePlayer } from './node-player.js';
import { startCluster } from './real-cluster.js';
import type { RealCluster } from './real-cluster.js';
import { makeRunFolder, removeRunFolder } from './run-folder.js';
import type { NodeSpec } from './simulated-nodes.js';

export const OLD = '1.34.4';
export const NEW = '1.35.4';

export interface MemberSpec {
  readonly name: string;
  /** Of the control plane. The kubelets are always at the old version. */
  readonly version: string;
  readonly workers: number;
}

export interface Member {
  readonly cluster: RealCluster;
  readonly player: NodePlayer;
  readonly agent: AgentProcess;
}

export interface SeenReason {
  readonly code: string;
  readonly params: Readonly<Record<string, string | number>>;
  readonly text: string;
}

export interface SeenRollout {
  readonly id: string;
  readonly state: string;
  readonly reason: SeenReason;
  readonly waves: readonly { readonly index: number; readonly phase: string; readonly upgraded: number }[];
}

export interface SeenCluster {
  readonly name: string;
  readonly wave: number;
  readonly phase: string;
  readonly attempt: number;
  readonly reason: SeenReason;
  readonly progress: { readonly phase: string; readonly reason: SeenReason } | null;
  readonly outcome: {
    readonly kind: string;
    readonly text: string;
    readonly cordoned: readonly string[];
    readonly standing: Readonly<Record<string, string>>;
  } | null;
}

/** Parts of a plan's spec that a scenario sets; the rest is quick and strict. */
export type PlanChanges = Readonly<Record<string, unknown>>;

/** A real hub, real clusters and their real agents, joined and seen. */
export class FleetWorld {
  private constructor(
    readonly dir: string,
    readonly hub: HubProcess,
    private readonly members: ReadonlyMap<string, Member>,
  ) {}

  static async start(specs: readonly MemberSpec[], hubEnv: Readonly<Record<string, string>> = {}): Promise<FleetWorld> {
    const dir = makeRunFolder();
    const started = await Promise.allSettled([
      HubProcess.start(dir, hubEnv),
      ...specs.map((spec) => startCluster({ name: spec.name, version: spec.version, dir, nodes: nodesOf(spec) })),
    ]);
    const failed = started.find((one) => one.status === 'rejected');
    const made = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (failed) {
      await Promise.all(made.map((one) => one.stop()));
      throw failed.reason as Error;
    }
    const [hub, ...clusters] = made as [HubProcess, ...RealCluster[]];
    const members = new Map<string, Member>();
    const world = new FleetWorld(dir, hub, members);
    for (const cluster of clusters) {
      const player = new NodePlayer(cluster);
      await player.start();
      members.set(cluster.name, { cluster, player, agent: await AgentProcess.start(cluster, hub) });
    }
    await world.untilConnected(specs.length);
    return world;
  }

  member(name: string): Member {
    const member = this.members.get(name);
    if (!member) throw new Error(`there is no cluster ${name}`);
    return member;
  }

  async untilConnected(count: number): Promise<void> {
    await eventually(`${count} agents to be connected`, async () => {
      const { items } = await this.hub.call<{ items: { agent: { connected: boolean } }[] }>('GET', '/clusters');
      return items.filter(({ agent }) => agent.connected).length === count;
    });
  }

  /** Stores a plan and starts it; the rollout's id. */
  async rollOut(name: string, changes: PlanChanges = {}): Promise<string> {
    await this.hub.call('POST', '/plans', planOf(name, changes));
    return (await this.hub.call<SeenRollout>('POST', '/rollouts', { plan: name })).id;
  }

  rollout(id: string): Promise<SeenRollout> {
    return this.hub.call('GET', `/rollouts/${id}`);
  }

  async clusters(id: string): Promise<readonly SeenCluster[]> {
    return (await this.hub.call<{ items: SeenCluster[] }>('GET', `/rollouts/${id}/clusters`)).items;
  }

  async seen(id: string, name: string): Promise<SeenCluster> {
    const found = (await this.clusters(id)).find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not in rollout ${id}`);
    return found;
  }

  async untilState(id: string, state: string, withinMs = 180_000): Promise<SeenRollout> {
    return eventually(
      `rollout ${id} to be ${state}`,
      async () => {
        this.mustAllStand();
        const seen = await this.rollout(id);
        if (seen.state === state) return seen;
        throw new Error(`it is ${seen.state}: ${seen.reason.text}`);
      },
      { withinMs, everyMs: 250 },
    );
  }

  /** Until the agent of that cluster says it works at this; else what became of its node Jobs, where a wait mostly ends. */
  async untilProgress(id: string, name: string, holds: (progress: NonNullable<SeenCluster['progress']>) => boolean) {
    const look = async () => {
      this.mustAllStand();
      const { progress, outcome, phase, reason } = await this.seen(id, name);
      if (progress !== null && holds(progress)) return progress;
      if (outcome) throw new GivenUp(`${name} is past it: ${outcome.kind}, ${outcome.text}`);
      throw new Error(progress ? `${progress.phase}: ${progress.reason.text}` : `${phase}: ${reason.text}`);
    };
    try {
      return await eventually(`${name} to come to that point`, look, { withinMs: 120_000, everyMs: 100 });
    } catch (error) {
      const jobs = await this.member(name).cluster.kubectl('get', 'pods', '-n', 'wavegate-nodes', '-o', 'wide');
      throw new Error(`${String(error)}\n${jobs.stdout}${jobs.stderr}`, { cause: error });
    }
  }

  /** An API server, a controller manager that died: whoever waits on such a cluster waits in vain. */
  private mustAllStand(): void {
    const fallen = [...this.members.values()].flatMap(({ cluster }) => cluster.programs.fallen());
    if (fallen.length > 0) throw new GivenUp(fallen.join('\n'));
  }

  async stop(): Promise<void> {
    const members = [...this.members.values()];
    await Promise.all(members.map(({ agent }) => agent.stop()));
    await Promise.all(members.map(({ player }) => player.stop()));
    await Promise.all([this.hub.stop(), ...members.map(({ cluster }) => cluster.stop())]);
    removeRunFolder(this.dir);
  }
}

function nodesOf({ workers }: MemberSpec): readonly NodeSpec[] {
  const node = (name: string, role: NodeSpec['role'], index: number): NodeSpec => {
    return { name, role, kubelet: OLD, zone: `zone-${index % 2}` };
  };
  return [
    node('cp-1', 'controlPlane', 0),
    ...Array.from({ length: workers }, (_, i) => node(`w-${i + 1}`, 'worker', i)),
  ];
}

function planOf(name: string, changes: PlanChanges): unknown {
  return {
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name },
    spec: {
      target: { kubernetes: NEW },
      strategy: { waves: ['100%'] },
      gates: { soak: { default: '1s' } },
      verdict: { window: '20s', period: '1s', minSoak: '1s' },
      ...changes,
    },
  };
}

/** What the agent of a cluster did there, counted from the API server's own audit log and from the nodes' side. */
export function deedsOf({ cluster, player }: Member) {
  const events = underTest(cluster.audit()).filter(({ user }) => user.username === AGENT_USER);
  const taken = events.filter(({ responseStatus }) => (responseStatus?.code ?? 0) < 300);
  const of = (verb: string, resource: string): readonly string[] =>
    taken
      .filter((event) => event.verb === verb && event.objectRef?.resource === resource && !event.objectRef.subresource)
      .map(({ objectRef }) => objectRef?.name ?? '');
  const asked = evictions(events);
  return {
    /** Names of node Jobs that were really made (an "exists already" is none). */
    jobs: jobsMade(taken),
    /** Changes on nodes: cordon and uncordon are one each. */
    nodePatches: of('patch', 'nodes'),
    granted: asked.filter(({ code }) => code === 201).map(({ pod }) => pod),
    refused: asked.filter(({ code }) => code === 429).map(({ pod }) => pod),
    podDeletes: events.filter(({ verb, objectRef }) => verb.startsWith('delete') && objectRef?.resource === 'pods'),
    /** "kubelet/w-1", once for each time that a node was changed by a Job. */
    effects: player.played.filter(({ message }) => message.ok).map(({ step, node }) => `${step}/${node}`),
  };
}

/** A create's object has no name in the log when the server refused it early; those taken always have one. */
function jobsMade(taken: ReturnType<typeof underTest>): readonly string[] {
  return taken
    .filter(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'jobs')
    .map(({ objectRef }) => objectRef?.name ?? '');
}

/** Each thing at most once. */
export function twice(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

/** The kubelets' versions as the API server tells them, by node. */
export async function kubelets({ cluster }: Member): Promise<Readonly<Record<string, string>>> {
  type Node = { metadata: { name: string }; status: { nodeInfo: { kubeletVersion: string } } };
  const nodes = (await cluster.api.list('/api/v1/nodes')) as unknown as readonly Node[];
  return Object.fromEntries(
    nodes.map(({ metadata, status }) => [metadata.name, status.nodeInfo.kubeletVersion.replace(/^v/, '')]),
  );
}

/** Nodes that take no pods. */
export async function cordoned({ cluster }: Member): Promise<readonly string[]> {
  type Node = { metadata: { name: string }; spec: { unschedulable?: boolean } };
  const nodes = (await cluster.api.list('/api/v1/nodes')) as unknown as readonly Node[];
  return nodes.filter(({ spec }) => spec.unschedulable === true).map(({ metadata }) => metadata.name);
}
