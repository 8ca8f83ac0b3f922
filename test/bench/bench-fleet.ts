import { canonicalText, PlanSchema, sha256Hex, type Cluster, type ClusterFacts, type PlanInput } from '@wavegate/fleet';
import { plan as planWaves, startRollout, type Rollout } from '@wavegate/rollout';

const FROM = '1.34.4';
const TARGET = '1.35.4';
const NODES = 5;
const REGIONS = ['eu', 'us', 'ap'];

export function benchFacts(uid: string, at: number): ClusterFacts {
  return {
    schema: 1,
    uid,
    driver: 'simulated',
    apiServers: [FROM],
    nodes: Array.from({ length: NODES }, (_, i) => ({
      name: `${uid}-n${i + 1}`,
      role: i === 0 ? ('controlPlane' as const) : ('worker' as const),
      kubelet: FROM,
      ready: true,
      schedulable: true,
      zone: `z${(i % 3) + 1}`,
    })),
    pdbCount: 12,
    provider: 'bench',
    observedAt: at,
  };
}

export function benchLabels(index: number): Readonly<Record<string, string>> {
  return {
    env: index % 4 === 0 ? 'staging' : 'prod',
    region: REGIONS[index % REGIONS.length] ?? 'eu',
    team: `t${index % 17}`,
  };
}

/** `size` clusters of five nodes: a quarter staging, three regions, seventeen teams. */
export function benchClusters(size: number, at: number): readonly Cluster[] {
  return Array.from({ length: size }, (_, i) => {
    const name = `c-${String(i + 1).padStart(5, '0')}`;
    return { id: name, name, labels: benchLabels(i), facts: benchFacts(`uid-${name}`, at), connected: true };
  });
}

export function benchPlan(name: string, spec: Partial<PlanInput['spec']>): PlanInput {
  return {
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name },
    spec: { target: { kubernetes: TARGET }, ...spec },
  };
}

/** First rows of a rollout over these clusters, as the hub would make them. */
export function benchRollout(id: string, input: PlanInput, clusters: readonly Cluster[], at: number): Rollout {
  const plan = PlanSchema.parse(input);
  const canonical = canonicalText(plan);
  const digest = sha256Hex(canonical);
  return startRollout({
    id,
    name: input.metadata.name,
    plan,
    canonical,
    digest,
    planned: planWaves(plan, clusters, at),
    by: 'bench',
    at,
  });
}
