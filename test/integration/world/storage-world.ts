import { setTimeout as sleep } from 'node:timers/promises';
import type { Storage } from '@wavegate/storage';
import type { RequestStoreWorld } from '../../../libs/runtime/src/hub/testing/request-store-contract.js';

/** The ports of a storage as one object, as the contracts and the loops want them. */
export function hubStoreOf({ rollouts, sessions, orders, requests }: Storage): RequestStoreWorld['store'] {
  return {
    now: () => rollouts.now(),
    claim: (replica, leaseMs) => rollouts.claim(replica, leaseMs),
    load: (id) => rollouts.load(id),
    inbox: (id, limit) => rollouts.inbox(id, limit),
    commit: (commit) => rollouts.commit(commit),
    create: (rollout, audit) => rollouts.create(rollout, audit),
    appendCommand: (id, event, audit) => rollouts.appendCommand(id, event, audit),
    open: (opening) => sessions.open(opening),
    beat: (refs) => sessions.beat(refs),
    close: (ref) => sessions.close(ref),
    expire: (ms) => sessions.expire(ms),
    revoked: (refs) => sessions.revoked(refs),
    outgoing: (refs) => orders.outgoing(refs),
    take: (ref, report) => orders.take(ref, report),
    ofCluster: (id, limit) => orders.ofCluster(id, limit),
    request: (order, audit) => requests.request(order, audit),
    withdrawRequest: (id, why, audit) => requests.withdrawRequest(id, why, audit),
    expireRequests: () => requests.expireRequests(),
  };
}

/** A cluster as enrolment leaves it, with an id that the test chooses. */
export async function enrol(storage: Storage, id: string, approved = true): Promise<void> {
  const insert = `
    INSERT INTO clusters (id, name, uid, approved, created_by, enrolled_at) VALUES ($1, $2, $3, $4, 'test', now_ms())`;
  await storage.dataSource.query(insert, [id, `name-${id}`, `uid-${id}`, approved]);
  await storage.dataSource.query('INSERT INTO sessions (cluster_id) VALUES ($1)', [id]);
  const notAfter = Number.MAX_SAFE_INTEGER;
  const certificate = { serial: `cert-${id}`, clusterId: id, notAfter, publicKeySha256: `key-${id}` };
  await storage.certificates.record({ ...certificate, how: 'enrolled' });
}

export function storageWorld(storage: Storage): RequestStoreWorld {
  return {
    store: hubStoreOf(storage),
    enrol: async (id, approved) => {
      await enrol(storage, id, approved);
      await storage.dataSource.query(`UPDATE clusters SET labels = jsonb_build_object('of', id) WHERE id = $1`, [id]);
    },
    revokeCertificate: async (serial) => {
      await storage.certificates.revoke({ serial }, 'ada');
    },
    removeCluster: async (id) => {
      await storage.clusters.remove(id, 'ada');
    },
    audit: async () => ({
      rows: await storage.audit.read({ since: 0, limit: 10_000 }),
      head: await storage.audit.head(),
    }),
    pass: async (ms) => {
      await sleep(ms + 2);
    },
    close: () => storage.close(),
  };
}
