import { judgeWave } from '@wavegate/analysis';
import { canonicalText, sha256Hex } from '@wavegate/fleet';
import type { Cluster, Outcome, Plan, Reason } from '@wavegate/fleet';
import { decide, plan as planWaves, startRollout } from '@wavegate/rollout';
import type { Rollout, RolloutState } from '@wavegate/rollout';
import type { RolloutCommit } from '@wavegate/runtime/hub';
import type { ClusterSpec, FaultPlan } from './cluster-spec.js';
import { InMemoryHubStore } from './in-memory-hub-store.js';
import { InMemoryJournalStore } from './in-memory-journal-store.js';
import { MortalProcess } from './mortal-process.js';
import { SeededRandom } from './seeded-random.js';
import { SimulatedAgent } from './simulated-agent.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedHub } from './simulated-hub.js';
import { SimulatedMetrics } from './simulated-metrics.js';
import { SimulatedNetwork } from './simulated-network.js';
import { VirtualClock } from './virtual-clock.js';
import type { Flush } from './virtual-clock.js';

const ID = 'rehearsal';
const MINUTE = 60_000;
/** Agents connect before the rollout starts. */
const ARRIVAL_MS = 2 * MINUTE;
const SLICE_MS = 5 * MINUTE;
const DAY = 24 * 60 * MINUTE;

export interface RehearsalInput {
  readonly plan: Plan;
  /** The fleet as the hub knows it. Clusters that are not connected stay silent in the rehearsal too. */
  readonly clusters: readonly Cluster[];
  /** Epoch ms at which the rollout would start. */
  readonly at: number;
  /** What goes wrong, by the cluster's name; nothing unless said. */
  readonly faults?: Readonly<Record<string, FaultPlan>>;
  readonly seed?: string;
  /** Longest stretch of virtual time, ms; a week unless told. */
  readonly mostMs?: number;
  readonly flush: Flush;
  /** Asked now and then: true gives up (the caller's own clock is up). */
  readonly stop?: () => boolean;
}

export interface RehearsedCluster {
  readonly name: string;
  readonly wave: number;
  readonly hops: number;
  /** Epoch ms; null: it never began. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly outcome: Outcome | null;
  /** Why it stands as it stands. */
  readonly reason: Reason;
}

export interface Rehearsal {
  readonly state: RolloutState;
  /** What a person would be asked, where the rollout stopped for one; null otherwise. */
  readonly asks: Reason | null;
  readonly finishedAt: number | null;
  /** By position. */
  readonly clusters: readonly RehearsedCluster[];
  readonly waves: readonly {
    readonly index: number;
    readonly openedAt: number | null;
    readonly endedAt: number | null;
    /** Most clusters in flight at once while it was the newest wave. */
    readonly mostInFlight: number;
  }[];
}

/**
 * The plan carried out on a simulated copy of the fleet, in virtual time, by the very loops and engines that would do
 * it: waves, gates, windows, soak, verdicts. Approvals are given as soon as they are asked for; a rollout that stops
 * for a person ends the rehearsal there.
 *
 * What it shows is how the *plan* behaves. How long a real node takes, and what will break, it cannot know: durations
 * are those of `DURATIONS_MS`, faults those that were asked for.
 */
export async function rehearse(input: RehearsalInput): Promise<Rehearsal> {
  return new RehearsalWorld(input).run();
}

class RehearsalWorld {
  private readonly clock: VirtualClock;
  private readonly random: SeededRandom;
  private readonly store: InMemoryHubStore;
  private readonly network: SimulatedNetwork;
  private readonly hub: SimulatedHub;
  private readonly times = new Map<string, { startedAt: number | null; endedAt: number | null }>();
  private readonly mostInFlight = new Map<number, number>();

  constructor(private readonly input: RehearsalInput) {
    this.clock = new VirtualClock(input.at - ARRIVAL_MS);
    this.random = new SeededRandom(`rehearsal/${input.seed ?? input.plan.metadata.name}`);
    this.store = new InMemoryHubStore(this.clock);
    this.network = new SimulatedNetwork(this.clock, this.random.split('network'));
    this.hub = this.makeHub();
  }

  async run(): Promise<Rehearsal> {
    const { input } = this;
    const planned = planWaves(input.plan, input.clusters, input.at);
    const taking = new Set(planned.taking.map(({ clusterId }) => clusterId));
    this.hub.start();
    this.network.listen(this.hub);
    for (const cluster of input.clusters) if (taking.has(cluster.id)) this.settle(cluster);
    await this.clock.run(input.at, input.flush);

    const canonical = canonicalText(input.plan);
    const digest = sha256Hex(canonical);
    const { name } = input.plan.metadata;
    const rollout = startRollout({ id: ID, name, plan: input.plan, canonical, digest, planned, by: ID, at: input.at });
    await this.store.create(rollout, entry('rollout.created'));
    this.hub.hint();
    await this.untilItStands();
    return this.result(await this.store.load(ID));
  }

  private async untilItStands(): Promise<void> {
    const { at, mostMs = 7 * DAY, stop, flush } = this.input;
    while (this.clock.now() < at + mostMs && !stop?.()) {
      const rollout = await this.store.load(ID);
      const { head } = rollout;
      if (head.finishedAt !== null) return;
      // Blocked, and nobody at work any more: only a person goes on from here.
      const atWork = [...rollout.clusters.values()].some(({ phase }) => phase !== 'done' && phase !== 'waiting');
      if (head.state !== 'running' && !atWork) return;
      await this.approve(rollout);
      await this.clock.run(this.clock.now() + SLICE_MS, flush);
    }
  }

