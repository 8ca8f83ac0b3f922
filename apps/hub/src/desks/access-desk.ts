import type { ApiTokenStore, ClusterStore, JoinTokenStore } from '@wavegate/storage';
import type { z } from 'zod';
import { Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import { toTime } from '../rest/views.js';

export interface JoinTarget {
  readonly gateway: string;
  readonly enrolment: string;
  readonly caSha256: string;
}

export class AccessDesk {
  constructor(
    private readonly joinTokens: JoinTokenStore,
    private readonly apiTokens: ApiTokenStore,
    private readonly clusters: ClusterStore,
    private readonly target: JoinTarget,
  ) {}

  async createJoinToken(
    wanted: z.infer<typeof shapes.JoinTokenRequest>,
    by: string,
  ): Promise<z.infer<typeof shapes.JoinTokenShape>> {
    const { cluster, labels, minutes, approved } = wanted;
    if (await this.clusters.get(cluster)) {
      throw new Problem(409, 'cluster-name-taken', `A cluster called "${cluster}" has joined already`, {
        detail: 'Choose another name, or remove that cluster first.',
      });
    }
    const wish = { clusterName: cluster, labels, approve: approved, ttlMs: minutes * 60_000, by };
    const made = await this.joinTokens.create(wish);
    const { gateway, enrolment, caSha256 } = this.target;
    const flags = `--hub-gateway ${gateway} --hub-enrolment ${enrolment} --ca-sha256 ${caSha256} --join ${made.token}`;
    return {
      id: made.id,
      cluster,
      expiresAt: toTime(made.expiresAt),
      token: made.token,
      caSha256,
      command: `wavegate-agent run ${flags}`,
    };
  }

  async createApiToken(
    wanted: z.infer<typeof shapes.ApiTokenRequest>,
    by: string,
  ): Promise<z.infer<typeof shapes.ApiTokenShape>> {
    const { name, role } = wanted;
    const { id, token } = await this.apiTokens.create({ name, role, scope: '', by });
    return { id, name, role, token };
  }
}
