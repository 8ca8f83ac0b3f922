import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../apps/hub/src/database/embedded-postgres.js';
import type { HubClient } from '../demo/hub-client.js';
import { benchLabels } from './bench-fleet.js';
import { bundleChild } from './child-bundles.js';
import { CrowdProgram } from './crowd-program.js';
import { PARALLEL, type CrowdMember } from './crowd-words.js';
import { adminClient, freeHubPorts, startHubProgram, type HubPorts } from './hub-program.js';
import type { MeasuredProgram } from './measured-program.js';

export const AGENTS = 1_000;
const CROWDS = 2;
/** Server here, load there: both contenders get the same. */
export const SERVER_CORE = 0;
const LOAD_CORE = 1;

interface Connected {
  readonly ms: number;
  readonly handshakesMs: readonly number[];
}

/**
 * A thousand agents enrolled with a real hub, once per run of the bench: tokens by REST, certificates by Enrol, at the
 * pace the hub allows. PostgreSQL stands beside the hub, so that the hub can be started anew over the same fleet.
 */
export class FleetStage {
  client!: HubClient;
  postgres: EmbeddedPostgres | null = null;
  hub: MeasuredProgram | null = null;
  enrolmentSeconds = 0;
  private crowds: CrowdProgram[] = [];
  private members: (readonly CrowdMember[])[] = [];
  private ports!: HubPorts;
  private connected: Connected | null = null;

  constructor(
    private readonly root: string,
    private readonly folder: string,
    private readonly say: (line: string) => void,
  ) {}

  get caDir(): string {
    return path.join(this.dataDir, 'ca');
  }

  get crowdPids(): readonly number[] {
    return this.crowds.map(({ program }) => program.pid);
  }

  /** Enrols the fleet; the hub is stopped again afterwards. */
  async enrolled(): Promise<void> {
    if (this.members.length > 0) return;
    await mkdir(this.dataDir, { recursive: true });
    this.postgres = await startEmbeddedPostgres(path.join(this.folder, 'stage-postgres'));
    this.ports = await freeHubPorts();
    const hub = await this.startHub(null);
    this.client = await adminClient(hub, this.ports);
    this.say(`enrolling ${AGENTS} agents (the hub lets 50 in per second)`);
    const bundle = await bundleChild(this.root, 'crowd');
    this.crowds = Array.from(
      { length: CROWDS },
      (_, i) => new CrowdProgram(bundle, path.join(this.folder, `crowd-${i + 1}.log`), LOAD_CORE),
    );
    const startedAt = performance.now();
    const shares = await Promise.all(this.crowds.map((crowd, i) => this.enrolShare(crowd, i)));
    this.enrolmentSeconds = (performance.now() - startedAt) / 1000;
    await this.stopHub();
    this.members = shares;
  }

  /** The hub again, over the enrolled fleet; nobody is connected. */
  async startHub(core: number | null): Promise<MeasuredProgram> {
    const { program } = await startHubProgram({
      root: this.root,
      dataDir: this.dataDir,
      logFile: path.join(this.folder, 'stage-hub.log'),
      ports: this.ports,
      databaseUrl: this.postgres?.url ?? null,
      core,
    });
    this.hub = program;
    return program;
  }

  /** All agents to the running hub; once. */
  async connectToHub(): Promise<Connected> {
    this.connected ??= await this.connect('hub', `127.0.0.1:${this.ports.gateway}`);
    return this.connected;
  }

  async connect(to: 'hub' | 'bare', gateway: string): Promise<Connected> {
    const enrolment = `127.0.0.1:${this.ports.enrolment}`;
    const parallel = PARALLEL / CROWDS;
    const startedAt = performance.now();
    const answers = await Promise.all(
      this.crowds.map((crowd, i) => {
        const members = this.members[i] ?? [];
        return crowd.tell({ kind: 'connect', to, gateway, enrolment, parallel, members }, 'connected');
      }),
    );
    return { ms: performance.now() - startedAt, handshakesMs: answers.flatMap(({ handshakesMs }) => handshakesMs) };
  }

  /** How many streams had ended by themselves before: must be none. */
  async disconnect(): Promise<number> {
    const answers = await Promise.all(this.crowds.map((crowd) => crowd.tell({ kind: 'close' }, 'closed')));
    return answers.reduce((sum, { ended }) => sum + ended, 0);
  }

  /** Every confirmed order ends well; resolves when the hub has acknowledged the last outcome. */
  async finishOrders(): Promise<{ readonly orders: number; readonly again: number; readonly ended: number }> {
    const answers = await Promise.all(this.crowds.map((crowd) => crowd.tell({ kind: 'finish' }, 'finished')));
    return {
      orders: answers.reduce((sum, { orders }) => sum + orders, 0),
      again: answers.reduce((sum, { again }) => sum + again, 0),
      ended: answers.reduce((sum, { ended }) => sum + ended, 0),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.crowds.map(({ program }) => program.stop()));
    await this.stopHub();
    await this.postgres?.stop();
  }

  private get dataDir(): string {
    return path.join(this.folder, 'stage-hub');
  }

  private async stopHub(): Promise<void> {
    await this.hub?.stop();
    this.hub = null;
  }

  private async enrolShare(crowd: CrowdProgram, share: number): Promise<readonly CrowdMember[]> {
    const size = AGENTS / CROWDS;
    const indexes = Array.from({ length: size }, (_, i) => share * size + i);
    const members: { uid: string; token: string }[] = [];
    let caSha256 = '';
    for (let i = 0; i < indexes.length; i += 10) {
      const some = indexes.slice(i, i + 10).map(async (index) => {
        const wanted = { cluster: `bench-${String(index + 1).padStart(4, '0')}`, labels: benchLabels(index) };
        const made = await this.client.post<{ token: string; caSha256: string }>('/join-tokens', wanted);
        caSha256 = made.caSha256;
        members.push({ uid: `uid-${wanted.cluster}`, token: made.token });
      });
      await Promise.all(some);
    }
    const enrolment = `127.0.0.1:${this.ports.enrolment}`;
    return (await crowd.tell({ kind: 'enrol', enrolment, caSha256, members }, 'enrolled')).members;
  }
}
