import { canonicalText, sha256Hex } from '@wavegate/fleet';
import type { Plan } from '@wavegate/fleet';
import { judgeWave } from '@wavegate/analysis';
import { checkInvariants, decide, plan as planWaves, startRollout } from '@wavegate/rollout';
import type { Decision, Rollout, RolloutEvent } from '@wavegate/rollout';
import type { RolloutCommit, RolloutStore, RolloutRunner } from '@wavegate/runtime/hub';
import {
  generateFleet,
  InMemoryHubStore,
  MortalProcess,
  SeededRandom,
  SimulatedHub,
  SimulatedNetwork,
  VirtualClock,
} from '@wavegate/simulator';
import type { CrashPoints, FleetMember } from '@wavegate/simulator';
import { ClusterBody } from './cluster-body.js';
import { CommitOracle } from './commit-oracle.js';
import { EffectOracle } from './effect-oracle.js';
import { planOfSeed } from './plan-of-seed.js';
import { Sightings } from './sightings.js';
import { Trace } from './trace.js';
import { unreliable } from './unreliable-store.js';
import type { StoreTrouble } from './unreliable-store.js';

/** Where a world begins: a Monday. */
const BEGINNING = Date.UTC(2026, 0, 5, 8);

/** A deliberately broken part, to prove that the oracles notice. */
export interface Sabotage {
  readonly decide?: RolloutRunner['decide'];
  readonly store?: (store: RolloutStore) => RolloutStore;
  /** Agents that take every order and confirmation for a new one (no journal survives). */
  readonly forgetJournals?: boolean;
  /** The promise that must be found broken: a world ends as soon as it is. */
  readonly breaks: string;
}

/** Port calls of one process within one instant of virtual time; honest bursts stay far below. */
const MOST_CALLS_AT_ONCE = 20_000;

export const ROLLOUT_ID = 'rollout-1';

/** Real loops of hub and agents over a simulated everything else; one seed, one history. */
export class World {
  readonly clock = new VirtualClock(BEGINNING);
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly store: InMemoryHubStore;
  readonly trouble: StoreTrouble = { refused: 0, answerLost: 0 };
  readonly trace = new Trace(() => this.clock.now());
  readonly sightings = new Sightings();
  readonly complaints: string[] = [];
  readonly plan: Plan;
  readonly bodies = new Map<string, ClusterBody>();
  readonly hubs = new Map<string, SimulatedHub>();
  readonly effects: EffectOracle;
  private readonly commits: CommitOracle;
  private readonly fleet: readonly FleetMember[];
  private readonly watched: RolloutStore;
  private readonly storeRandom: SeededRandom;
  private hubStarts = 0;
  private seen: Rollout | null = null;
  maxInFlight = Infinity;
  /** Trouble is over: whatever ends is started again. */
  healed = false;

  constructor(
    readonly seed: number,
    private readonly sabotage: Sabotage | null = null,
  ) {
    this.random = new SeededRandom(`world/${seed}`);
    this.storeRandom = this.random.split('store');
    this.network = new SimulatedNetwork(this.clock, this.random.split('network'));
    this.store = new InMemoryHubStore(this.clock);
    this.plan = planOfSeed(seed, this.random.split('plan'));
    const wish = this.random.split('fleet');
    this.fleet = generateFleet({
      seed: String(seed),
      count: wish.int(3, 9),
      speed: 1,
      faultShare: wish.pick([0, 0.2, 0.5]),
      offlineShare: wish.pick([0, 0.15]),
    });
    const complain = (promise: string, what: string): void => this.complain(promise, what);
    this.effects = new EffectOracle(this.plan, () => this.maxInFlight, complain);
    this.commits = new CommitOracle(complain);
    this.watched = this.watch(this.sabotage?.store?.(this.store) ?? this.store);
    for (const member of this.fleet) this.settle(member);
  }

  /** A promise was broken. The world goes on: what follows is evidence. */
  complain(promise: string, what: string): void {
    const line = `${promise} broken: ${what}`;
    this.trace.say('ORACLE', line);
    if (this.complaints.length < 20) this.complaints.push(line);
  }

  startHub(name: string, points?: CrashPoints): void {
    if (this.hubs.get(name)?.life.alive) return;
    this.hubStarts += 1;
    // Unique per start: a restarted hub must not pass for the holder of its old lease.
    const life = this.process(`${name}.${this.hubStarts}`, points);
    const flaky = unreliable(this.store, this.trouble, () => this.storeRandom.next());
    const rollouts = unreliableRollouts(this.watched, this.trouble, () => this.storeRandom.next());
    const hub = new SimulatedHub(
      {
        clock: this.clock,
        random: this.random.split(life.name),
        stores: { rollouts, sessions: flaky, orders: flaky },
        decide: (rollout, event) => this.decide(rollout, event),
        judge: { judge: (_wave, clusters) => judgeWave(clusters) },
        log: this.logOf(life.name),
        notifier: { notify: () => Promise.resolve() },
      },
      life,
    );
    this.hubs.set(name, hub);
    life.onDeath(() => {
      this.trace.say(life.name, 'dies');
      this.network.goDown(life.name);
    });
    hub.start();
    this.network.listen(hub);
    this.trace.say(life.name, 'starts');
  }

