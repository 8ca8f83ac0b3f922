import type { ApiTokenStore, ClusterStore, JoinTokenStore } from '@wavegate/storage';
import type { z } from 'zod';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import type { Principal } from '../auth/token.guard.js';
import { toTime, toTimeOrNull } from '../rest/views.js';
import { readSelector } from './cluster-desk.js';
import { joinLines, joinWarnings, type JoinTarget } from './join-lines.js';

export class AccessDesk {
  constructor(
    private readonly joinTokens: JoinTokenStore,
    private readonly apiTokens: ApiTokenStore,
    private readonly clusters: ClusterStore,
    private readonly target: JoinTarget,
  ) {}

  async createJoinToken(
    wanted: z.infer<typeof shapes.JoinTokenRequest>,
    { name: by, scope }: Pick<Principal, 'name' | 'scope'>,
  ): Promise<z.infer<typeof shapes.JoinTokenShape>> {
    const { cluster, labels, minutes, approved } = wanted;
    scope.assertCovers([{ name: cluster, labels }], 'A cluster with these labels');
    if (await this.clusters.get(cluster)) {
      throw new Problem(409, 'cluster-name-taken', `A cluster called "${cluster}" has joined already`, {
        detail: 'Choose another name, or remove that cluster first.',
      });
    }
    const wish = { clusterName: cluster, labels, approve: approved, ttlMs: minutes * 60_000, by };
    const made = await this.joinTokens.create(wish);
    const { caSha256 } = this.target;
    return {
      id: made.id,
      cluster,
      expiresAt: toTime(made.expiresAt),
      token: made.token,
      caSha256,
      ...joinLines(this.target, made.token),
      warnings: joinWarnings(this.target),
    };
  }

  async createApiToken(
    wanted: z.infer<typeof shapes.ApiTokenRequest>,
    by: string,
  ): Promise<z.infer<typeof shapes.ApiTokenShape>> {
    const { name, role, scope } = wanted;
    if (scope !== '') readSelector(scope, 'scope');
    const { id, token } = await this.apiTokens.create({ name, role, scope, by });
    return { id, name, role, scope, token };
  }

  async listApiTokens(): Promise<z.infer<typeof shapes.ApiTokenListShape>> {
    const items = (await this.apiTokens.list()).map((token) => ({
      ...token,
      createdAt: toTime(token.createdAt),
      lastUsedAt: toTimeOrNull(token.lastUsedAt),
      revokedAt: toTimeOrNull(token.revokedAt),
    }));
    return { items };
  }

  async revokeApiToken(id: string, by: string): Promise<void> {
    const tokens = await this.apiTokens.list();
    const token = tokens.find((one) => one.id === id);
    if (!token) throw notFound('API token', id);
    if (token.revokedAt !== null) return;
    const admins = tokens.filter(
      ({ role, scope, revokedAt }) => role === 'admin' && scope === '' && revokedAt === null,
    );
    if (admins.length === 1 && admins[0]?.id === id) {
      throw new Problem(409, 'last-admin-token', 'This is the last admin token: nobody could make another one', {
        detail: 'Create another admin token first, and revoke this one with it.',
      });
    }
    await this.apiTokens.revoke(id, by);
  }
}
