import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, makeEvidence, DEFAULT_POLICY } from '@wavegate/analysis';
import { reason } from '@wavegate/fleet';
import { describe, expect, it } from '@jest/globals';
import type { VerdictList } from '../gen/types.gen.js';
import { fakeWorld } from '../testing/fake-world.js';
import { golden } from '../testing/golden.js';

const flat = (periods: number, bad: number) => Array.from({ length: periods }, () => [bad, 1000] as const);
const input = {
  slis: [{ name: 'checkout', objective: 0.999, decisive: true, baseline: flat(60, 1), after: flat(6, 50) }],
  ...{ gates: [], policy: DEFAULT_POLICY, elapsedMs: 360_000 },
};
const verdict = judge(input);
const base = '/api/v1/rollouts/7f3c/verdicts/c-1';
const judged = {
  ...{ cluster: 'dev-fra-1', clusterId: 'c-1', wave: 1, order: 'o-1', orderKind: 'upgrade', attempt: 1 },
  ...{ gauges: [], evidence: null, pictures: [] },
};
const list: VerdictList = {
  rollout: '7f3c',
  waves: [
    {
      ...{ wave: 1, verdict: 'hold', overriddenBy: null },
      reasons: [
        { ...reason('wave_regressed', { objective: 'checkout', times: 1.4, clusters: 5, stratum: '' }), text: '' },
      ],
    },
    { wave: 2, verdict: null, overriddenBy: null, reasons: [] },
  ],
  items: [
    { ...judged, phase: 'judgeControlPlane', kind: 'promote', period: null, reasons: [], slis: [] },
    {
      ...{ ...judged, phase: 'judgeCanary', kind: verdict.kind, period: verdict.period },
      reasons: [{ ...reason('slo_fast_burn', { objective: 'checkout', burn: 49 }), text: 'checkout burns' }],
      slis: verdict.slis.map((sli) => ({ ...sli, comparison: sli.comparison ?? null, queries: null, causes: {} })),
      ...{ evidence: `${base}/evidence?phase=judgeCanary`, pictures: [`${base}/checkout.svg?phase=judgeCanary`] },
    },
  ],
};

describe('rollout verdicts', () => {
  it('waves, clusters, phases → the verdicts with their numbers', async () => {
    const world = fakeWorld({ answers: { 'GET /rollouts/7f3c/verdicts': () => list } });
    const { code, out } = await world.run('rollout', 'verdicts', '7f3c');
    expect(code).toBe(0);
    expect(out.trimEnd()).toBe(golden('rollout-verdicts', out.trimEnd()));
  });

  it('a gauge beside the objectives → said under them, and that it decides nothing', async () => {
    const gauge = { name: 'apiserver-memory', before: 4.12e8, now: 6.1e8, p: 1e-9, effect: 1, state: 'higher' };
    const measured = {
      ...list,
      items: list.items.map((item) => ({ ...item, gauges: [{ ...gauge, query: 'avg(x)' }] })),
    };
    const world = fakeWorld({ answers: { 'GET /rollouts/7f3c/verdicts': () => measured } });
    const { out } = await world.run('rollout', 'verdicts', '7f3c');
    expect(out.replaceAll(/\s+/g, ' ')).toContain(
      'apiserver-memory (gauge, never decisive): higher than before; mean 412000000 before, 610000000 since, p < 0.001',
    );
  });

  it('--evidence and --plot → files of what is kept; recomputed, the verdict is the same', async () => {
    const world = fakeWorld({
      answers: {
        'GET /rollouts/7f3c/verdicts?cluster=dev-fra-1': () => list,
        'GET /rollouts/7f3c/verdicts/dev-fra-1/evidence?phase=judgeCanary': () => makeEvidence(input, verdict),
        'GET /rollouts/7f3c/verdicts/dev-fra-1/checkout.svg?phase=judgeCanary': () =>
          new Response('<svg/>', { headers: { 'content-type': 'image/svg+xml' } }),
      },
    });
    const folder = join(world.home, 'kept');
    const words = ['--cluster', 'dev-fra-1', '--evidence', folder, '--plot', folder];
    const { code, err } = await world.run('rollout', 'verdicts', '7f3c', ...words);
    expect([code, err.match(/is written/g)?.length]).toEqual([0, 2]);
    expect(readFileSync(join(folder, 'dev-fra-1.judgeCanary.checkout.svg'), 'utf8')).toBe('<svg/>');
    const again = await world.run('verdict', 'recompute', join(folder, 'dev-fra-1.judgeCanary.json'));
    expect([again.code, again.out]).toEqual([0, 'rollback: the same verdict from the same samples.\n']);
  });

  it('no samples are kept → told, and no empty folder', async () => {
    const none = { ...list, items: list.items.slice(0, 1) };
    const world = fakeWorld({ answers: { 'GET /rollouts/7f3c/verdicts': () => none } });
    const { code, err } = await world.run('rollout', 'verdicts', '7f3c', '--plot', join(world.home, 'plots'));
    expect([code, err]).toEqual([1, 'No verdict of this rollout has its samples yet; nothing is written.\n']);
  });
});
