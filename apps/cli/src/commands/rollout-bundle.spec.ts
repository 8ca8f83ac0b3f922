import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_POLICY, judge, makeEvidence } from '@wavegate/analysis';
import { describe, expect, it } from '@jest/globals';
import { fakeWorld } from '../testing/fake-world.js';

const flat = (periods: number, bad: number) => Array.from({ length: periods }, () => [bad, 1000] as const);
const input = {
  slis: [{ name: 'checkout', objective: 0.999, decisive: true, baseline: flat(60, 1), after: flat(6, 50) }],
  ...{ gates: [], policy: DEFAULT_POLICY, elapsedMs: 360_000 },
};
const verdict = judge(input);
const item = { cluster: 'dev fra/1', clusterId: 'c-1', phase: 'judgeCanary', slis: verdict.slis };
const page = (items: readonly unknown[]) => ({ items, nextCursor: null });
const ours = { id: 'o-1', parent: { kind: 'rollout', id: '7f3c' }, outcome: { kind: 'rolledBack' } };
const base = 'GET /rollouts/7f3c/verdicts';

const answers = {
  'GET /rollouts/7f3c': () => ({ id: '7f3c', planDigest: 'd1', name: 'autumn' }),
  'GET /plans/d1': () => ({ digest: 'd1', plan: { kind: 'UpgradePlan' } }),
  'GET /rollouts/7f3c/clusters?limit=500': () => page([{ cluster: 'dev fra/1' }]),
  'GET /events?object=rollout/7f3c&limit=500': () => page([{ seq: 1 }, { seq: 2 }]),
  'GET /orders?rollout=7f3c&limit=500': () => page([ours]),
  [base]: () => ({
    rollout: '7f3c',
    waves: [],
    items: [
      { ...item, evidence: '/e' },
      { ...item, phase: 'judgeFinal', evidence: null },
    ],
  }),
  [`${base}/dev fra/1/evidence?phase=judgeCanary`]: () => makeEvidence(input, verdict),
  [`${base}/dev fra/1/checkout.svg?phase=judgeCanary`]: () =>
    new Response('<svg/>', { headers: { 'content-type': 'image/svg+xml' } }),
};

describe('rollout bundle', () => {
  it('a rollout → one archive that tar reads, its sums right, its verdicts judged again the same', async () => {
    const world = fakeWorld({ answers });
    const file = join(world.home, 'review.tar.gz');
    const { code, err } = await world.run('rollout', 'bundle', '7f3c', '-o', file);
    expect([code, err]).toEqual([0, expect.stringMatching(/review\.tar\.gz is written: 10 files; tar -xzf/)]);
    execFileSync('tar', ['-xzf', file, '-C', world.home]);
    const root = join(world.home, 'wavegate-rollout-7f3c');
    expect(readdirSync(root).sort()).toEqual([
      'SHA256SUMS',
      'clusters.json',
      'events.jsonl',
      'orders.json',
      'plan.json',
      'rollout.json',
      'verdicts',
      'verdicts.json',
      'versions.json',
    ]);
    execFileSync('sha256sum', ['-c', '--strict', '--quiet', 'SHA256SUMS'], { cwd: root });
    expect(readFileSync(join(root, 'events.jsonl'), 'utf8')).toBe('{"seq":1}\n{"seq":2}\n');
    expect(JSON.parse(readFileSync(join(root, 'orders.json'), 'utf8'))).toEqual([ours]);
    expect(readFileSync(join(root, 'verdicts/dev-fra-1/judgeCanary.checkout.svg'), 'utf8')).toBe('<svg/>');
    const again = await world.run('verdict', 'recompute', join(root, 'verdicts/dev-fra-1/judgeCanary.json'));
    expect([again.code, again.out]).toEqual([0, 'rollback: the same verdict from the same samples.\n']);
  });

  it('nowhere to write, or no file named → told, and nothing is written', async () => {
    const world = fakeWorld({ answers });
    const file = join(world.home, 'missing', 'x.tar.gz');
    const failed = await world.run('rollout', 'bundle', '7f3c', '-o', file);
    expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('cannot be written')]);
    expect(existsSync(file)).toBe(false);
    expect((await world.run('rollout', 'bundle', '7f3c')).code).toBe(2);
  });
});
