import { isSelectorProblem, matches, parseSelector, type Labels, type Selector } from '@wavegate/fleet';
import { ClusterInRollout, type CertificateStore, type ClusterStore, type InventoryCluster } from '@wavegate/storage';
import type { z } from 'zod';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import { toTime, toTimeOrNull } from '../rest/views.js';

type ClusterView = z.infer<typeof shapes.ClusterShape>;

export class ClusterDesk {
  constructor(
    private readonly clusters: ClusterStore,
    private readonly certificates: CertificateStore,
  ) {}

  async list(query: z.infer<typeof shapes.ClusterQuery>): Promise<z.infer<typeof shapes.ClusterListShape>> {
    const { connected, version, limit, cursor = null, labelSelector } = query;
    const selector = labelSelector === undefined ? null : readSelector(labelSelector);
    const { items, next } = await this.clusters.list(
      {
        ...(connected === undefined ? {} : { connected: connected === 'true' }),
        ...(version === undefined ? {} : { version }),
        ...(selector ? { matches: (cluster: InventoryCluster) => matches(selector, cluster.labels) } : {}),
      },
      { limit, cursor },
    );
    return { items: items.map(toClusterView), nextCursor: next };
  }

  async get(cluster: string): Promise<ClusterView> {
    return toClusterView(await this.find(cluster));
  }

  async changeLabels(
    cluster: string,
    change: Readonly<Record<string, string | null>>,
    by: string,
  ): Promise<ClusterView> {
    const { id, labels } = await this.find(cluster);
    const changed = Object.entries({ ...labels, ...change }).filter(([, value]) => value !== null);
    await this.clusters.setLabels(id, Object.fromEntries(changed) as Labels, by);
    return this.get(id);
  }

  async approve(cluster: string, by: string): Promise<ClusterView> {
    const { id } = await this.find(cluster);
    await this.clusters.approve(id, by);
    return this.get(id);
  }

  async revoke(cluster: string, by: string): Promise<ClusterView> {
    const { id } = await this.find(cluster);
    await this.certificates.revoke({ clusterId: id }, by);
    return this.get(id);
  }

  async remove(cluster: string, by: string): Promise<void> {
    const { id, name } = await this.find(cluster);
    try {
      await this.clusters.remove(id, by);
    } catch (error) {
      if (!(error instanceof ClusterInRollout)) throw error;
      throw new Problem(409, 'cluster-in-use', `${name} is in an unfinished rollout`, {
        detail: 'Skip it there, or wait for the end of the rollout, and then remove it.',
      });
    }
  }

  private async find(cluster: string): Promise<InventoryCluster> {
    const found = await this.clusters.get(cluster);
    if (!found) throw notFound('cluster', cluster);
    return found;
  }
}

function readSelector(text: string): Selector {
  const parsed = parseSelector(text);
  if (!isSelectorProblem(parsed)) return parsed;
  throw new Problem(422, 'request-invalid', 'The label selector cannot be read', {
    errors: [{ pointer: 'labelSelector', code: 'selector_invalid', detail: parsed.problem }],
  });
}

function toClusterView(cluster: InventoryCluster): ClusterView {
  const { id, name, uid, labels, approved, facts } = cluster;
  return { id, name, uid, labels: { ...labels }, approved, ...factsView(facts), agent: agentView(cluster) };
}

/** What the agent reported; empty until it has. */
function factsView(facts: InventoryCluster['facts']): Pick<ClusterView, FactsField> {
  if (!facts) return { driver: null, provider: null, controlPlane: [], nodes: [], pdbCount: null, factsAt: null };
  return {
    driver: facts.driver,
    provider: facts.provider,
    controlPlane: [...new Set(facts.apiServers)].sort(),
    nodes: facts.nodes.map((node) => ({ ...node })),
    pdbCount: facts.pdbCount,
    factsAt: toTime(facts.observedAt),
  };
}

type FactsField = 'driver' | 'provider' | 'controlPlane' | 'nodes' | 'pdbCount' | 'factsAt';

function agentView({ connected, agentVersion, heardAt, generation, replica }: InventoryCluster): ClusterView['agent'] {
  return {
    connected,
    version: agentVersion || null,
    lastSeen: toTimeOrNull(heardAt),
    generation,
    replica: replica || null,
  };
}
