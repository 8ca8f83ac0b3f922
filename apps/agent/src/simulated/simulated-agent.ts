import type { AgentClock, AgentLog, AgentRandom, LocalPolicy } from '@wavegate/runtime/agent';
import { CancelSource } from '@wavegate/runtime/agent';
import { MortalProcess, SimulatedCluster, SimulatedDriver, SimulatedMetrics, type Effect } from '@wavegate/simulator';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AgentGauges } from '../agent-gauges.js';
import type { OrderLog } from '../agent-log.js';
import type { HubAddress } from '../agent-settings.js';
import { FileIdentityStore } from '../link/index.js';
import { liveAgent } from '../live-agent.js';
import { replaceFile } from './atomic-file.js';
import type { SimulatedMember } from './simulated-fleet-file.js';
import { SimulatedJournalStore } from './simulated-journal-store.js';

/** What 30 s of settling are at speed 1. */
const SETTLE_MS = 30_000;
/** However fast the cluster lives: many agents share this process. */
const LEAST_LOOK_MS = 50;
const ALLOWED: LocalPolicy = { refuses: () => Promise.resolve(null) };

export interface SimulatedSurroundings {
  readonly hub: HubAddress;
  readonly stateDir: string;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly log: OrderLog;
}

/**
 * A simulated cluster and its agent, with an identity and a stream of its own. The cluster is a file: it goes on where
 * it was when the process comes back, and whatever became due meanwhile has happened.
 */
export class SimulatedAgent {
  private readonly cluster: SimulatedCluster;
  private readonly folder: string;
  private effects = 0;
  private life: {
    readonly cancel: CancelSource;
    readonly process: MortalProcess;
    readonly over: Promise<void>;
  } | null = null;

  constructor(
    private readonly member: SimulatedMember,
    private readonly around: SimulatedSurroundings,
  ) {
    this.folder = join(around.stateDir, member.spec.name);
    const file = join(this.folder, 'cluster.json');
    const kept = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
    const persist = (text: string): void => replaceFile(file, text);
    const onEffect = (effect: Effect): void => this.afterEffect(effect);
    this.cluster = new SimulatedCluster(member.spec, around.clock, { persist, onEffect }, kept);
    if (kept === undefined) persist(this.cluster.snapshot());
  }

  get name(): string {
    return this.member.spec.name;
  }

  /** What the fleet file says now: new faults strike from here on, an offline agent stops and a returning one starts. */
  heed({ spec, offline }: SimulatedMember): void {
    this.cluster.inflict(spec.faults);
    if (offline) void this.stop();
    else this.start();
  }

  start(): void {
    if (this.life) return;
    const cancel = new CancelSource();
    const process = new MortalProcess(this.name);
    const over = this.run(cancel, process).catch((error: unknown) => {
      this.log.error('agent ended', { error: error instanceof Error ? error.message : String(error) });
    });
    this.life = { cancel, process, over };
  }

  /** Asks the agent to leave at its next safe point, and waits for that. */
  async stop(): Promise<void> {
    const { life } = this;
    this.life = null;
    life?.cancel.cancel();
    if (life?.process.alive) await life.over;
  }

  private async run(cancel: CancelSource, mortal: MortalProcess): Promise<void> {
    const { hub, clock, random } = this.around;
    const { spec, join: joinToken } = this.member;
    // What an agent that vanished was about to do never happens: its ports answer no more.
    const journals = this.around.log.learningFrom(new SimulatedJournalStore(join(this.folder, 'journals')));
    mortal.onDeath(() => cancel.cancel());
    await liveAgent({
      hub,
      joinToken,
      identities: new FileIdentityStore(this.folder),
      ports: {
        journals: mortal.wrap(journals, 'journals'),
        driver: mortal.wrap(new SimulatedDriver(this.cluster, clock), 'driver'),
        metrics: mortal.wrap(new SimulatedMetrics(this.cluster), 'metrics'),
        policy: ALLOWED,
        settleMs: Math.ceil(SETTLE_MS / spec.speed),
        leastMs: Math.max(LEAST_LOOK_MS, Math.ceil(1_000 / spec.speed)),
      },
      clock,
      random,
      log: this.log,
      gauges: new AgentGauges(),
      cancel,
    });
  }

  private afterEffect(effect: Effect): void {
    // What a node's program does by itself is no act of the agent.
    if (effect.effect === 'jobEnded') return;
    this.effects += 1;
    const fault = this.cluster.state.faults.agentVanishesAfter;
    if (fault?.effects !== this.effects) return;
    this.log.warn('this agent vanishes, as its cluster is told to make it');
    this.life?.process.kill();
  }

  private get log(): AgentLog {
    const { log } = this.around;
    const cluster = this.name;
    return {
      info: (message, fields) => log.info(message, { cluster, ...fields }),
      warn: (message, fields) => log.warn(message, { cluster, ...fields }),
      error: (message, fields) => log.error(message, { cluster, ...fields }),
    };
  }
}
