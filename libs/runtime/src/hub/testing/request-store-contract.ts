import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Receipt } from '@wavegate/fleet';
import { readPlan, reason } from '@wavegate/fleet';
import type { RequestedOrder, RequestStore, SessionRef } from '../ports.js';
import { OVERDUE_GRACE_MS } from '../order-answer.js';
import type { HubStoreWorld } from './hub-store-contract.js';
import { sampleFacts, sampleRollout, sendOrderFor } from './sample-rollout.js';

/** A store under test that takes requests as well. */
export interface RequestStoreWorld extends HubStoreWorld {
  readonly store: HubStoreWorld['store'] & RequestStore;
}

const audit = { actor: 'ada', action: 'order.requested', object: 'cluster/c1', detail: {} };
/** Not over before the next lines have run, also on a real database and a busy machine. */
const SOON = 4_000;
const PLAN = JSON.stringify({ metadata: { name: 'request' } });

const OTHER_FINDING = {
  code: 'quota_full',
  severity: 'warn',
  object: 'shop',
  message: 'm',
  remedy: '',
  owner: '',
} as const;
const WAIVING = waivingPlan();

function waivingPlan(): { readonly canonical: string; readonly digest: string } {
  const waiver = { code: 'node_cordoned', set: 'waive', reason: 'CHG-7', by: 'ana', until: '2099-01-01T00:00:00Z' };
  const severities = [{ ...waiver, selector: 'of=c1' }];
  const spec = { target: { kubernetes: '1.35.4' }, preflight: { severities } };
  const kinds = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'waiving' } };
  const read = readPlan({ ...kinds, spec });
  if ('problems' in read) throw new Error(read.problems[0]?.detail);
  return read;
}

function requested(id: string, at: number, change: Partial<RequestedOrder> = {}): RequestedOrder {
  return {
    ...{ schema: 1, id, kind: 'drain', parent: { kind: 'request', id: `r-${id}` }, clusterId: 'c1' },
    ...{ clusterUid: 'uid-c1', attempt: 1, hop: { index: 1, of: 1, from: '1.34.4', to: '1.34.4' } },
    args: { kind: 'drain', node: 'w-1', nodeUid: 'uid-w-1' },
    ...{ plan: PLAN, planDigest: 'd-request', approvedRungs: [], startBy: at + 60_000, deadline: at + 3_600_000 },
    ...change,
  };
}

