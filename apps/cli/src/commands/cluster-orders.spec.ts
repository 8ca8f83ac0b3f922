import { describe, expect, it } from '@jest/globals';
import { fakeWorld, problem, type Answers } from '../testing/fake-world.js';
import { backup, blockingPreflight, completed, ended, sampleOrder } from '../testing/sample-order.js';

const POST = 'POST /clusters/dev-muc-2/orders';
const GET = `GET /orders/${sampleOrder().id}`;

const drained = { ...completed, text: 'completed; left cordoned: w-1', cordoned: ['w-1'] };

/** The order as it is made, and then each look at it. */
function world(looks: readonly unknown[], more: Answers = {}) {
  const left = [...looks];
  return fakeWorld({ answers: { [POST]: () => left[0], [GET]: () => left.splice(1, 1)[0] ?? looks.at(-1), ...more } });
}

describe('what one cluster is asked to do', () => {
  it('drain → what was said and nothing more is sent; watched to its end', async () => {
    const fake = world([sampleOrder({ progress: null }), sampleOrder(), ended({ outcome: drained })]);
    const args = ['--timeout', '5m', '--on-timeout', 'failCluster', '--delete-empty-dir', 'ci', '--uncordon-after'];
    const { code, out, err } = await fake.run('clusters', 'drain', 'dev-muc-2', 'w-1', ...args);
    expect(fake.sent[0]?.body).toEqual({
      kind: 'drain',
      args: { node: 'w-1', uncordonAfter: true },
      drain: { timeout: '5m', onTimeout: 'failCluster', deleteEmptyDir: { namespaces: ['ci'] } },
    });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('drain of dev-muc-2: running, node w-1: pod payments/cart-1 is held by PDB payments/cart');
    expect(out.trimEnd().split('\n').at(-1)).toBe('  completed; left cordoned: w-1');
  });

  it('a bare drain, and a preflight with a target → the defaults are the hub’s', async () => {
    const fake = world([ended({})]);
    await fake.run('clusters', 'drain', 'dev-muc-2', 'w-1');
    await fake.run('clusters', 'preflight', 'dev-muc-2', '--target', '1.35.4', '--via', '1.34=1.34.4');
    await fake.run('clusters', 'drain', 'dev-muc-2', 'w-1', '--plan', 'k135', '--single-node');
    expect(fake.sent.map(({ body }) => body)).toEqual([
      { kind: 'drain', args: { node: 'w-1' } },
      { kind: 'preflight', target: '1.35.4', via: { '1.34': '1.34.4' } },
      { kind: 'drain', args: { node: 'w-1' }, plan: 'k135', topology: 'singleNode' },
    ]);
  });

  it('a preflight that finds something that blocks → 3, and who has to look', async () => {
    const { code, out, err } = await world([blockingPreflight()]).run('clusters', 'preflight', 'dev-muc-2');
    expect([code, err]).toEqual([3, '1 finding blocks an upgrade of dev-muc-2.\n']);
    expect(out).toContain('By owner: platform 1 warn · team-ledger 1 block');
  });

  it('backup → its arguments and policies; one that is not completed → 3', async () => {
    const fake = world([backup()]);
    const args = ['-n', 'shop', '-n', 'pay', '--ttl', '30d', '--as', 'before-move', '--canary', 'shop'];
    expect((await fake.run('clusters', 'backup', 'dev-muc-2', 'velero', ...args)).code).toBe(0);
    expect(fake.sent[0]?.body).toEqual({
      kind: 'backup',
      args: { what: 'velero', namespaces: ['shop', 'pay'], ttlMs: 30 * 86_400_000, name: 'before-move' },
      backup: { velero: { canary: 'shop' } },
    });
    const halted = { ...ended({}).outcome!, kind: 'halted' as const, text: 'halted: the bucket is full' };
    const { code, err } = await world([ended({ kind: 'backup', outcome: halted })]).run(
      ...['clusters', 'backup', 'dev-muc-2', 'etcd', '--verify', 'status'],
    );
    expect([code, err]).toEqual([3, 'The backup of dev-muc-2 ended halted (wavegate orders get 3f2a9c55).\n']);
  });

  it('backup --prove-latest → a drill is asked for, and nothing of a backup that would be taken', async () => {
    const fake = world([backup()]);
    expect((await fake.run('clusters', 'backup', 'dev-muc-2', 'etcd', '--prove-latest')).code).toBe(0);
    expect(fake.sent[0]?.body).toEqual({ kind: 'backup', args: { what: 'etcd', namespaces: [], prove: 'latest' } });
  });

  it('prefetch → every node unless named, with what lies on each; without a version → 2, and nothing is asked', async () => {
    const there = { node: 'w-1', version: '1.35.4', packages: '/var/lib/wavegate/packages/1.35.4', images: 3 };
    const outcome = {
      ...completed,
      text: 'completed; 1.35.4 is ready on 1 node',
      fetched: [{ ...there, freeMib: 41_000 }],
    };
    const fake = world([ended({ kind: 'prefetch', args: { nodes: [] }, outcome })]);
    const { code, out } = await fake.run(
      'clusters',
      'prefetch',
      'dev-muc-2',
      '--target',
      '1.35.4',
      '--packages',
      'mirror',
    );
    await fake.run('clusters', 'prefetch', 'dev-muc-2', 'w-1', 'w-2', '--plan', 'k135');
    expect(fake.sent.map(({ body }) => body)).toEqual([
      { kind: 'prefetch', args: { nodes: [] }, target: '1.35.4', upgrade: { packages: 'mirror' } },
      { kind: 'prefetch', args: { nodes: ['w-1', 'w-2'] }, plan: 'k135' },
    ]);
    expect([code, out]).toEqual([0, expect.stringMatching(/w-1 +1\.35\.4 +3 +40 GiB +\/var\/lib/)]);
    const bare = await world([]).run('clusters', 'prefetch', 'dev-muc-2');
    expect([bare.code, bare.err]).toEqual([2, expect.stringContaining('--target')]);
  });

  it('restore --preview --no-wait -o json → the order as it was made', async () => {
    const fake = world([sampleOrder({ kind: 'restore' })]);
    const args = ['--into', 'shop=shop-drill', '--preview', '--no-wait', '-o', 'json'];
    const { code, out } = await fake.run('clusters', 'restore', 'dev-muc-2', 'nightly', ...args);
    expect(fake.sent).toHaveLength(1);
    expect(fake.sent[0]?.body).toEqual({
      ...{ kind: 'restore', args: { from: 'nightly', namespaceMapping: { shop: 'shop-drill' }, preview: true } },
    });
    expect([code, (JSON.parse(out) as { kind: string }).kind]).toEqual([0, 'restore']);
  });

  it('busy → the hub’s words: which order, and how to end it', async () => {
    const answers = { [POST]: () => problem(409, 'dev-muc-2 works at the drain order 3f2a', { detail: 'Wait.' }) };
    const { code, err } = await fakeWorld({ answers }).run('clusters', 'preflight', 'dev-muc-2');
    expect([code, err]).toEqual([1, 'dev-muc-2 works at the drain order 3f2a: Wait.\n']);
  });

  it('interrupted while watching → 130, and the order goes on', async () => {
    const order = sampleOrder();
    const answers = { [POST]: () => order, [GET]: () => order };
    const fake = fakeWorld({ answers, onSleep: (one) => one.interrupt() });
    const { code, err } = await fake.run('clusters', 'drain', 'dev-muc-2', 'w-1');
    expect([code, err]).toEqual([
      130,
      'The order goes on: wavegate orders get 3f2a9c55. To end it: wavegate orders withdraw 3f2a9c55\n',
    ]);
  });

  it('a wrong command line → 2, and nothing is sent', async () => {
    for (const args of [
      ['clusters', 'drain', 'c1'],
      ['clusters', 'backup', 'c1', 'disk'],
      ['clusters', 'backup', 'c1', 'etcd', '--ttl', 'long'],
      ['clusters', 'drain', 'c1', 'w-1', '--on-timeout', 'never'],
      ['clusters', 'restore', 'c1', 'b', '--into', 'shop'],
      ['orders', 'list', '--kind', 'teleport'],
      ['schedules', 'create', 'x', '--kind', 'drain', '--at', '03:00'],
      ['schedules', 'create', 'x', '--kind', 'backup', '--at', '03:00', '--args', '[1]'],
      ['plan', 'drain-preview'],
    ]) {
      const fake = fakeWorld();
      const { code, out } = await fake.run(...args);
      expect([args, code, out, fake.sent]).toEqual([args, 2, '', []]);
    }
  });
});
