import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PlanSchema, reason } from '@wavegate/fleet';
import type { Storage } from '@wavegate/storage';
import { ClusterInRollout, CursorInvalid } from '@wavegate/storage';
import { sampleUpgrade } from '../../../libs/runtime/src/hub/testing/sample-upgrade.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

let postgres: TestPostgres;
let storage: Storage;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  storage = await postgres.openStorage();
});
afterEach(() => storage.close());

const wish = { clusterName: 'stg-fra-1', labels: { env: 'stg' }, approve: false, ttlMs: 60_000, by: 'ada' };
const actions = async () => (await storage.audit.read({ since: 0, limit: 100 })).map(({ action }) => action);

describe('join tokens', () => {
  it('a token → one cluster, with its labels, waiting for approval; the secret is nowhere', async () => {
    const { token } = await storage.joinTokens.create(wish);
    const joined = await storage.joinTokens.redeem({ token, clusterUid: 'u1', publicKeySha256: 'k1' });
    expect(joined).toMatchObject({ clusterName: 'stg-fra-1', approved: false });
    const cluster = await storage.clusters.get('stg-fra-1');
    expect(cluster).toMatchObject({
      uid: 'u1',
      labels: { env: 'stg' },
      approved: false,
      connected: false,
      facts: null,
    });
    expect(await actions()).toEqual(['joinToken.created', 'cluster.enrolled']);
    const secret = token.split('.')[1] ?? '';
    const dump = JSON.stringify([
      await storage.audit.read({ since: 0, limit: 9 }),
      await storage.dataSource.query('SELECT * FROM join_tokens'),
    ]);
    expect(dump).not.toContain(secret);
  });

  it('ten redeem one token at once → one gets in', async () => {
    const { token } = await storage.joinTokens.create(wish);
    const tries = Array.from({ length: 10 }, (_, index) =>
      storage.joinTokens.redeem({ token, clusterUid: `u${index}`, publicKeySha256: `k${index}` }),
    );
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => 'clusterId' in answer)).toHaveLength(1);
    expect(answers.filter((answer) => 'refused' in answer && answer.refused.code === 'token_used')).toHaveLength(9);
  });

  it('the answer was lost and the same key asks again → the same cluster, not a second one', async () => {
    const { token } = await storage.joinTokens.create(wish);
    const ask = { token, clusterUid: 'u1', publicKeySha256: 'k1' };
    expect(await storage.joinTokens.redeem(ask)).toEqual(await storage.joinTokens.redeem(ask));
    expect(await storage.joinTokens.redeem({ ...ask, clusterUid: 'u2' })).toEqual({ refused: reason('token_used') });
  });

  it('a wrong secret, an unknown id, no token at all, an old one → each its own refusal', async () => {
    const { token, id } = await storage.joinTokens.create({ ...wish, ttlMs: 1 });
    const redeem = (text: string) => storage.joinTokens.redeem({ token: text, clusterUid: 'u1' });
    const other = (await storage.joinTokens.create(wish)).token.split('.')[1] ?? '';
    expect(await redeem(`${id}.${other}`)).toEqual({ refused: reason('token_unknown') });
    expect(await redeem(`000000000000.${other}`)).toEqual({ refused: reason('token_unknown') });
    expect(await redeem('hello')).toEqual({ refused: reason('token_unknown') });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await redeem(token)).toEqual({ refused: reason('token_expired') });
    await expect(storage.joinTokens.create({ ...wish, ttlMs: 3_600_001 })).rejects.toThrow(RangeError);
  });

  it('a name taken, a clone with the same UID → refused, and the token stays good', async () => {
    const first = await storage.joinTokens.create(wish);
    const second = await storage.joinTokens.create(wish);
    const third = await storage.joinTokens.create({ ...wish, clusterName: 'other' });
    await storage.joinTokens.redeem({ token: first.token, clusterUid: 'u1' });
    const taken = { refused: reason('cluster_name_taken', { name: 'stg-fra-1' }) };
    expect(await storage.joinTokens.redeem({ token: second.token, clusterUid: 'u2' })).toEqual(taken);
    const clone = { refused: reason('cluster_uid_known', { cluster: 'stg-fra-1' }) };
    expect(await storage.joinTokens.redeem({ token: third.token, clusterUid: 'u1' })).toEqual(clone);
    expect(await storage.joinTokens.redeem({ token: third.token, clusterUid: 'u3' })).toHaveProperty('clusterId');
  });

  it('two tokens of one name, redeemed at once → one gets in, the other hears why not', async () => {
    const tokens = await Promise.all([1, 2, 3, 4].map(() => storage.joinTokens.create(wish)));
    const answers = await Promise.all(
      tokens.map(({ token }, index) => storage.joinTokens.redeem({ token, clusterUid: `u${index}` })),
    );
    const refused = answers.flatMap((answer) => ('refused' in answer ? [answer.refused.code] : []));
    expect(refused).toEqual(['cluster_name_taken', 'cluster_name_taken', 'cluster_name_taken']);
  });
});

