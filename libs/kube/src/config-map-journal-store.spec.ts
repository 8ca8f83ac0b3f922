import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Journal } from '@wavegate/runtime/agent';
import { ConfigMapJournalStore } from './config-map-journal-store.js';
import { cut } from './journal-shards.js';
import type { KubeAccess } from './kube-access.js';
import type { FakeApiServer } from './testing/fake-api-server.js';
import { startKubeWorld } from './testing/kube-world.js';
// eslint-disable-next-line wavegate/room-fence -- the contract of the port: every store of journals is held to it, and tests alone need it here
import { journalStoreContract } from '../../runtime/src/agent/testing/journal-store-contract.js';

const MAPS = '/api/v1/configmaps';
const servers: FakeApiServer[] = [];

journalStoreContract('the ConfigMap store', async () => {
  const { api, kube } = await startKubeWorld();
  servers.push(api);
  return new ConfigMapJournalStore(kube, 'wavegate');
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

describe('journals in ConfigMaps', () => {
  let api: FakeApiServer;
  let kube: KubeAccess;
  let store: ConfigMapJournalStore;
  beforeEach(async () => {
    ({ api, kube } = await startKubeWorld());
    store = new ConfigMapJournalStore(kube, 'wavegate');
  });
  afterEach(() => api.stop());

  const journal = (letters: number, note = 'a') =>
    ({
      order: { id: 'ab12' },
      acceptedAt: 1,
      state: 'running',
      reported: false,
      note: note.repeat(letters),
    }) as unknown as Journal;
  const names = () =>
    api
      .all(MAPS)
      .map(({ metadata }) => metadata.name)
      .sort();

  it('a small journal → one ConfigMap named after the order, and one request per write', async () => {
    const version = await store.save(journal(10), null);
    const before = api.requests.length;
    await store.save(journal(11), version);
    expect(names()).toEqual(['wavegate-journal-ab12']);
    expect(api.requests.slice(before)).toEqual([`PUT /api/v1/namespaces/wavegate/configmaps/wavegate-journal-ab12`]);
  });

  it('a large journal → immutable shards below 1 MiB; the next version leaves none of the old ones behind', async () => {
    const version = await store.save(journal(700_000), null);
    const first = names();
    expect(first).toHaveLength(4);
    for (const map of api.all(MAPS)) expect(JSON.stringify(map.data).length).toBeLessThan(1024 * 1024);
    await store.save(journal(700_001, 'b'), version);
    expect(names()).toHaveLength(4);
    expect(names().filter((name) => first.includes(name))).toEqual(['wavegate-journal-ab12']);
    expect((await store.list())[0]?.journal).toEqual(journal(700_001, 'b'));
  });

  it('a journal that shrinks again → its shards go', async () => {
    const version = await store.save(journal(700_000), null);
    await store.save(journal(10), version);
    expect(names()).toEqual(['wavegate-journal-ab12']);
  });

  it('an agent killed after the shards and before the head → the old journal stands, the litter goes with the next prune', async () => {
    const version = await store.save(journal(10), null);
    api.onRequest = (method) => (method === 'PUT' ? { code: 503 } : null);
    await expect(store.save(journal(700_000), version)).rejects.toMatchObject({ code: 503 });
    api.onRequest = () => null;
    expect((await store.list())[0]?.journal).toEqual(journal(10));
    api.remove(MAPS, { metadata: { name: 'wavegate-journal-ab12', namespace: 'wavegate' } });
    await store.prune(20);
    expect(names()).toEqual([]);
  });

  it('letters outside the Basic Multilingual Plane at a cut → not torn apart', () => {
    const text = `${'a'.repeat(3)}🌊${'b'.repeat(4)}`;
    const parts = cut(text, 4);
    expect(parts.join('')).toBe(text);
    expect(parts.every((part) => part.isWellFormed() && part.length <= 4)).toBe(true);
  });
});
