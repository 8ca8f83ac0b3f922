import {
  canonicalText,
  PlanSchema,
  sha256Hex,
  type Cluster,
  type Labels,
  type Plan,
  type PlanInput,
} from '@wavegate/fleet';
import { plan as planWaves } from '../plan.js';
import { startRollout } from '../start-rollout.js';
import type { Rollout } from '../rollout.js';

/** Monday 2026-03-02 08:00 UTC: stories begin on a working day. */
export const MONDAY_8 = 1_772_438_400_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface ClusterWish {
  readonly name: string;
  readonly labels?: Labels;
  readonly version?: string;
  readonly nodes?: number;
  readonly connected?: boolean;
}

export function cluster(wish: ClusterWish): Cluster {
  const version = wish.version ?? '1.34.4';
  return {
    id: wish.name,
    name: wish.name,
    labels: wish.labels ?? {},
    connected: wish.connected ?? true,
    facts: {
      schema: 1,
      uid: `uid-${wish.name}`,
      driver: 'simulated',
      apiServers: [version],
      nodes: Array.from({ length: wish.nodes ?? 3 }, (_, i) => ({
        name: `n-${i + 1}`,
        role: i === 0 ? ('controlPlane' as const) : ('worker' as const),
        kubelet: version,
        ready: true,
        schedulable: true,
        zone: '',
      })),
      pdbCount: 0,
      provider: 'simulated',
      observedAt: MONDAY_8,
    },
  };
}

/** c-001, c-002, … */
export function fleetOf(count: number, wish: (index: number) => Partial<ClusterWish> = () => ({})): Cluster[] {
  return Array.from({ length: count }, (_, i) => cluster({ name: `c-${String(i + 1).padStart(3, '0')}`, ...wish(i) }));
}

export type SpecInput = Partial<PlanInput['spec']>;

export function planOf(spec: SpecInput = {}): Plan {
  return PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'k135' },
    spec: { target: { kubernetes: '1.35.4' }, ...spec },
  });
}

export function rolloutOf(spec: SpecInput, clusters: readonly Cluster[], at = MONDAY_8): Rollout {
  const plan = planOf(spec);
  const canonical = canonicalText(plan);
  const planned = planWaves(plan, clusters, at);
  return startRollout({
    id: '7f3c',
    name: 'k135',
    plan,
    canonical,
    digest: sha256Hex(canonical),
    planned,
    by: 'ada',
    at,
  });
}
