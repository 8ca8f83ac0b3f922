import { digestOf } from '@wavegate/fleet';
import type { Labels } from '@wavegate/fleet';
import type { BurnTrigger, ClusterSpec, FaultPlan } from './cluster-spec.js';
import { SeededRandom } from './seeded-random.js';

/** One cluster of a simulated fleet. */
export interface FleetMember {
  readonly spec: ClusterSpec;
  /** Its agent is not there when the rollout starts (it was before: its facts are known). */
  readonly offline: boolean;
}

export interface FleetWish {
  readonly seed: string;
  readonly count: number;
  /** See `ClusterSpec.speed`. */
  readonly speed: number;
  /** Share of the clusters in which something goes wrong. */
  readonly faultShare: number;
  readonly offlineShare: number;
}

const REGIONS = ['fra', 'iad', 'sin'] as const;
const PREFIX: Readonly<Record<string, string>> = { dev: 'dev', staging: 'stg', prod: 'prd' };

/** A fleet like fleets are: a few environments, regions and sizes, a laggard minor, some trouble. Same wish, same fleet. */
export function generateFleet(wish: FleetWish): readonly FleetMember[] {
  const random = new SeededRandom(`fleet/${wish.seed}`);
  return Array.from({ length: wish.count }, (_, index) => {
    const own = random.split(String(index));
    const env = own.pick(['dev', 'staging', 'prod', 'prod'] as const);
    const region = REGIONS[index % REGIONS.length] ?? 'fra';
    const name = `${PREFIX[env] ?? env}-${region}-${index + 1}`;
    const faults = own.chance(wish.faultShare) ? someFault(own.split('fault')) : {};
    const labels: Labels = { env, region, ...(own.chance(0.1) ? { canary: 'true' } : {}) };
    const spec = specOf(wish, name, { labels, faults, version: own.chance(0.25) ? '1.33.8' : '1.34.4' });
    const controlPlanes = own.chance(0.5) ? 1 : 3;
    const size = { controlPlanes, workers: own.int(1, 4), podsPerWorker: own.int(0, 3) } as const;
    return { spec: { ...spec, ...size }, offline: own.chance(wish.offlineShare) };
  });
}

/** The common part of a cluster's spec; the size is the smaller kind's. */
export function specOf(
  wish: Pick<FleetWish, 'seed' | 'speed'>,
  name: string,
  own: Pick<ClusterSpec, 'labels' | 'faults' | 'version'>,
): ClusterSpec {
  const region = own.labels['region'] ?? 'local';
  return {
    seed: wish.seed,
    name,
    uid: digestOf({ seed: wish.seed, name }).slice(0, 32),
    controlPlanes: 1,
    workers: 3,
    zones: [`${region}-a`, `${region}-b`, `${region}-c`],
    podsPerWorker: 3,
    provider: 'simulated',
    // Enough that a promotion can be proven within minutes: at a trickle every judge would have to say "not known".
    traffic: 24_000,
    speed: wish.speed,
    ...own,
  };
}

const BURN_TRIGGERS: readonly BurnTrigger[] = ['nodeCanary', 'controlPlane', 'workers'];

/** One fault of a kind, each kind as likely as the others: rare ones must be met too. */
export function someFault(random: SeededRandom): FaultPlan {
  const kinds: readonly (() => FaultPlan)[] = [
    () => ({ failAt: { step: 'upgradeKubelet', times: random.int(1, 2) } }),
    () => ({ failAt: { step: 'upgradeControlPlane', times: 1 } }),
    () => ({ failAt: { step: 'snapshotEtcd', times: 1 } }),
    () => ({ kubeadmReverts: { times: 1 } }),
    () => ({ exitsZeroUnchanged: { times: 1 } }),
    () => ({ drainBlocked: { forMs: random.int(60_000, 600_000) } }),
    () => ({ drainBlocked: { forMs: null } }),
    () => ({ sloBurnsAfter: random.pick(BURN_TRIGGERS) }),
    () => ({ noMetrics: true }),
    () => ({ preflightBlocks: { times: 1 } }),
    () => ({ agentVanishesAfter: { effects: random.int(1, 12) } }),
  ];
  return random.pick(kinds)();
}
