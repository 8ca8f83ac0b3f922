import { describe, expect, it, jest } from '@jest/globals';
import { reason, type BackupArgs, type DrainArgs, type Order } from '@wavegate/fleet';
import fc from 'fast-check';
import { FROM, planOf, tell, TO, type StorySetup } from '../testing/story.js';
import { TinyCluster, type Faults } from '../testing/tiny-cluster.js';

const HOP = { index: 1, of: 1, from: FROM, to: FROM };
const REQUEST = { kind: 'request', id: 'r-1' } as const;

function drainOf(node: string, more: Partial<DrainArgs> = {}): Partial<Order> {
  const args = { kind: 'drain' as const, node, nodeUid: `uid-${node}`, ...more };
  return { kind: 'drain', parent: REQUEST, hop: HOP, args };
}

function backupOf(what: BackupArgs['what'], more: Partial<BackupArgs> = {}): Partial<Order> {
  const args = { kind: 'backup' as const, what, namespaces: [], selector: '', ttlMs: 0, name: '', ...more };
  return { kind: 'backup', parent: REQUEST, hop: HOP, args };
}

function play(order: Partial<Order>, more: Partial<StorySetup> & { readonly faults?: Faults } = {}) {
  const { faults = {}, ...setup } = more;
  const cluster = setup.cluster ?? new TinyCluster({ from: FROM, faults });
  return { cluster, story: tell({ ...setup, cluster, order }) };
}

describe('a preflight order', () => {
  it('findings that block → completed, the findings are its answer', () => {
    const finding = { code: 'pdb_never_allows', severity: 'block' as const, object: 'a/b', message: '' };
    const findings = [{ ...finding, remedy: '', owner: '' }];
    const faults: Faults = { 'preflight/cluster': [{ kind: 'succeeded', findings }] };
    const { story, cluster } = play({ kind: 'preflight', parent: REQUEST, args: { kind: 'preflight' } }, { faults });
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: [], receipts: [] });
    expect(story.journal.findings).toEqual(findings);
    expect(cluster.effects).toEqual(['preflight/cluster']);
  });

  it.each([[{}], [{ only: 'objectives' as const }]])('asked for %j → the step is asked for just that', (only) => {
    const cluster = new TinyCluster({ from: FROM });
    const asked = jest.spyOn(cluster, 'carryOut');
    play({ kind: 'preflight', parent: REQUEST, args: { kind: 'preflight', ...only } }, { cluster });
    const [[step] = []] = asked.mock.calls;
    expect(step).toEqual({ kind: 'preflight', name: step?.name, target: TO, ...only });
  });

  it('of an older hub, without arguments → carried out all the same', () => {
    expect(play({ kind: 'preflight', parent: REQUEST }).story.outcome.kind).toBe('completed');
  });

  it('it fails twice → halted with why', () => {
    const failed = {
      kind: 'failed',
      reason: reason('step_failed', { step: 'preflight', node: '', detail: 'no' }),
    } as const;
    const faults: Faults = { 'preflight/cluster': [failed, failed, failed] };
    const { story, cluster } = play({ kind: 'preflight', parent: REQUEST }, { faults });
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code: 'step_failed' } });
    expect(cluster.effects).toHaveLength(2);
  });
});

