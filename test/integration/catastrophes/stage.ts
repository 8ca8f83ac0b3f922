import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlanInput } from '@wavegate/fleet';
import type { ClusterSpec } from '@wavegate/simulator';
import { openStorage, type Storage } from '@wavegate/storage';
import type { RolloutView } from '../../demo/hub-client.js';
import { eventually } from '../../kube/world/eventually.js';
import { AgentHost, type SeenOutcome } from '../world/agent-host.js';
import { silentLog } from '../world/embedded-postgres.js';
import { HubProcess } from '../world/hub-process.js';

export interface SeenCluster {
  readonly id: string;
  readonly name: string;
  readonly wave: number;
  readonly phase: string;
  readonly progress: { readonly reason: { readonly code: string } } | null;
  readonly outcome: SeenOutcome | null;
}

type Strategy = NonNullable<PlanInput['spec']['strategy']>;
export const SOAK_MS = 300;

/** Two waves, with times that fit clusters some hundred times as fast as real ones. */
export function quickPlan(strategy: Strategy = {}, spec: Partial<PlanInput['spec']> = {}): PlanInput {
  return {
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'catastrophe' },
    spec: {
      target: { kubernetes: '1.35.4' },
      clusters: { selector: 'env=test' },
      strategy: {
        waves: ['25%', '100%'],
        maxInFlight: 2,
        budget: { firstWave: 0, laterWaves: 1 },
        offline: { deadline: '1m', then: 'fail' },
        ...strategy,
      },
      gates: { soak: { default: `${SOAK_MS}ms` } },
      // Longer than any test holds a drain up.
      drain: { timeout: '5m', maxUnavailable: 1 },
      verdict: { window: '60s', period: '50ms', minSoak: '100ms', allowance: { controlPlane: '10s' } },
      hubAway: 'finish',
      startWithin: '2m',
      deadline: '10m',
      ...spec,
    },
  };
}

/** The processes of one test: hubs on one database, hosts of agents. All end with it, and its folder with them. */
export class Stage {
  readonly hubs: HubProcess[] = [];
  readonly hosts: AgentHost[] = [];
  readonly dir: string;

  private constructor(
    private readonly databaseUrl: string,
    readonly storage: Storage,
  ) {
    this.dir = mkdtempSync(join(tmpdir(), 'wavegate-catastrophe-'));
    chmodSync(this.dir, 0o755);
  }

  /** `databaseUrl`: of a migrated database, or of an empty one, as hubs reach it; `direct`, as the test does. */
  static async open(databaseUrl: string, direct = databaseUrl): Promise<Stage> {
    return new Stage(databaseUrl, await openStorage({ url: direct, poolSize: 2, log: silentLog }));
  }

  /** One replica more. */
  async startHub(name: string, crashAt?: string): Promise<HubProcess> {
    const adminToken = this.hubs[0]?.adminToken;
    const { dir, databaseUrl } = this;
    const place = { dir, name, dataDir: join(dir, 'data'), databaseUrl, ...(adminToken ? { adminToken } : {}) };
    const hub = await HubProcess.start(place, crashAt);
    this.hubs.push(hub);
    return hub;
  }

  /** Agents on this hub's addresses, connected when this resolves. */
  async startHost(name: string, hub: HubProcess, specs: readonly ClusterSpec[]): Promise<AgentHost> {
    const host = await AgentHost.join(this.dir, name, hub, specs);
    this.hosts.push(host);
    await eventually(`the agents of ${name} to connect`, () =>
      specs.every((spec) => host.generations(spec.name).length > 0),
    );
    return host;
  }

  async startRollout(hub: HubProcess, plan: PlanInput): Promise<string> {
    const { digest } = await hub.client.post<{ digest: string }>('/plans', plan);
    return (await hub.client.post<RolloutView>('/rollouts', { plan: digest })).id;
  }

  async clustersOf(hub: HubProcess, rollout: string): Promise<readonly SeenCluster[]> {
    const page = await hub.client.get<{ items: SeenCluster[] }>(`/rollouts/${rollout}/clusters?limit=100`);
    return page.items;
  }

  /** Resolves with the rollout's clusters once `state` says what is waited for. */
  seen(
    what: string,
    hub: HubProcess,
    rollout: string,
    state: (clusters: readonly SeenCluster[]) => boolean,
  ): Promise<readonly SeenCluster[]> {
    const look = async (): Promise<readonly SeenCluster[] | null> => {
      const clusters = await this.clustersOf(hub, rollout);
      return state(clusters) ? clusters : null;
    };
    return eventually(what, look, { everyMs: 40, withinMs: 120_000 });
  }

  finished(hub: HubProcess, rollout: string): Promise<RolloutView> {
    const look = async (): Promise<RolloutView | null> => {
      const view = await hub.client.get<RolloutView>(`/rollouts/${rollout}`);
      return view.finishedAt === null ? null : view;
    };
    return eventually('the rollout to finish', look, { withinMs: 120_000 });
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.stop()));
    await Promise.all(this.hubs.map((hub) => hub.stop()));
    await this.storage.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