  private async approve({ head }: Rollout): Promise<void> {
    const asked = head.waves.find(
      ({ phase, gates }) =>
        phase === 'waiting' && gates.some(({ gate, answer }) => gate === 'approval' && answer === 'wait'),
    );
    if (!asked || head.state !== 'running') return;
    const by = `approver-${asked.approvals.length + 1}`;
    const command = { kind: 'approved' as const, by, wave: asked.index, planDigest: head.planDigest };
    await this.store.appendCommand(ID, command, entry('rollout.approved'));
    this.hub.hint();
  }

  private settle(cluster: Cluster): void {
    const { id, name, labels } = cluster;
    const spec = specOfFacts(cluster, this.input.faults?.[name] ?? {}, this.random.split(name).int(0, 1e6));
    this.store.enrol({ id, name, uid: spec.uid, labels, certificateSerial: `serial-${id}` });
    if (!cluster.connected) return;
    const life = new MortalProcess(`agent ${name}`);
    const copy = new SimulatedCluster(spec, this.clock);
    const agent = new SimulatedAgent(
      {
        clock: this.clock,
        random: this.random.split(`agent ${name}`),
        cluster: copy,
        // Any objective of the plan is taken for a workload's: the copy has no other users.
        metrics: new SimulatedMetrics(copy, 'checkout-availability'),
        journals: new InMemoryJournalStore(),
        link: this.network.link(id, life),
        log: SILENT,
        onExit: () => undefined,
      },
      life,
    );
    agent.start();
  }

  private makeHub(): SimulatedHub {
    const { store, clock, random } = this;
    return new SimulatedHub(
      {
        clock,
        random: random.split('hub'),
        stores: { rollouts: this.watched(), sessions: store, orders: store },
        decide,
        judge: { judge: (_wave, clusters) => judgeWave(clusters) },
        log: SILENT,
        notifier: { notify: () => Promise.resolve() },
      },
      new MortalProcess('hub'),
    );
  }

  /** Rows say since when, not from when on: begin and end are noted as they are committed. */
  private watched(): InMemoryHubStore {
    const note = async (change: RolloutCommit) => {
      const result = await this.store.commit(change);
      if (result !== 'fenced') this.note(change);
      return result;
    };
    return new Proxy(this.store, {
      get: (target, key) => {
        if (key === 'commit') return note;
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }

  private note({ clusters, head }: RolloutCommit): void {
    for (const { clusterId, phase } of clusters) {
      const times = this.times.get(clusterId) ?? { startedAt: null, endedAt: null };
      if (phase === 'upgrading') times.startedAt ??= this.clock.now();
      times.endedAt = phase === 'done' ? this.clock.now() : null;
      this.times.set(clusterId, times);
    }
    const inFlight = head.waves.reduce((sum, wave) => sum + wave.inFlight, 0);
    this.mostInFlight.set(head.currentWave, Math.max(inFlight, this.mostInFlight.get(head.currentWave) ?? 0));
  }

  private result({ head, clusters }: Rollout): Rehearsal {
    const rows = [...clusters.values()].sort((a, b) => a.position - b.position);
    const ends = (wave: number): number | null => {
      const ended = rows
        .filter((row) => row.wave === wave)
        .map((row) => this.times.get(row.clusterId)?.endedAt ?? null);
      return ended.includes(null) ? null : Math.max(...ended.filter((end) => end !== null));
    };
    return {
      state: head.state,
      asks: head.asks ?? (head.state === 'blocked' || head.state === 'paused' ? head.reason : null),
      finishedAt: head.finishedAt,
      clusters: rows.map(({ clusterId, clusterName: name, wave, hops, outcome, reason }) => ({
        ...{ name, wave, hops: hops.length, outcome, reason },
        ...(this.times.get(clusterId) ?? { startedAt: null, endedAt: null }),
      })),
      waves: head.waves.map(({ index, openedAt }) => ({
        ...{ index, openedAt, endedAt: ends(index) },
        mostInFlight: this.mostInFlight.get(index) ?? 0,
      })),
    };
  }
}

/** A simulated cluster of the same shape: minor, size of the control plane, workers, zones. */
function specOfFacts({ name, labels, facts }: Cluster, faults: FaultPlan, seed: number): ClusterSpec {
  const { nodes = [], uid = name, apiServers = [], provider = '' } = facts ?? {};
  const workers = nodes.filter(({ role }) => role === 'worker');
  const zones = [...new Set(nodes.map(({ zone }) => zone))].sort();
  return {
    seed: String(seed),
    name,
    uid,
    labels,
    version: apiServers[0] ?? '',
    controlPlanes: nodes.length - workers.length > 1 ? 3 : 1,
    workers: workers.length,
    zones: zones.length > 0 ? zones : [''],
    podsPerWorker: 3,
    provider,
    traffic: 24_000,
    speed: 1,
    faults,
  };
}

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

function entry(action: string) {
  return { actor: ID, action, object: `rollout/${ID}`, detail: {} };
}
