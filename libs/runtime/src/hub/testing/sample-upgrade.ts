import type { Cluster } from '@wavegate/fleet';
import { canonicalText, PlanSchema, sha256Hex } from '@wavegate/fleet';
import type { Rollout } from '@wavegate/rollout';
import { plan, startRollout } from '@wavegate/rollout';

/** A rollout that the real engine can carry to its end: four waves over these (silent) clusters, one hop each. */
export function sampleUpgrade(id: string, clusterIds: readonly string[], at: number, soak = '1m'): Rollout {
  const parsed = PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'k135' },
    spec: { target: { kubernetes: '1.35.4' }, gates: { soak: { default: soak } } },
  });
  const canonical = canonicalText(parsed);
  const planned = plan(
    parsed,
    clusterIds.map((clusterId) => sampleInventory(clusterId, at)),
  );
  const named = { id, name: 'k135', plan: parsed, canonical, digest: sha256Hex(canonical), planned };
  return startRollout({ ...named, by: 'ada', at });
}

function sampleInventory(id: string, observedAt: number): Cluster {
  const node = (name: string, role: 'controlPlane' | 'worker') =>
    ({ name, role, kubelet: '1.34.4', ready: true, schedulable: true, zone: 'a' }) as const;
  const facts = {
    schema: 1,
    uid: `uid-${id}`,
    driver: 'simulated',
    apiServers: ['1.34.4'],
    nodes: [node('cp-1', 'controlPlane'), node('w-1', 'worker')],
    pdbCount: 0,
    provider: 'sim',
    observedAt,
  } as const;
  return { id, name: `name-${id}`, labels: {}, facts, connected: false };
}
