import { describe, expect, it } from '@jest/globals';
import type { Recovery } from '../gen/types.gen.js';
import { fakeWorld } from '../testing/fake-world.js';
import { ago } from '../testing/sample-rollout.js';

const ID = 'a1b2c3d4e5f60718';

function recovery(change: Partial<Recovery> = {}): Recovery {
  return {
    ...{ id: ID, cluster: 'dev-muc-2', rung: 6, state: 'asked', node: '', order: '3f2a9c55', version: '1.34.4' },
    ...{ loses: 'every write since the snapshot', askedBy: 'ops', askedAt: ago(5), approveUntil: ago(-1_435) },
    ...{ approvalsNeeded: 2, approvals: [], epoch: null, takenAt: ago(90), stages: [], lost: [], verification: null },
    ...change,
  };
}

const STAGES = [
  { title: 'stop the control plane', on: ['cp-1', 'cp-2'], lines: ['/x/restore.sh stop'], until: 'each says so' },
];

describe('ways back that persons run', () => {
  it('ask → what it loses, and that two persons must approve; rung 5 without a node → 2', async () => {
    const fake = fakeWorld({ answers: { 'POST /clusters/dev-muc-2/recoveries': () => recovery() } });
    const { code, out } = await fake.run('recoveries', 'ask', 'dev-muc-2', '--rung', '6');
    expect(fake.sent[0]?.body).toEqual({ rung: 6 });
    expect([code, out]).toEqual([0, expect.stringContaining('LOSES  every write since the snapshot')]);
    expect(out).toContain('waits for 2 different persons');
    expect(out).toContain('wavegate recoveries approve a1b2c3d4');
    const bare = await fakeWorld({}).run('recoveries', 'ask', 'dev-muc-2', '--rung', '5');
    expect([bare.code, bare.err]).toEqual([2, expect.stringContaining('--node')]);
  });

  it('the last approval → who runs what in which order, each line whole, and what was lost', async () => {
    const approvals = [
      { by: 'ada', at: ago(2) },
      { by: 'bob', at: ago(1) },
    ];
    const lost = [
      { order: '3f2a9c55', kind: 'upgrade', state: 'done', at: ago(60), text: 'upgraded: apiserver 1.35.4' },
    ];
    const approved = recovery({ state: 'approved', approvals, epoch: 12, stages: STAGES, lost });
    const answers = { [`POST /recoveries/${ID}/approve`]: () => approved };
    const { out } = await fakeWorld({ answers }).run('recoveries', 'approve', ID);
    expect(out).toContain('  1. stop the control plane');
    expect(out).toContain('on  cp-1, cp-2');
    expect(out).toContain('\n       /x/restore.sh stop\n');
    expect(out).toContain('only orders newer than epoch 12');
    expect(out).toMatch(/3f2a9c55 +upgrade .*upgraded: apiserver 1\.35\.4/);
  });

  it('verify → waits for the look; something is wrong → 3 and what', async () => {
    const looks = (ended: boolean, good: boolean): Recovery =>
      recovery({
        state: good ? 'verified' : 'approved',
        epoch: 12,
        verification: {
          order: 'o',
          ended,
          good,
          reason: null,
          checks: [{ good, text: 'every API server runs 1.34.4 (1)' }],
        },
      });
    for (const good of [true, false]) {
      const answers = {
        [`POST /recoveries/${ID}/verify`]: () => looks(false, false),
        [`GET /recoveries/${ID}`]: () => looks(true, good),
      };
      const { code, out } = await fakeWorld({ answers }).run('recoveries', 'verify', ID);
      expect([code, out.includes(`${good ? '✔' : '✘'} every API server`)]).toEqual([good ? 0 : 3, true]);
    }
  });

  it('list → one line each', async () => {
    const items = [
      recovery(),
      recovery({ id: 'ffff0000', rung: 5, node: 'w-1', approvalsNeeded: 1, state: 'verified' }),
    ];
    const { out } = await fakeWorld({ answers: { 'GET /recoveries': () => ({ items }) } }).run('recoveries', 'list');
    expect(out).toMatch(/a1b2c3d4 +dev-muc-2 +6 restore etcd +asked +0 of 2/);
    expect(out).toMatch(/ffff0000 +dev-muc-2 +5 replace w-1 +verified/);
  });
});
