import { isSelectorProblem, matches, parseSelector, type Labels, type Selector } from '@wavegate/fleet';
import { ClusterInRollout, type CertificateStore, type ClusterStore, type InventoryCluster } from '@wavegate/storage';
import type { z } from 'zod';
import type { Scope } from '../auth/scope.js';
import type { Principal } from '../auth/token.guard.js';
import { toLastBackupView } from '../rest/order-views.js';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import { toTime, toTimeOrNull } from '../rest/views.js';

type ClusterView = z.infer<typeof shapes.ClusterShape>;
type Who = Pick<Principal, 'name' | 'scope'>;

export class ClusterDesk {
  constructor(
    private readonly clusters: ClusterStore,
    private readonly certificates: CertificateStore,
  ) {}

  async list(
    query: z.infer<typeof shapes.ClusterQuery>,
    scope: Scope,
  ): Promise<z.infer<typeof shapes.ClusterListShape>> {
    const { connected, version, limit, cursor = null, labelSelector } = query;
    const selector = labelSelector === undefined ? null : readSelector(labelSelector);
    const wanted = (labels: Labels): boolean => scope.covers(labels) && (!selector || matches(selector, labels));
    const { items, next } = await this.clusters.list(
      {
        ...(connected === undefined ? {} : { connected: connected === 'true' }),
        ...(version === undefined ? {} : { version }),
        ...(selector || scope.isLimited ? { matches: ({ labels }) => wanted(labels) } : {}),
      },
      { limit, cursor },
    );
    return { items: items.map(toClusterView), nextCursor: next };
  }

  async get(cluster: string, scope: Scope): Promise<ClusterView> {
    const found = await this.find(cluster);
    if (!scope.covers(found.labels)) throw notFound('cluster', cluster);
    return toClusterView(found);
  }

  async changeLabels(
    cluster: string,
    change: Readonly<Record<string, string | null>>,
    { name: by, scope }: Who,
  ): Promise<ClusterView> {
    const { id, name, labels } = await this.covered(cluster, scope, 'Changing labels');
    const kept = Object.entries({ ...labels, ...change }).filter(([, value]) => value !== null);
    const changed = Object.fromEntries(kept) as Labels;
    // Labels decide scopes: nobody may give a cluster away to where they could not take it back from.
    scope.assertCovers([{ name, labels: changed }], 'A cluster with these labels');
    await this.clusters.setLabels(id, changed, by);
    return this.get(id, scope);
  }

  async approve(cluster: string, { name: by, scope }: Who): Promise<ClusterView> {
    const { id } = await this.covered(cluster, scope, 'Approving');
    await this.clusters.approve(id, by);
    return this.get(id, scope);
  }

  async revoke(cluster: string, { name: by, scope }: Who): Promise<ClusterView> {
    const { id } = await this.covered(cluster, scope, 'Revoking');
    await this.certificates.revoke({ clusterId: id }, by);
    return this.get(id, scope);
  }

  async remove(cluster: string, { name: by, scope }: Who): Promise<void> {
    const { id, name } = await this.covered(cluster, scope, 'Removing');
    try {
      await this.clusters.remove(id, by);
    } catch (error) {
      if (!(error instanceof ClusterInRollout)) throw error;
      throw new Problem(409, 'cluster-in-use', `${name} is in an unfinished rollout`, {
        detail: 'Skip it there, or wait for the end of the rollout, and then remove it.',
      });
    }
  }

  private async covered(cluster: string, scope: Scope, what: string): Promise<InventoryCluster> {
    const found = await this.find(cluster);
    scope.assertCovers([found], what);
    return found;
  }

  private async find(cluster: string): Promise<InventoryCluster> {
    const found = await this.clusters.get(cluster);
    if (!found) throw notFound('cluster', cluster);
    return found;
  }
}

/** `pointer`: where in the request the text stood. */
export function readSelector(text: string, pointer = 'labelSelector'): Selector {
  const parsed = parseSelector(text);
  if (!isSelectorProblem(parsed)) return parsed;
  throw new Problem(422, 'request-invalid', 'The label selector cannot be read', {
    errors: [{ pointer, code: 'selector_invalid', detail: parsed.problem }],
  });
}

function toClusterView(cluster: InventoryCluster): ClusterView {
  const { id, name, uid, labels, approved, facts } = cluster;
  return {
    ...{ id, name, uid, labels: { ...labels }, approved, ...factsView(facts), agent: agentView(cluster) },
    lastBackup: toLastBackupView(cluster.lastBackup),
    lastRestoreProof: toLastBackupView(cluster.lastRestoreProof),
  };
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