  /**
   * A process of this world. One that calls its ports without end while no time passes would hang the simulation; it is
   * killed and complained about instead.
   */
  process(name: string, own?: CrashPoints): MortalProcess {
    let [at, calls] = [0, 0];
    return new MortalProcess(name, {
      crashesAt: (point) => {
        const now = this.clock.now();
        calls = now === at ? calls + 1 : 0;
        at = now;
        if (calls === MOST_CALLS_AT_ONCE) this.complain('no spinning', `${name} spins at ${point}`);
        return calls >= MOST_CALLS_AT_ONCE || (own?.crashesAt(point) ?? false);
      },
    });
  }

  async startRollout(): Promise<void> {
    const canonical = canonicalText(this.plan);
    const planned = planWaves(this.plan, this.store.clusters(), this.clock.now());
    const rollout = startRollout({
      id: ROLLOUT_ID,
      name: this.plan.metadata.name,
      plan: this.plan,
      canonical,
      digest: sha256Hex(canonical),
      planned,
      by: 'ada',
      at: this.clock.now(),
    });
    this.maxInFlight = rollout.head.maxInFlight;
    const waves = rollout.head.waves.map(({ size }) => size).join(' + ');
    this.trace.say('person', `starts a rollout: ${waves} clusters, ${this.maxInFlight} in flight at most`);
    await this.store.create(rollout, entry('ada', 'rollout.created'));
    this.hint();
  }

  async command(event: Parameters<RolloutStore['appendCommand']>[1]): Promise<void> {
    this.trace.say('person', JSON.stringify(event));
    this.sightings.see(`person ${event.kind}`);
    await this.store.appendCommand(ROLLOUT_ID, event, entry('by' in event ? event.by : 'ada', `rollout.${event.kind}`));
    this.hint();
  }

  rollout(): Promise<Rollout> {
    return this.store.load(ROLLOUT_ID);
  }

  /** The engine, and after each of its decisions the engine's own promises. */
  private decide(rollout: Rollout, event: RolloutEvent): Decision {
    const decision = (this.sabotage?.decide ?? decide)(rollout, event);
    for (const line of checkInvariants(rollout, event, decision)) this.complain('engine', line);
    if (decision.ignored !== null) this.sightings.see(`ignored ${event.kind}`);
    return decision;
  }

  private hint(): void {
    for (const hub of this.hubs.values()) hub.hint();
  }

  private settle(member: FleetMember): void {
    const { spec } = member;
    this.store.enrol({
      id: spec.name,
      name: spec.name,
      uid: spec.uid,
      labels: spec.labels,
      certificateSerial: `serial-${spec.name}`,
    });
    this.bodies.set(spec.name, new ClusterBody(this, member, this.sabotage?.forgetJournals ?? false));
  }

  logOf(who: string) {
    const say = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      const { error, ...rest } = fields ?? {};
      const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error ?? '');
      this.trace.say(who, `${message} ${JSON.stringify(rest)} ${why}`);
      // A bug in a loop must not hide behind its retry.
      if (/^(Type|Range|Reference)Error/.test(why)) {
        this.complain('no crash', `${who}: ${error instanceof Error ? (error.stack ?? why) : why}`);
      }
    };
    return { info: say, warn: say, error: say };
  }

  /** Every commit is looked at the moment it is made, whoever made it. */
  private watch(store: RolloutStore): RolloutStore {
    const commit = async (change: RolloutCommit) => {
      // Every change of a rollout passes here, so what was seen after the last commit is what stands before this one.
      const before = this.seen ?? (await this.store.load(change.claim.rolloutId));
      const result = await store.commit(change);
      if (result === 'fenced') {
        this.sightings.see('commit fenced');
        return result;
      }
      const after = await this.store.load(change.claim.rolloutId);
      this.seen = after;
      this.seeCommit(before, change, after);
      return result;
    };
    return new Proxy(store, {
      get: (target, key) => {
        if (key === 'commit') return commit;
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }

  private seeCommit(before: Rollout, commit: RolloutCommit, after: Rollout): void {
    this.commits.see(before, commit, after);
    for (const row of commit.clusters) {
      const was = before.clusters.get(row.clusterId);
      if (was?.phase === row.phase && was.reason.code === row.reason.code) continue;
      this.trace.say('rollout', `${row.clusterName} ${row.phase} ${JSON.stringify(row.reason)}`);
      if (row.phase === 'lost') this.sightings.see('cluster lost');
      if (row.phase === 'done') this.seeEnd(row.clusterName, row.reason.code, row.outcome?.kind ?? 'none');
    }
    if (before.head.state !== after.head.state) {
      this.trace.say('rollout', `${after.head.state} ${JSON.stringify(after.head.reason)}`);
      this.sightings.see(`rollout ${after.head.state}`);
    }
  }

  /** A slot was freed: by an outcome, or by a person who gave a silent cluster up. */
  private seeEnd(name: string, code: string, outcome: string): void {
    this.sightings.see(`cluster ${outcome}`);
    if (!this.effects.isActive(name)) return;
    if (outcome === 'lost' || code === 'agent_lost' || code === 'skipped_by_person') this.effects.giveAway(name);
    else this.complain('I20', `${name} is ${outcome} (${code}) for the hub while its agent works on`);
  }
}

function unreliableRollouts(store: RolloutStore, trouble: StoreTrouble, next: () => number): RolloutStore {
  return unreliable(store as InMemoryHubStore, trouble, next);
}

function entry(actor: string, action: string) {
  return { actor, action, object: `rollout/${ROLLOUT_ID}`, detail: {} };
}
