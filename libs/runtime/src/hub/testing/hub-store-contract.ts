import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Order, Outcome } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { RolloutAction } from '@wavegate/rollout';
import type { AuditHead, AuditRow } from '../audit-chain.js';
import { AuditVerifier } from '../audit-chain.js';
import type {
  AuditEntry,
  OrderStore,
  RolloutClaim,
  RolloutCommit,
  RolloutStore,
  SessionRef,
  SessionStore,
} from '../ports.js';
import { RolloutExists, RolloutUnknown } from '../ports.js';
import { sampleFacts, sampleRollout, sendOrderFor } from './sample-rollout.js';

/** A store under test, and what only enrolment and an administrator can do to it. */
export interface HubStoreWorld {
  readonly store: RolloutStore & SessionStore & OrderStore;
  /** An approved cluster with uid `uid-<id>` and one valid certificate `cert-<id>`. */
  /** Labelled `of: <id>`. */
  enrol(id: string, approved?: boolean): Promise<void>;
  revokeCertificate(serial: string): Promise<void>;
  removeCluster(id: string): Promise<void>;
  audit(): Promise<{ readonly rows: readonly AuditRow[]; readonly head: AuditHead }>;
  /** Lets the store's clock go on by at least so much. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const LEASE = 60_000;
const SHORT = 40;
/** Not over before the next lines have run, also on a real database and a busy machine. */
const SOON = 3_000;
const entry = (action: string): AuditEntry => ({
  actor: 'ada',
  action,
  object: 'rollout/r1',
  detail: { rollout: 'r1' },
});

/** What every store of the hub promises; run on memory (simulation) and on Postgres (production). */
export function describeHubStore(name: string, open: () => Promise<HubStoreWorld>): void {
  describe(`hub store contract: ${name}`, () => {
    let world: HubStoreWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());
    const store = (): HubStoreWorld['store'] => world.store;

    async function started(id = 'r1', clusters: readonly string[] = ['c1', 'c2']): Promise<void> {
      for (const cluster of clusters) await world.enrol(cluster);
      await store().create(sampleRollout(id, clusters, await store().now()), entry('rollout.created'));
    }
    async function claimed(replica = 'hub-a', leaseMs = LEASE): Promise<RolloutClaim> {
      const claim = await store().claim(replica, leaseMs);
      if (!claim) throw new Error('nothing to claim');
      return claim;
    }
    async function commit(claim: RolloutClaim, change: Partial<RolloutCommit> = {}): Promise<'committed' | 'fenced'> {
      const { head } = await store().load(claim.rolloutId);
      return store().commit({ claim, head, clusters: [], actions: [], audit: [], inboxDone: [], ...change });
    }
    async function commitAll(actions: readonly RolloutAction[] = []): Promise<void> {
      const claim = await claimed();
      const rows = await store().inbox(claim.rolloutId, 1000);
      expect(await commit(claim, { actions, inboxDone: rows.map(({ seq }) => seq) })).toBe('committed');
    }
    async function session(clusterId: string): Promise<SessionRef> {
      const at = await store().now();
      const answer = await store().open({
        clusterId,
        replica: 'hub-a',
        clusterUid: `uid-${clusterId}`,
        certificateSerial: `cert-${clusterId}`,
        agentVersion: '0.1.0',
        facts: sampleFacts(`uid-${clusterId}`, at),
      });
      if ('refused' in answer) throw new Error(answer.refused.code);
      return { clusterId, generation: answer.generation };
    }
    async function events(id = 'r1'): Promise<readonly string[]> {
      return (await store().inbox(id, 1000)).map(({ event }) => event.kind);
    }
    /** A started rollout whose cluster c1 has a session and one open order. */
    async function ordered(): Promise<{ ref: SessionRef; order: Order }> {
      await started();
      const ref = await session('c1');
      await commitAll([sendOrderFor('r1', 'c1', await store().now())]);
      const [first] = await store().outgoing([ref]);
      if (first?.command.kind !== 'order') throw new Error('no order goes out');
      return { ref, order: first.command.order };
    }
    const outcome: Outcome = { kind: 'upgraded', standing: { apiserver: '1.35.4' } };

    describe('rollouts', () => {
      it('a new rollout → its rows, its started event and one audit line, all or nothing', async () => {
        await started();
        const rollout = await store().load('r1');
        expect(rollout.head).toMatchObject({ id: 'r1', name: 'k135-r1', plan: expect.stringContaining('plan of r1') });
        expect([...rollout.clusters.keys()].sort()).toEqual(['c1', 'c2']);
        expect(rollout.clusters.get('c2')).toMatchObject({ position: 1, phase: 'waiting', labels: { env: 'dev' } });
        expect(await events()).toEqual(['started']);
        expect((await world.audit()).rows.map(({ action }) => action)).toContain('rollout.created');
      });
      it('the same rollout created twice → RolloutExists, and the second leaves no trace', async () => {
        await started();
        const lines = (await world.audit()).rows.length;
        const again = store().create(sampleRollout('r1', ['c1'], 1), entry('rollout.created'));
        await expect(again).rejects.toThrow(RolloutExists);
        expect(await events()).toEqual(['started']);
        expect((await world.audit()).rows).toHaveLength(lines);
      });
      it('a rollout nobody knows → RolloutUnknown', async () => {
        await expect(store().load('r9')).rejects.toThrow(RolloutUnknown);
        const asked = store().appendCommand('r9', { kind: 'paused', by: 'ada' }, entry('rollout.pause'));
        await expect(asked).rejects.toThrow(RolloutUnknown);
      });
      it('what was loaded is changed by its reader → the store keeps its own', async () => {
        await started();
        const { head, clusters } = await store().load('r1');
        (head as { name: string }).name = 'mine';
        (clusters.get('c1')?.labels as Record<string, string>)['env'] = 'prod';
        const again = await store().load('r1');
        expect([again.head.name, again.clusters.get('c1')?.labels]).toEqual(['k135-r1', { env: 'dev' }]);
      });
      it('inbox rows → in the order of their commit, with the store’s clock, until they are done', async () => {
        await started();
        await store().appendCommand('r1', { kind: 'paused', by: 'ada' }, entry('rollout.pause'));
        const rows = await store().inbox('r1', 10);
        expect(rows.map(({ event }) => event)).toEqual([{ kind: 'started' }, { kind: 'paused', by: 'ada' }]);
        expect(rows[1]?.at).toBeGreaterThanOrEqual(rows[0]?.at ?? Infinity);
        expect(await store().inbox('r1', 1)).toHaveLength(1);
        await commit(await claimed(), { inboxDone: [rows[0]?.seq ?? 0] });
        expect(await events()).toEqual(['paused']);
      });
    });

    describe('leases and fencing', () => {
      it('a leased rollout → nobody else may claim it, its holder may again, with the same epoch', async () => {
        await started();
        const first = await claimed('hub-a');
        expect(await store().claim('hub-b', LEASE)).toBeNull();
        expect(await claimed('hub-a')).toMatchObject({ leaseEpoch: first.leaseEpoch, revision: first.revision });
      });
      it('a lease that ran out → the next holder gets a higher epoch, and the zombie is fenced', async () => {
        await started();
        const zombie = await claimed('hub-a', SHORT);
        await world.pass(SHORT * 2);
        const heir = await claimed('hub-b');
        expect(heir.leaseEpoch).toBeGreaterThan(zombie.leaseEpoch);
        expect(await commit(zombie, { audit: [entry('zombie')] })).toBe('fenced');
        expect(await commit(heir)).toBe('committed');
        expect((await world.audit()).rows.map(({ action }) => action)).not.toContain('zombie');
      });
      it('two commits from one claim → the second is fenced by the revision and changes nothing', async () => {
        await started();
        const claim = await claimed();
        expect(await commit(claim)).toBe('committed');
        const actions = [sendOrderFor('r1', 'c1', claim.at)];
        expect(await commit(claim, { actions, inboxDone: [1, 2, 3] })).toBe('fenced');
        expect(await events()).toEqual(['started']);
        expect(await store().ofCluster('c1', 10)).toEqual([]);
      });
      it('nothing in the inbox and no wake-up due → nothing to claim', async () => {
        await started();
        await commitAll();
        expect(await store().claim('hub-a', LEASE)).toBeNull();
      });
      it('a wake-up comes due → the rollout may be claimed again', async () => {
        await started();
        const claim = await claimed();
        const rows = await store().inbox('r1', 10);
        const { head } = await store().load('r1');
        const wakeAt = (await store().now()) + SOON;
        await commit(claim, { head: { ...head, wakeAt }, inboxDone: rows.map(({ seq }) => seq) });
        expect(await store().claim('hub-a', LEASE)).toBeNull();
        await world.pass(SOON + 100);
        expect((await claimed()).at).toBeGreaterThanOrEqual(wakeAt);
      });
      it('two rollouts that are due → both get their turn', async () => {
        await started('r1', ['c1']);
        await started('r2', ['c2']);
        const first = await claimed('hub-a');
        const second = await claimed('hub-a');
        expect(new Set([first.rolloutId, second.rolloutId])).toEqual(new Set(['r1', 'r2']));
      });
      it('changed rows are saved, the others stay', async () => {
        await started();
        const claim = await claimed();
        const { clusters } = await store().load('r1');
        const [first] = clusters.values();
        if (!first) throw new Error('no cluster');
        await commit(claim, {
          clusters: [{ ...first, phase: 'ordered', reason: reason('order_sent', { kind: 'upgrade' }) }],
        });
        const again = await store().load('r1');
        expect([...again.clusters.values()].map(({ phase }) => phase).sort()).toEqual(['ordered', 'waiting']);
      });
    });

    describe('sessions', () => {
      it('each new stream → the next generation; the older one is no longer authoritative', async () => {
        await world.enrol('c1');
        const older = await session('c1');
        const newer = await session('c1');
        expect(newer.generation).toBe(older.generation + 1);
        expect(await store().beat([older])).toEqual([older]);
        expect(await store().beat([newer])).toEqual([]);
        expect(await store().take(older, { kind: 'facts', facts: sampleFacts('uid-c1', 1) })).toMatchObject({
          kind: 'fenced',
          reason: { code: 'newer_generation', params: { generation: newer.generation } },
        });
        await store().close(older);
        expect(await store().beat([newer])).toEqual([]);
      });
      it('a hello that does not fit → refused with the reason, and no generation is spent', async () => {
        await world.enrol('c1');
        await world.enrol('c2', false);
        const hello = { replica: 'a', agentVersion: '1', facts: sampleFacts('uid-c1', 1) };
        const ask = (clusterId: string, clusterUid: string, certificateSerial: string) =>
          store().open({ ...hello, clusterId, clusterUid, certificateSerial });
        const uids = { expected: 'uid-c1', found: 'clone' };
        expect(await ask('c1', 'clone', 'cert-c1')).toEqual({ refused: reason('cluster_uid_mismatch', uids) });
        expect(await ask('c1', 'uid-c1', 'cert-c2')).toEqual({ refused: reason('certificate_unknown') });
        expect(await ask('c9', 'uid-c9', 'cert-c9')).toEqual({ refused: reason('certificate_unknown') });
        expect(await ask('c2', 'uid-c2', 'cert-c2')).toEqual({ refused: reason('cluster_not_approved') });
        await world.revokeCertificate('cert-c1');
        expect(await ask('c1', 'uid-c1', 'cert-c1')).toEqual({ refused: reason('certificate_revoked') });
      });
      it('an agent falls silent → each unfinished rollout that has it is told once; it comes back → told once', async () => {
        await started();
        const ref = await session('c1');
        await commitAll();
        expect(await store().expire(60_000)).toBe(0);
        await world.pass(SHORT);
        expect(await store().expire(SHORT / 2)).toBe(1);
        expect(await store().expire(SHORT / 2)).toBe(0);
        expect(await events()).toEqual(['agentLost']);
        await store().beat([ref]);
        await store().beat([ref]);
        expect(await events()).toEqual(['agentLost', 'agentReturned']);
      });
      it('a rollout begins without an agent that is there by now → it is told of its return', async () => {
        await world.enrol('c1');
        await session('c1');
        await store().create(sampleRollout('r1', ['c1'], 1), entry('rollout.created'));
        expect(await events()).toEqual(['started', 'agentReturned']);
      });
      it('a certificate is revoked, a cluster removed → their live sessions are named', async () => {
        for (const id of ['c1', 'c2', 'c3']) await world.enrol(id);
        const refs = [await session('c1'), await session('c2'), await session('c3')];
        await world.revokeCertificate('cert-c1');
        await world.removeCluster('c2');
        const revoked = await store().revoked(refs);
        expect(revoked.map(({ clusterId }) => clusterId).sort()).toEqual(['c1', 'c2']);
      });
    });

    describe('orders', () => {
      it('an inserted order → goes out with plan and epoch until it is accepted, then its confirmation', async () => {
        const { ref, order } = await ordered();
        expect(order).toMatchObject({ clusterUid: 'uid-c1', epoch: 1, parent: { kind: 'rollout', id: 'r1' } });
        expect(order.labels).toEqual({ of: 'c1' });
        expect(order.plan).toContain('plan of r1');
        const accepted = { kind: 'orderAccepted', orderId: order.id, epoch: order.epoch } as const;
        const confirm = { kind: 'confirm', orderId: order.id, epoch: order.epoch };
        expect(await store().take(ref, accepted)).toEqual({ kind: 'taken', commands: [confirm] });
        expect(await store().outgoing([ref])).toEqual([{ session: ref, command: confirm }]);
        expect(await events()).toEqual(['orderStarted']);
      });
      it('the same report twice → acknowledged again, without effect', async () => {
        const { ref, order } = await ordered();
        const accepted = { kind: 'orderAccepted', orderId: order.id, epoch: order.epoch } as const;
        const ended = { kind: 'outcome', orderId: order.id, epoch: order.epoch, outcome } as const;
        await store().take(ref, accepted);
        expect((await store().take(ref, accepted)).kind).toBe('duplicate');
        expect((await store().take(ref, ended)).kind).toBe('taken');
        expect((await store().take(ref, ended)).kind).toBe('duplicate');
        expect(await events()).toEqual(['orderStarted', 'clusterEnded']);
        expect(await store().outgoing([ref])).toEqual([]);
        expect((await store().ofCluster('c1', 5))[0]).toMatchObject({ state: 'done', outcome });
      });
      it('the same decision committed twice → one order', async () => {
        const { order } = await ordered();
        await store().appendCommand('r1', { kind: 'resumed', by: 'ada', allow: 0 }, entry('x'));
        await commitAll([sendOrderFor('r1', 'c1', await store().now())]);
        expect((await store().ofCluster('c1', 5)).map((stored) => stored.order.id)).toEqual([order.id]);
      });
      it('orders of one cluster → epochs grow, and the newest comes first', async () => {
        await ordered();
        await store().appendCommand('r1', { kind: 'retried', by: 'ada', clusterId: 'c1' }, entry('x'));
        await commitAll([sendOrderFor('r1', 'c1', await store().now(), 2), sendOrderFor('r1', 'c2', 1)]);
        expect((await store().ofCluster('c1', 5)).map((stored) => stored.order.epoch)).toEqual([2, 1]);
        expect((await store().ofCluster('c2', 5)).map((stored) => stored.order.epoch)).toEqual([1]);
      });
      it('an order taken back before it was confirmed → withdrawn at once; a late acceptance is told so', async () => {
        const { ref, order } = await ordered();
        await store().appendCommand('r1', { kind: 'aborted', by: 'ada' }, entry('x'));
        const why = reason('rollout_aborted', { by: 'ada' });
        await commitAll([{ kind: 'withdrawOrder', clusterId: 'c1', orderId: order.id, reason: why }]);
        expect(await events()).toEqual(['orderWithdrawn']);
        expect(await store().outgoing([ref])).toEqual([]);
        const late = await store().take(ref, { kind: 'orderAccepted', orderId: order.id, epoch: order.epoch });
        const told = { kind: 'withdraw', orderId: order.id, epoch: order.epoch, reason: why };
        expect(late).toEqual({ kind: 'duplicate', commands: [told] });
        expect(await events()).toEqual(['orderWithdrawn']);
      });
      it('an order taken back after its confirmation → counts only from the agent’s word', async () => {
        const { ref, order } = await ordered();
        await store().take(ref, { kind: 'orderAccepted', orderId: order.id, epoch: order.epoch });
        const why = reason('rollout_aborted', { by: 'ada' });
        await commitAll([{ kind: 'withdrawOrder', clusterId: 'c1', orderId: order.id, reason: why }]);
        const [told] = await store().outgoing([ref]);
        expect(told?.command).toMatchObject({ kind: 'withdraw', orderId: order.id, reason: why });
        expect(await events()).toEqual([]);
        await store().take(ref, { kind: 'orderWithdrawn', orderId: order.id, started: true });
        expect([await store().outgoing([ref]), await events()]).toEqual([[], []]);
        await store().take(ref, { kind: 'outcome', orderId: order.id, epoch: order.epoch, outcome });
        expect(await events()).toEqual(['clusterEnded']);
      });
      it('reports with evidence → kept with the order', async () => {
        const { ref, order } = await ordered();
        await store().take(ref, { kind: 'orderAccepted', orderId: order.id, epoch: order.epoch });
        const finding = {
          code: 'cert_expires_soon',
          severity: 'warn',
          object: 'cp-1',
          message: 'm',
          remedy: 'r',
          owner: '',
        } as const;
        await store().take(ref, { kind: 'findings', orderId: order.id, findings: [finding] });
        const verdict = { schema: 1, kind: 'hold', period: null, reasons: [], slis: [] } as const;
        const judged = { kind: 'verdict', orderId: order.id, phase: 'judgeCanary', verdict } as const;
        expect((await store().take(ref, judged)).kind).toBe('taken');
        expect((await store().take(ref, judged)).kind).toBe('duplicate');
        const progress = {
          orderId: order.id,
          phase: 'workers',
          reason: reason('draining', { node: 'w-1' }),
          since: 1,
        } as const;
        await store().take(ref, { kind: 'progress', progress: { ...progress, nodesDone: 1, nodesTotal: 3 } });
        const [stored] = await store().ofCluster('c1', 1);
        expect(stored).toMatchObject({ state: 'confirmed', findings: [finding], progress: { nodesDone: 1 } });
        // It has begun, so nothing more has to be said to it.
        expect(await store().outgoing([ref])).toEqual([]);
      });
      it('a report about an order that is another cluster’s → acknowledged without effect', async () => {
        const { order } = await ordered();
        const ref = await session('c2');
        const ended = { kind: 'outcome', orderId: order.id, epoch: order.epoch, outcome } as const;
        expect((await store().take(ref, ended)).kind).toBe('duplicate');
        expect((await store().ofCluster('c1', 1))[0]?.state).toBe('open');
      });
    });

    describe('audit', () => {
      it('every line → in sequence without a gap, chained from the first, ending at the head', async () => {
        await ordered();
        await store().appendCommand('r1', { kind: 'paused', by: 'ada' }, entry('rollout.pause'));
        const claim = await claimed();
        await commit(claim, { audit: [entry('one'), entry('two')] });
        const { rows, head } = await world.audit();
        const verifier = new AuditVerifier();
        for (const row of rows) verifier.take(row);
        expect(verifier.proof(head)).toMatchObject({ kind: 'intact', rows: rows.length });
        expect(rows.map(({ action }) => action)).toEqual(expect.arrayContaining(['rollout.pause', 'one', 'two']));
      });
    });
  });
}