describe('the inventory', () => {
  it('pages with a selector → full pages in order of name, each cluster once', async () => {
    for (let index = 0; index < 25; index += 1) await enrol(storage, `c${String(index).padStart(2, '0')}`);
    const matches = ({ id }: { id: string }) => Number(id.slice(1)) % 2 === 0;
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: readonly { id: string }[]; next: string | null } = await storage.clusters.list(
        { matches },
        { limit: 5, cursor },
      );
      expect(page.items.length).toBeLessThanOrEqual(5);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(Array.from({ length: 13 }, (_, index) => `c${String(index * 2).padStart(2, '0')}`));
    await expect(storage.clusters.list({}, { limit: 5, cursor: 'nonsense' })).rejects.toThrow(CursorInvalid);
  });

  it('labels, approval, removal → each audited; a removed cluster frees its name and loses its certificates', async () => {
    await enrol(storage, 'c1', false);
    expect(await storage.clusters.setLabels('c1', { env: 'prod' }, 'ada')).toBe(true);
    expect(await storage.clusters.approve('c1', 'ada')).toBe(true);
    expect(await storage.clusters.get('c1')).toMatchObject({ labels: { env: 'prod' }, approved: true });
    expect(await storage.clusters.remove('c1', 'ada')).toBe(true);
    expect([await storage.clusters.get('c1'), await storage.clusters.approve('c1', 'ada')]).toEqual([null, false]);
    expect((await storage.certificates.find('cert-c1'))?.revokedAt).not.toBeNull();
    expect((await actions()).slice(1)).toEqual(['cluster.labelled', 'cluster.approved', 'cluster.removed']);
  });

  it('a cluster that a rollout needs → is not removed', async () => {
    await enrol(storage, 'c1');
    const line = { actor: 'ada', action: 'rollout.created', object: 'rollout/r1', detail: {} };
    await storage.rollouts.create(sampleUpgrade('r1-of-spring', ['c1'], await storage.rollouts.now()), line);
    await expect(storage.clusters.remove('c1', 'ada')).rejects.toThrow(ClusterInRollout);
    expect(await storage.rolloutReader.get('r1-o')).toMatchObject({ id: 'r1-of-spring', name: 'k135' });
    const page = await storage.rolloutReader.list({ unfinished: true }, { limit: 10 });
    expect(page).toMatchObject({ items: [{ id: 'r1-of-spring' }], next: null });
    expect(page.items[0]).not.toHaveProperty('plan');
    const clusters = await storage.rolloutReader.clusters('r1-of-spring', { wave: 1 }, { limit: 1 });
    expect(clusters).toMatchObject({ items: [{ cluster: { clusterId: 'c1' }, order: null }], next: null });
    const events = await storage.events.since({ since: 0, limit: 10, rollout: 'r1-of-spring' });
    expect(events.map(({ action }) => action)).toEqual(['rollout.created']);
  });
});

describe('plans, tokens and repeated requests', () => {
  it('a plan put twice → one row, found by digest and by name', async () => {
    const plan = PlanSchema.parse({
      apiVersion: 'wavegate.dev/v1',
      kind: 'UpgradePlan',
      metadata: { name: 'k135' },
      spec: { target: { kubernetes: '1.35.4' } },
    });
    const first = await storage.plans.put(plan, 'ada');
    expect(await storage.plans.put(plan, 'bob')).toEqual({ digest: first.digest, created: false });
    expect((await storage.plans.get('k135'))?.plan).toEqual(plan);
    expect((await storage.plans.list({ limit: 10 })).items).toHaveLength(1);
  });

  it('three hubs start for the first time at once → one first admin token', async () => {
    const told = await Promise.all([1, 2, 3].map(() => storage.apiTokens.ensureFirstAdmin()));
    const tokens = told.filter((token) => token !== null);
    expect(tokens).toHaveLength(1);
    expect(await storage.apiTokens.verify(tokens[0] ?? '')).toMatchObject({ role: 'admin', scope: '' });
    expect(await storage.apiTokens.verify(`${tokens[0]}x`)).toBeNull();
    const { id, token } = await storage.apiTokens.create({ name: 'ci', role: 'operator', scope: 'env=dev', by: 'ada' });
    expect(await storage.apiTokens.revoke(id, 'ada')).toBe(true);
    expect(await storage.apiTokens.verify(token)).toBeNull();
    expect(JSON.stringify(await storage.dataSource.query('SELECT * FROM api_tokens'))).not.toContain(
      token.split('.')[1],
    );
  });

  it('a request sent twice with one key → done once, answered twice', async () => {
    const { idempotency } = storage;
    const begun = await Promise.all([idempotency.begin('k', 'h1'), idempotency.begin('k', 'h1')]);
    expect(begun.map(({ kind }) => kind).sort()).toEqual(['begin', 'inFlight']);
    await idempotency.finish('k', { status: 201 });
    expect(await idempotency.begin('k', 'h1')).toEqual({ kind: 'repeat', response: { status: 201 } });
    expect(await idempotency.begin('k', 'h2')).toEqual({ kind: 'otherRequest' });
  });

  it('a bell rung over there → heard here', async () => {
    const heard = storage.bell.bell('rollouts').next();
    await storage.dataSource.query(`SELECT pg_notify('wavegate', 'rollouts')`);
    await heard;
  });
});