describe('a drain order', () => {
  it('the node is emptied → completed, and it stays cordoned', () => {
    const { story, cluster } = play(drainOf('w-2'));
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: ['w-2'] });
    expect(cluster.effects).toEqual(['drainNode/w-2']);
  });

  it('uncordonAfter → emptied, opened again, nothing stays cordoned', () => {
    const { story, cluster } = play(drainOf('w-2', { uncordonAfter: true }));
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: [] });
    expect(cluster.effects).toEqual(['drainNode/w-2', 'uncordonNode/w-2']);
  });

  it.each([
    ['an unknown node', drainOf('w-9'), {}, 'node_unknown'],
    ['a node that is another object now', drainOf('w-1', { nodeUid: 'uid-old' }), {}, 'node_uid_mismatch'],
    ['another cluster', { ...drainOf('w-1'), clusterUid: 'uid-2' }, {}, 'cluster_uid_mismatch'],
    ['no arguments', { ...drainOf('w-1'), args: undefined }, {}, 'order_malformed'],
    ['arguments of another kind', { ...drainOf('w-1'), args: { kind: 'preflight' } }, {}, 'order_malformed'],
    ['taken back before it began', drainOf('w-1'), { withdrawAtPass: 0 }, 'order_stopped'],
  ] as [string, Partial<Order>, Partial<StorySetup>, string][])(
    '%s → skipped, nothing touched',
    (_name, order, setup, code) => {
      const { story, cluster } = play(order, setup);
      expect(story.outcome).toMatchObject({ kind: 'skipped', reason: { code } });
      expect(cluster.effects).toEqual([]);
    },
  );

  it('the last node that takes pods → skipped; with topology singleNode → drained', () => {
    const alone = () => new TinyCluster({ from: FROM, workers: 0 });
    const refused = play(drainOf('cp-1'), { cluster: alone() });
    expect(refused.story.outcome).toMatchObject({ kind: 'skipped', reason: { code: 'last_schedulable_node' } });
    const consented = play(drainOf('cp-1'), { cluster: alone(), plan: planOf({ topology: 'singleNode' }) });
    expect(consented.story.outcome).toMatchObject({ kind: 'completed', cordoned: ['cp-1'] });
  });

  it.each(['skipNode', 'failCluster'] as const)(
    'blocked beyond its time, %s → halted with the pod and its PDB',
    (onTimeout) => {
      const faults: Faults = { 'drainNode/w-1': ['blocked'] };
      const plan = planOf({ drain: { onTimeout } });
      for (const uncordonAfter of [false, true]) {
        const { story } = play(drainOf('w-1', { uncordonAfter }), { faults, plan });
        expect(story.outcome).toMatchObject({
          kind: 'halted',
          reason: { code: 'drain_timed_out', params: { node: 'w-1', pdb: 'cart' } },
        });
      }
    },
  );

  it('blocked, pause → waits for a person; goes on by itself once it is clear', () => {
    const faults: Faults = { 'drainNode/w-1': ['blocked'] };
    const cluster = new TinyCluster({ from: FROM, faults });
    const before = (pass: number): void => {
      if (pass === 20) cluster.node('w-1').pods = 0;
    };
    const { story } = play(drainOf('w-1'), { cluster, before });
    expect(story.log.some((line) => line.includes('waits: drain_timed_out'))).toBe(true);
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: ['w-1'] });
  });

  it('blocked, pause, and nobody clears it → halted at its deadline', () => {
    const faults: Faults = { 'drainNode/w-1': Array.from({ length: 2_000 }, () => 'blocked' as const) };
    const { story } = play(drainOf('w-1'), { faults });
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code: 'deadline_passed' }, cordoned: ['w-1'] });
  });

  it('blocked, pause, and the budget allows again → drained by itself, without anybody’s word', () => {
    const { story, cluster } = play(drainOf('w-1'), { faults: { 'drainNode/w-1': ['blocked', 'blocked'] } });
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: ['w-1'] });
    expect(cluster.effects).toEqual(['drainNode/w-1', 'drainNode/w-1/2', 'drainNode/w-1/3']);
  });

  it('the node becomes another object while its drain is blocked → halted, the new one is left alone', () => {
    const cluster = new TinyCluster({ from: FROM, faults: { 'drainNode/w-1': ['blocked'] } });
    const observe = cluster.observe.bind(cluster);
    cluster.observe = (at) => {
      const seen = observe(at);
      const replaced = seen.nodes.map((node) => (node.name === 'w-1' ? { ...node, uid: 'uid-new' } : node));
      return cluster.effects.length > 0 ? { ...seen, nodes: replaced } : seen;
    };
    const { story } = play(drainOf('w-1'), { cluster });
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code: 'node_uid_mismatch' } });
    expect(cluster.effects).toEqual(['drainNode/w-1']);
  });
});

