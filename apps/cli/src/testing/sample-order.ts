import { describeReason, reason, type Reason } from '@wavegate/fleet';
import type { Order } from '../gen/types.gen.js';
import { ago } from './sample-rollout.js';

export const reasonView = (given: Reason) => ({ ...given, params: { ...given.params }, text: describeReason(given) });

const NO_OUTCOME = { reason: null, rung: null, returned: [], stays: [], cordoned: [], standing: {}, fetched: [] };
export const completed = { ...NO_OUTCOME, kind: 'completed' as const, text: 'completed' };

/** A drain that waits for a pod; change it into what a test needs. */
export function sampleOrder(change: Partial<Order> = {}): Order {
  const blocked = reason('drain_blocked', {
    ...{ node: 'w-1', pod: 'payments/cart-1', pdb: 'payments/cart', owner: 'team-shop' },
    ...{ since: Date.parse(ago(9)), until: Date.parse(ago(-6)) },
  });
  return {
    ...{ id: '3f2a9c5511d24e0c8a7b6d5e4f3a2b1c', kind: 'drain', cluster: 'dev-muc-2', clusterId: 'c-1' },
    ...{ parent: { kind: 'request', id: '9a8b7c6d5e4f3a2b' }, args: { node: 'w-1', nodeUid: 'u-1' }, hop: '1.34.4' },
    ...{ planDigest: 'ab'.repeat(32), state: 'confirmed', ended: false, reason: null, waits: null },
    ...{ createdAt: ago(12), startBy: ago(2), deadline: ago(-600), confirmedAt: ago(12), endedAt: null },
    progress: {
      ...{ phase: 'drain', reason: reasonView(blocked), since: ago(9), nodesDone: 0, nodesTotal: 1 },
      drains: [
        {
          node: 'w-1',
          counts: { kept: 3, queued: 0, evicting: 0, blocked: 1, terminating: 1, gone: 12 },
          waits: [
            {
              ...{ pod: 'payments/cart-1', state: 'blocked', pdb: 'payments/cart', owner: 'Deployment payments/cart' },
              ...{ detail: '0 disruptions allowed, 2 of 2 wanted are healthy', since: ago(9) },
            },
            {
              pod: 'shop/db-0',
              state: 'terminating',
              pdb: '',
              owner: 'StatefulSet shop/db',
              detail: '',
              since: ago(1),
            },
          ],
        },
      ],
    },
    ...{ findings: [], receipts: [], outcome: null },
    ...change,
  };
}

export const ended = (change: Partial<Order>): Order =>
  sampleOrder({ state: 'done', ended: true, endedAt: ago(1), progress: null, outcome: completed, ...change });

export const blockingPreflight = (): Order =>
  ended({
    ...{ kind: 'preflight', args: {}, hop: '1.34.4 → 1.35.4' },
    findings: [
      {
        ...{ code: 'deprecated_api_requested', severity: 'warn', object: 'v1 Endpoints', owner: 'platform' },
        ...{
          message: 'requested since the API server started 9 days ago',
          remedy: 'move lb-operator to EndpointSlice',
        },
      },
      {
        ...{ code: 'pdb_never_allows', severity: 'block', object: 'payments/ledger', owner: 'team-ledger' },
        ...{ message: 'minAvailable 3 of 3 replicas', remedy: 'raise replicas to 4, or set maxUnavailable: 1' },
      },
    ],
  });

export const backup = (): Order =>
  ended({
    ...{ kind: 'backup', args: { what: 'etcd' } },
    receipts: [
      {
        ...{
          backup: 'etcd',
          node: 'cp-1',
          path: 's3://backups/dev-muc-2/etcd-20261007.db.age',
          sha256: 'ab'.repeat(32),
        },
        ...{
          revision: 88213,
          totalKeys: 10230,
          sizeBytes: 4_404_019,
          takenAt: ago(2),
          provenAt: ago(2),
          verified: 'restore' as const,
        },
        text: 'etcd on cp-1 at 2026-10-07T12:28Z: 4.2 MiB, 10230 keys at revision 88213, restored for proof',
        ...{ checks: ['10230 keys at revision 88213, as in the live etcd'], encryptedTo: ['age1a', 'age1b'] },
      },
    ],
  });