/** What every store promises of orders that no rollout makes. */
export function describeRequestStore(name: string, open: () => Promise<RequestStoreWorld>): void {
  describe(`request store contract: ${name}`, () => {
    let world: RequestStoreWorld;
    let now: number;
    let ref: SessionRef;
    beforeEach(async () => {
      world = await open();
      await world.enrol('c1');
      now = await world.store.now();
      ref = await session();
    });
    afterEach(() => world.close());

    async function session(): Promise<SessionRef> {
      const identity = { clusterUid: 'uid-c1', certificateSerial: 'cert-c1', agentVersion: '0.1.0' };
      const facts = sampleFacts('uid-c1', now);
      const answer = await world.store.open({ clusterId: 'c1', replica: 'hub-a', ...identity, facts });
      if ('refused' in answer) throw new Error(answer.refused.code);
      return { clusterId: 'c1', generation: answer.generation };
    }
    const ask = (id: string, change: Partial<RequestedOrder> = {}) =>
      world.store.request(requested(id, now, change), audit);
    const offered = async () =>
      (await world.store.outgoing([ref])).flatMap(({ command }) =>
        command.kind === 'order' ? [command.order.id] : [],
      );
    async function begin(id: string): Promise<void> {
      const stored = (await world.store.ofCluster('c1', 10)).find(({ order }) => order.id === id);
      await world.store.take(ref, { kind: 'orderAccepted', orderId: id, epoch: stored?.order.epoch ?? 0 });
    }

    it('a request → a row with its arguments and the next epoch, offered to the agent, one audit line', async () => {
      expect(await ask('o1')).toMatchObject({ kind: 'inserted', order: { state: 'open', order: { epoch: 1 } } });
      const [outgoing] = await world.store.outgoing([ref]);
      expect(outgoing?.command).toMatchObject({
        kind: 'order',
        order: { id: 'o1', plan: PLAN, args: { kind: 'drain', node: 'w-1', nodeUid: 'uid-w-1' }, labels: { of: 'c1' } },
      });
      expect((await world.audit()).rows.filter(({ action }) => action === 'order.requested')).toHaveLength(1);
    });

    it('an agent finds what the plan waives for this cluster → one audit line that says who, why and what; none again', async () => {
      await ask('o1', { plan: WAIVING.canonical, planDigest: WAIVING.digest });
      await begin('o1');
      const finding = { code: 'node_cordoned', severity: 'info', message: 'm', remedy: '', owner: '' } as const;
      const found = { kind: 'findings', orderId: 'o1', findings: [{ ...finding, object: 'w-1' }] } as const;
      await world.store.take(ref, found);
      await world.store.take(ref, found);
      await world.store.take(ref, { kind: 'findings', orderId: 'o1', findings: [...found.findings, OTHER_FINDING] });
      const lines = (await world.audit()).rows.filter(({ action }) => action === 'preflight.severityChanged');
      expect(lines).toMatchObject([
        {
          ...{ actor: 'agent/c1', object: 'order/o1' },
          detail: { cluster: 'c1', code: 'node_cordoned', set: 'waive', reason: 'CHG-7', by: 'ana', objects: ['w-1'] },
        },
      ]);
    });

    it('the same request again → known, no second row, no second audit line', async () => {
      await ask('o1');
      expect(await ask('o1')).toMatchObject({ kind: 'known', order: { order: { id: 'o1' } } });
      expect(await world.store.ofCluster('c1', 10)).toHaveLength(1);
      expect((await world.audit()).rows.filter(({ action }) => action === 'order.requested')).toHaveLength(1);
    });

    it('another request meanwhile → busy, naming the one in the way; after its end → inserted', async () => {
      await ask('o1');
      expect(await ask('o2')).toMatchObject({ kind: 'busy', by: { order: { id: 'o1' } } });
      await begin('o1');
      expect(await ask('o2')).toMatchObject({ kind: 'busy' });
      const outcome = { kind: 'completed', standing: {}, cordoned: ['w-1'], receipts: [] } as const;
      await world.store.take(ref, { kind: 'outcome', orderId: 'o1', epoch: 1, outcome });
      expect(await ask('o2')).toMatchObject({ kind: 'inserted', order: { order: { epoch: 2 } } });
      const [, ended] = await world.store.ofCluster('c1', 10);
      expect(ended).toMatchObject({
        state: 'done',
        outcome,
        endedAt: expect.any(Number),
        confirmedAt: expect.any(Number),
      });
    });

    it('taken, and no end was told long after its deadline → ends as withdrawn and says why; its outcome is taken after all', async () => {
      const past = { deadline: now - OVERDUE_GRACE_MS - 1 };
      await ask('o1', past);
      await begin('o1');
      expect(await world.store.expireRequests()).toBe(1);
      const [ended] = await world.store.ofCluster('c1', 1);
      expect(ended).toMatchObject({
        state: 'withdrawn',
        reason: { code: 'deadline_passed' },
        endedAt: expect.any(Number),
      });
      const outcome = { kind: 'completed', standing: {}, cordoned: [], receipts: [] } as const;
      await world.store.take(ref, { kind: 'outcome', orderId: 'o1', epoch: 1, outcome });
      expect((await world.store.ofCluster('c1', 1))[0]).toMatchObject({ state: 'done', outcome });

      await ask('o2', past);
      await begin('o2');
      await world.store.expire(0);
      expect(await world.store.expireRequests()).toBe(1);
      expect((await world.store.ofCluster('c1', 1))[0]).toMatchObject({
        ...{ state: 'withdrawn', reason: { code: 'agent_lost', params: { since: expect.any(Number) } } },
      });
    });

    it('two at once → one is inserted, the other finds it busy', async () => {
      const answers = await Promise.all([ask('o1'), ask('o2'), ask('o3')]);
      expect(answers.map(({ kind }) => kind).sort()).toEqual(['busy', 'busy', 'inserted']);
    });

    it('a cluster nobody knows, or that was removed → noCluster', async () => {
      expect(await ask('o1', { clusterId: 'c9' })).toEqual({ kind: 'noCluster' });
      await world.removeCluster('c1');
      expect(await ask('o1')).toEqual({ kind: 'noCluster' });
    });

    it("a rollout's order comes while a request is open → held back until the request has ended", async () => {
      await ask('o1');
      await world.store.create(sampleRollout('r1', ['c1'], now), { ...audit, object: 'rollout/r1' });
      const claim = await world.store.claim('hub-a', 10_000);
      if (!claim) throw new Error('nothing to claim');
      const { head } = await world.store.load('r1');
      const send = sendOrderFor('r1', 'c1', now);
      const none = { clusters: [], audit: [], inboxDone: [] };
      await world.store.commit({ claim, head, actions: [send], ...none });
      expect(await offered()).toEqual(['o1']);
      await begin('o1');
      // Begun: nothing more to say about the first, and the second still waits.
      await world.store.take(ref, { kind: 'findings', orderId: 'o1', findings: [] });
      expect(await offered()).toEqual([]);
      const outcome = { kind: 'completed', standing: {}, cordoned: [], receipts: [] } as const;
      await world.store.take(ref, { kind: 'outcome', orderId: 'o1', epoch: 1, outcome });
      expect(await offered()).toEqual(send.kind === 'sendOrder' ? [send.orderId] : []);
    });

    it('not taken by its startBy → in nobody’s way, then ended with why', async () => {
      await ask('o1', { startBy: now + SOON });
      expect(await world.store.expireRequests()).toBe(0);
      await world.pass(SOON + 100);
      expect(await offered()).toEqual([]);
      expect(await ask('o2')).toMatchObject({ kind: 'inserted' });
      expect(await world.store.expireRequests()).toBe(1);
      const [, first] = await world.store.ofCluster('c1', 10);
      expect(first).toMatchObject({
        state: 'withdrawn',
        reason: { code: 'order_expired', params: { startBy: now + SOON } },
      });
    });

    it('begun, and its agent is silent beyond the deadline → in nobody’s way; what it tells later still counts', async () => {
      await ask('o1', { deadline: now + SOON });
      await begin('o1');
      await world.pass(SOON + 100);
      expect(await ask('o2')).toMatchObject({ kind: 'inserted' });
      expect(await offered()).toEqual(['o2']);
      const outcome = { kind: 'completed', standing: {}, cordoned: [], receipts: [] } as const;
      await world.store.take(ref, { kind: 'outcome', orderId: 'o1', epoch: 1, outcome });
      const [, first] = await world.store.ofCluster('c1', 2);
      expect(first).toMatchObject({ state: 'done', outcome });
    });

    it('withdrawn before the agent has it → at once; while it runs → when the agent says so; after its end → too late', async () => {
      const why = reason('withdrawn_by_person', { by: 'ada' });
      const withdrawn = { ...audit, action: 'order.withdrawAsked' };
      await ask('o1');
      expect(await world.store.withdrawRequest('o1', why, withdrawn)).toMatchObject({
        kind: 'withdrawn',
        order: { state: 'withdrawn', reason: { code: 'withdrawn_by_person' } },
      });
      expect(await world.store.withdrawRequest('o1', why, withdrawn)).toMatchObject({ kind: 'tooLate' });
      await ask('o2');
      await begin('o2');
      expect(await world.store.withdrawRequest('o2', why, withdrawn)).toMatchObject({
        order: { state: 'withdrawing' },
      });
      const [outgoing] = await world.store.outgoing([ref]);
      expect(outgoing?.command).toMatchObject({ kind: 'withdraw', orderId: 'o2' });
      expect(await world.store.withdrawRequest('nope', why, withdrawn)).toEqual({ kind: 'unknown' });
      const lines = (await world.audit()).rows.filter(({ action }) => action === 'order.withdrawAsked');
      expect(lines).toHaveLength(2);
    });

    it('refused by the agent → ended with its reason', async () => {
      await ask('o1');
      const why = reason('node_uid_mismatch', { node: 'w-1', expected: 'a', found: 'b' });
      await world.store.take(ref, { kind: 'orderRefused', orderId: 'o1', reason: why });
      expect(await world.store.ofCluster('c1', 1)).toMatchObject([{ state: 'refused', reason: why }]);
    });

    it('a receipt → on its order, once; a resend changes nothing', async () => {
      await ask('o1');
      const receipt: Receipt = {
        ...{ node: 'cp-1', path: '/b', sha256: 'ab', revision: 7, totalKeys: 9, sizeBytes: 5, takenAt: now },
        ...{ verified: 'restore', checks: ['9 keys at revision 7, as in the live etcd'] },
      };
      const report = { kind: 'receipt', orderId: 'o1', receipt } as const;
      expect(await world.store.take(ref, report)).toMatchObject({ kind: 'taken' });
      expect(await world.store.take(ref, report)).toMatchObject({ kind: 'duplicate' });
      expect(await world.store.ofCluster('c1', 1)).toMatchObject([{ receipts: [receipt] }]);
    });
  });
}