describe('a backup order', () => {
  it('etcd → a snapshot on a control-plane node and its receipt', () => {
    const { story, cluster } = play(backupOf('etcd'));
    expect(story.outcome).toMatchObject({ kind: 'completed', receipts: [{ node: 'cp-1', verified: 'restore' }] });
    expect(cluster.effects).toEqual(['snapshotEtcd/cp-1']);
  });

  it('etcd, not restored for proof although the plan asks → halted, not called a backup', () => {
    const receipt = { node: 'cp-1', path: 'p', sha256: 'a', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: 1 };
    const status = { kind: 'succeeded', receipt: { ...receipt, verified: 'status' } } as const;
    const faults: Faults = { 'snapshotEtcd/cp-1': [status] };
    expect(play(backupOf('etcd'), { faults }).story.outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'backup_failed' },
    });
    const plan = planOf({ backup: { etcd: { verify: 'status' } } });
    const again: Faults = { 'snapshotEtcd/cp-1': [status] };
    expect(play(backupOf('etcd'), { faults: again, plan }).story.outcome.kind).toBe('completed');
  });

  it('a drill → the newest stored one is proven again, none is taken; what only its bytes could show is told, not refused', () => {
    for (const what of ['etcd', 'velero'] as const) {
      const { story } = play(backupOf(what, { prove: 'latest' }));
      expect(story.outcome.kind).toBe('completed');
      expect(Object.values(story.journal.steps).map(({ step }) => step)).toMatchObject([{ prove: 'latest' }]);
    }
    const sealed = { node: 'cp-1', path: 'p', sha256: 'a', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: 1 };
    const receipt = {
      ...sealed,
      verified: 'status',
      provenAt: 9,
      checks: ['not opened: give the private key'],
    } as const;
    const faults: Faults = { 'snapshotEtcd/cp-1': [{ kind: 'succeeded', receipt }] };
    expect(play(backupOf('etcd', { prove: 'latest' }), { faults }).story.outcome).toMatchObject({
      kind: 'completed',
      receipts: [receipt],
    });
  });

  it('Velero and manifests → named from the order unless named, once', () => {
    expect(play(backupOf('velero')).story.outcome).toMatchObject({
      receipts: [{ backup: 'velero', path: `wavegate-${'a'.repeat(16)}` }],
    });
    const { story, cluster } = play(backupOf('manifests', { name: 'before-move', namespaces: ['shop'] }));
    expect(story.outcome).toMatchObject({ receipts: [{ backup: 'manifests', path: 'before-move' }] });
    expect(cluster.effects).toEqual(['exportManifests/cluster']);
  });

  it('it fails → halted(backup_failed) with why, and not tried again', () => {
    const failed = {
      kind: 'failed',
      reason: reason('step_failed', { step: 's', node: '', detail: 'bucket full' }),
    } as const;
    const { story, cluster } = play(backupOf('velero'), { faults: { 'backupVelero/cluster': [failed] } });
    expect(story.outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'backup_failed', params: { detail: 'bucket full' } },
    });
    expect(cluster.effects).toHaveLength(1);
  });
});

describe('a restore order', () => {
  const args = { kind: 'restore', from: 'nightly', namespaceMapping: { shop: 'shop-drill' }, preview: true } as const;

  it('preview → the same step, told that it is one; completed without a receipt', () => {
    const { story } = play({ kind: 'restore', parent: REQUEST, hop: HOP, args });
    expect(story.outcome).toMatchObject({ kind: 'completed', receipts: [] });
    expect(Object.values(story.journal.steps)[0]?.step).toEqual({
      ...{ kind: 'restoreVelero', name: 'restoreVelero/cluster', backup: 'nightly', preview: true },
      namespaceMapping: { shop: 'shop-drill' },
    });
  });
});

