import type { JournalStore, StoredJournal } from '@wavegate/runtime/agent';
import { ApiUnreachable, InMemoryJournalStore, SimulatedAgent, SimulatedCluster } from '@wavegate/simulator';
import type { MortalProcess, CrashPoints, Effect, FleetMember } from '@wavegate/simulator';
import type { World } from './world.js';

type Journal = StoredJournal['journal'];

/** One cluster of the world with what lives in it: its API (and so the journals), and the agents that work there. */
export class ClusterBody {
  readonly name: string;
  readonly cluster: SimulatedCluster;
  readonly offline: boolean;
  private readonly journals = new InMemoryJournalStore();
  private readonly agents = new Set<MortalProcess>();
  /** How far this cluster's clocks are ahead of the hub's, ms. */
  private readonly skewMs: number;
  private effects = 0;
  private starts = 0;

  constructor(
    private readonly world: World,
    member: FleetMember,
    private readonly forgetful: boolean,
  ) {
    const { spec, offline } = member;
    this.name = spec.name;
    this.offline = offline;
    const random = world.random.split(`skew ${spec.name}`);
    this.skewMs = random.chance(0.15) ? random.int(-90_000, 90_000) : 0;
    if (this.skewMs !== 0) world.sightings.see('fault clock skew');
    this.cluster = new SimulatedCluster(spec, this.clock(), { onEffect: (effect) => this.seeEffect(effect) });
    this.cluster.onChange(() => world.effects.seeVersions(spec.name, this.cluster));
  }

  get agentAlive(): boolean {
    return [...this.agents].some(({ alive }) => alive);
  }

  /** A second agent is what a copied secret or a slow rescheduling makes of one. */
  startAgent(points?: CrashPoints): MortalProcess {
    this.starts += 1;
    const life = this.world.process(`agent ${this.name}.${this.starts}`, points);
    this.agents.add(life);
    life.onDeath(() => {
      this.world.trace.say(life.name, 'dies');
      this.agents.delete(life);
      if (this.world.healed) this.world.clock.schedule(this.world.clock.now() + 20_000, () => this.ensureAgent());
    });
    const { world } = this;
    const agent = new SimulatedAgent(
      {
        clock: this.clock(),
        random: world.random.split(life.name),
        cluster: this.cluster,
        journals: this.forgetful ? new InMemoryJournalStore() : this.journalsInCluster(),
        link: world.network.link(this.name, life),
        log: world.logOf(life.name),
        onExit: (error) => this.restart(life, error),
      },
      life,
    );
    agent.start();
    world.trace.say(life.name, 'starts');
    return life;
  }

  /** Its kubelet starts a program again that ended, unless another copy is there meanwhile. */
  private restart(life: MortalProcess, error: unknown): void {
    const { world } = this;
    world.trace.say(life.name, `exits: ${String(error)}`);
    world.sightings.see(`agent exits ${error instanceof Error ? error.name : ''}`);
    world.clock.schedule(world.clock.now() + 20_000, () => this.ensureAgent());
  }

  ensureAgent(): void {
    if (!this.agentAlive) this.startAgent();
  }

  killAgents(): void {
    for (const life of [...this.agents]) life.kill();
  }

  /** Leaves one agent, the newest. */
  killTwins(): void {
    for (const life of [...this.agents].slice(0, -1)) life.kill();
  }

  private clock() {
    const { clock } = this.world;
    return {
      now: () => clock.now() + this.skewMs,
      sleep: (...args: Parameters<typeof clock.sleep>) => clock.sleep(...args),
    };
  }

  /** Journals are objects in the cluster: without its API server there is neither reading nor writing. */
  private journalsInCluster(): JournalStore {
    const mustAnswer = (): void => {
      if (!this.cluster.reachable) throw new ApiUnreachable('journal: the API server does not answer');
    };
    return {
      list: async () => {
        mustAnswer();
        return this.journals.list();
      },
      save: async (journal: Journal, version: string | null) => {
        mustAnswer();
        const saved = await this.journals.save(journal, version);
        this.seeJournal(journal);
        return saved;
      },
      prune: async (keep: number, spare?: string) => {
        mustAnswer();
        return this.journals.prune(keep, spare);
      },
    };
  }

  private seeJournal(journal: Journal): void {
    if (journal.state !== 'done' && journal.state !== 'withdrawn') return;
    this.world.effects.orderEnded(this.name, journal.order.id);
    if (!journal.outcome || journal.reported) return;
    const { kind } = journal.outcome;
    const why = 'reason' in journal.outcome ? journal.outcome.reason.code : '';
    this.world.trace.say(`agent ${this.name}`, `ends ${journal.order.kind}: ${kind} ${why}`);
    this.world.sightings.see(`agent ended ${kind} ${why}`.trim());
  }

  private seeEffect(effect: Effect): void {
    const { world } = this;
    const order = effect.orderId.slice(0, 6);
    world.trace.say(this.name, `${effect.effect} ${effect.node} ${effect.detail} (${effect.step}, order ${order})`);
    world.sightings.see(`effect ${effect.effect}`);
    world.effects.see(this.name, this.cluster, effect);
    this.effects += 1;
    if (this.effects === this.cluster.state.faults.agentVanishesAfter?.effects) {
      world.sightings.see('fault agent vanishes');
      this.killAgents();
    }
  }
}