describe('a prefetch order', () => {
  const AHEAD = { index: 1, of: 1, from: FROM, to: '1.35.4' };
  const prefetchOf = (...nodes: string[]): Partial<Order> => ({
    ...{ kind: 'prefetch', parent: REQUEST, hop: AHEAD, args: { kind: 'prefetch', nodes } },
  });
  const refused = (node: string): Faults[string] =>
    [1, 2, 3].map(() => ({
      kind: 'failed',
      reason: reason('step_refused', { step: 's', node, code: 'package_missing', detail: 'no kubelet 1.35.4' }),
    }));

  it('no node named → every one, side by side, once; what lies on each is in the outcome', () => {
    const { story, cluster } = play(prefetchOf());
    expect(story.outcome).toMatchObject({ kind: 'completed', cordoned: [], receipts: [] });
    const { fetched = [] } = story.outcome as Extract<typeof story.outcome, { kind: 'completed' }>;
    expect(fetched.map(({ node, version }) => `${node} ${version}`)).toEqual(
      ['cp-1', 'w-1', 'w-2', 'w-3'].map((name) => `${name} 1.35.4`),
    );
    expect([...cluster.effects].sort()).toEqual(['cp-1', 'w-1', 'w-2', 'w-3'].map((name) => `prefetchNode/${name}`));
    expect(cluster.nodes.every(({ kubelet, cordonedBy }) => kubelet === FROM && cordonedBy === null)).toBe(true);
  });

  it('some nodes named → those and no other; thirty nodes → ten at a time', () => {
    expect(play(prefetchOf('w-2')).cluster.effects).toEqual(['prefetchNode/w-2']);
    const cluster = new TinyCluster({ from: FROM, workers: 29 });
    const { story } = play(prefetchOf(), { cluster });
    const open = Object.values(story.journal.steps).map(({ intendedAt, endedAt }) => [intendedAt, endedAt ?? 0]);
    const most = Math.max(...open.map(([at = 0]) => open.filter(([a = 0, b = 0]) => a <= at && at < b).length));
    expect([open.length, most]).toEqual([30, 10]);
  });

  it('one node cannot be served → the others are, and it is named with its reason', () => {
    const { story, cluster } = play(prefetchOf(), { faults: { 'prefetchNode/w-2': refused('w-2') } });
    expect(story.outcome).toMatchObject({
      kind: 'halted',
      reason: {
        code: 'prefetch_incomplete',
        params: { have: 3, of: 4, nodes: 'w-2', detail: 'w-2: no kubelet 1.35.4' },
      },
      fetched: [{ node: 'cp-1' }, { node: 'w-1' }, { node: 'w-3' }],
    });
    expect(cluster.effects.filter((name) => name.startsWith('prefetchNode/w-2'))).toHaveLength(2);
  });

  it('a node that is not Ready → named, and no Job waits for it; the others are served', () => {
    const cluster = new TinyCluster({ from: FROM });
    cluster.node('w-3').readyFrom = Number.MAX_SAFE_INTEGER;
    expect(play(prefetchOf(), { cluster }).story.outcome).toMatchObject({
      ...{ kind: 'halted', reason: { params: { nodes: 'w-3', detail: 'w-3: the node is not Ready' } } },
    });
    expect(cluster.effects).not.toContain('prefetchNode/w-3');
  });

  it.each([
    ['an unknown node', prefetchOf('w-9'), 'node_unknown'],
    ['nodes that are at the target already', { ...prefetchOf(), hop: HOP }, 'nothing_to_prefetch'],
    ['arguments of another kind', { ...prefetchOf(), args: { kind: 'preflight' } }, 'order_malformed'],
    ['another cluster', { ...prefetchOf(), clusterUid: 'uid-2' }, 'cluster_uid_mismatch'],
  ] as [string, Partial<Order>, string][])('%s → skipped, nothing touched', (_name, order, code) => {
    const { story, cluster } = play(order);
    expect(story.outcome).toMatchObject({ kind: 'skipped', reason: { code } });
    expect(cluster.effects).toEqual([]);
  });

  it('withdrawn on the way → nothing new is begun, and it ends as stopped', () => {
    const cluster = new TinyCluster({ from: FROM, workers: 29 });
    const { story } = play(prefetchOf(), { cluster, withdrawAtPass: 2 });
    expect(story.outcome).toMatchObject({ kind: 'halted', reason: { code: 'order_stopped' } });
    expect(cluster.effects.length).toBeLessThan(30);
  });
});

const orders: fc.Arbitrary<Partial<Order>> = fc.oneof(
  fc
    .record({ node: fc.constantFrom('cp-1', 'w-1', 'w-2'), uncordonAfter: fc.boolean() })
    .map((args) => drainOf(args.node, args)),
  fc.constantFrom('etcd' as const, 'velero' as const, 'manifests' as const).map((what) => backupOf(what)),
  fc.constant({ kind: 'preflight' as const, parent: REQUEST }),
);

describe('an order of one act, whatever goes wrong', () => {
  it('it ends in a named state, touches no other node, and an agent that dies takes effect once', () => {
    const world = fc.record({
      order: orders,
      blocked: fc.boolean(),
      onTimeout: fc.constantFrom('pause' as const, 'skipNode' as const, 'failCluster' as const),
      withdrawAtPass: fc.option(fc.nat({ max: 10 }), { nil: undefined }),
      dieAfterWrite: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(world, ({ order, blocked, onTimeout, withdrawAtPass, dieAfterWrite }) => {
        const faults: Faults = blocked ? { 'drainNode/w-1': ['blocked'], 'drainNode/cp-1': ['blocked'] } : {};
        const options = {
          ...(withdrawAtPass === undefined ? {} : { withdrawAtPass }),
          ...(dieAfterWrite === undefined ? {} : { dieAfterWrite }),
        };
        const { story, cluster } = play(order, { faults, plan: planOf({ drain: { onTimeout } }), ...options });
        expect(['completed', 'halted', 'skipped']).toContain(story.outcome.kind);
        const node = order.args?.kind === 'drain' ? order.args.node : 'cp-1';
        expect(cluster.effects.every((effect) => ['cluster', node].includes(effect.split('/')[1] ?? ''))).toBe(true);
        expect(new Set(cluster.effects).size).toBe(cluster.effects.length);
        if (story.outcome.kind !== 'completed') return;
        // Completed is never said of a node that was let go before it was empty.
        const empty = cluster.effects.includes(`drainNode/${node}`) && cluster.node(node).pods === 0;
        if (order.args?.kind === 'drain' && !order.args.uncordonAfter) expect(empty).toBe(true);
        if (order.kind === 'backup') expect(story.outcome.receipts).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});
