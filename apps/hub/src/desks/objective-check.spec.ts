import { describe, expect, it } from '@jest/globals';
import { readPlan, type Finding } from '@wavegate/fleet';
import type { PlannedCluster } from '@wavegate/rollout';
import type { InventoryCluster } from '@wavegate/storage';
import type { Problem } from '../rest/problem.js';
import type { ClusterPreflight } from './fleet-preflight.js';
import { ObjectiveCheck, sampleOf } from './objective-check.js';

function stored(verdict: object) {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'autumn' } };
  const read = readPlan({ ...head, spec: { target: { kubernetes: '1.35.4' }, verdict } });
  if ('problems' in read) throw new Error(JSON.stringify(read.problems));
  return { ...read, name: 'autumn', createdBy: 'ada', createdAt: 0 };
}
const MEASURING = stored({ objectives: ['apiserver-availability', 'apiserver-write-latency'] });

const place = (n: number, more: Partial<PlannedCluster> = {}): PlannedCluster => ({
  ...{ clusterId: `id-${n}`, clusterName: `c-${n}`, clusterUid: '', labels: {}, wave: 1, position: n, ring: null },
  ...{ hops: [], nodes: 3, connected: true, ...more },
});
const row = ({ clusterId, clusterName, connected }: PlannedCluster) =>
  ({ id: clusterId, name: clusterName, connected }) as InventoryCluster;

const REFUSED: Finding = {
  ...{ code: 'objective_query_refused', severity: 'block', object: 'apiserver-write-latency', owner: '' },
  ...{ message: 'sum(increase(x[60s])): 3 series', remedy: 'write sum(…) around it' },
};
const looked = (cluster: string, findings: readonly Finding[] = []): ClusterPreflight => ({
  ...{ cluster, state: 'checked', why: null, order: `o-${cluster}`, findings },
});

/** The check over a fleet whose agents answer as told; who was asked is kept. */
function world(answer: (name: string) => ClusterPreflight = (name) => looked(name)) {
  const asked: string[] = [];
  const run = (_plan: unknown, clusters: readonly InventoryCluster[]) => {
    asked.push(...clusters.map(({ name }) => name));
    return Promise.resolve(clusters.map(({ name }) => answer(name)));
  };
  const check = (taking: readonly PlannedCluster[], plan = MEASURING, unchecked: string | null = null) =>
    new ObjectiveCheck({ run }).check({ stored: plan, taking, fleet: taking.map(row), by: 'ada', unchecked });
  return { asked, check };
}

async function refusal(answer: (name: string) => ClusterPreflight, size: number): Promise<Problem> {
  const line = Array.from({ length: size }, (_, n) => place(n));
  return world(answer)
    .check(line)
    .then(
      () => Promise.reject(new Error('was not refused')),
      (problem: Problem) => problem,
    );
}

describe('the objectives of a plan, before its rollout is stored', () => {
  it('a plan that measures nothing, or a person who said so → nobody is asked', async () => {
    const { check, asked } = world();
    expect(await check([place(1)], stored({}))).toMatchObject({ state: 'none' });
    expect(await check([place(1)], MEASURING, 'CHG-1')).toMatchObject({ state: 'unchecked', reason: 'CHG-1' });
    expect(asked).toEqual([]);
  });

  it('all can measure → started, with who was asked; blocking alerts alone are asked about too', async () => {
    const { check, asked } = world();
    const alerts = stored({ alerts: [{ match: { severity: 'critical' } }] });
    expect(await check([place(1), place(2)])).toEqual({
      ...{ state: 'checked', checked: 2, notChecked: [], beyondSample: 0, reason: null },
    });
    expect((await check([place(3)], alerts)).state).toBe('checked');
    expect(asked).toEqual(['c-1', 'c-2', 'c-3']);
  });

  it('one that does not answer, or is away → named, and no reason to refuse', async () => {
    const { check } = world((name) =>
      name === 'c-1' ? looked(name) : { ...looked(name), state: 'running', why: 'has not answered yet' },
    );
    expect(await check([place(1), place(2)])).toMatchObject({
      ...{ checked: 1, notChecked: [{ cluster: 'c-2', why: 'has not answered yet' }] },
    });
  });

  it('a query that is refused in one of three → 422: cluster, objective, query, answer, and what would be right', async () => {
    const { title, more } = await refusal((name) => looked(name, name === 'c-1' ? [REFUSED] : []), 3);
    expect(title).toBe('1 of 3 clusters that were asked cannot measure what the plan judges by');
    expect(more.errors).toEqual([
      {
        pointer: '/spec/verdict/objectives/1',
        code: 'objective_query_refused',
        detail: 'c-1: apiserver-write-latency: sum(increase(x[60s])): 3 series; write sum(…) around it',
      },
    ]);
    expect(more.detail).toContain('wavegate rollout start autumn --skip-objective-check --reason');
  });

  it('the same in forty → told once, with the first five and how many more', async () => {
    const { title, more } = await refusal((name) => looked(name, [REFUSED]), 40);
    expect([title.startsWith('40 of 40'), more.errors?.length]).toEqual([true, 1]);
    expect(more.errors?.[0]?.detail).toMatch(/^c-0, c-1, c-2, c-3, c-4 and 35 more: apiserver-write-latency/);
  });

  it.each([
    ['a warning: a dry run, or lowered by the plan', { ...REFUSED, severity: 'warn' as const }],
    ['waived by the plan', { ...REFUSED, severity: 'info' as const }],
    ['an alert that fires now', { ...REFUSED, code: 'blocking_alert_firing' }],
    ['something else, of an agent that looks at everything', { ...REFUSED, code: 'pdb_never_allows' }],
  ])('%s → not refused', async (_what, finding) => {
    const { check } = world((name) => looked(name, [finding]));
    expect(await check([place(1)])).toMatchObject({ state: 'checked', checked: 1 });
  });

  it('a fleet of a thousand, a hundred of them away → fifty agents are asked, and every one that is away is named', async () => {
    const line = Array.from({ length: 1000 }, (_, n) => place(n, { connected: n % 10 !== 0 }));
    const away = (name: string): ClusterPreflight => ({
      ...looked(name),
      state: 'offline',
      why: 'no agent',
      order: null,
    });
    const { check, asked } = world((name) => (Number(name.slice(2)) % 10 === 0 ? away(name) : looked(name)));
    const answer = await check(line);
    expect(answer).toMatchObject({ checked: 50, beyondSample: 850 });
    expect([answer.notChecked.length, asked.length]).toEqual([100, 150]);
  });

  it('the sample → half from the first wave, the first of every wave and ring, the rest evenly along the line', () => {
    const wave = (n: number): number => (n < 50 ? 1 : n < 250 ? 2 : n < 990 ? 3 : 4);
    const ring = (n: number): number => (n < 400 ? 0 : n === 400 ? 1 : 2);
    const line = Array.from({ length: 1000 }, (_, n) => place(n, { wave: wave(n), ring: ring(n) }));
    const at = sampleOf(line).map(({ position }) => position);
    expect(at).toHaveLength(50);
    expect(at.slice(0, 25)).toEqual(Array.from({ length: 25 }, (_, n) => n));
    expect(at).toEqual(expect.arrayContaining([50, 250, 990, 400, 401]));
    expect(Math.max(...at.slice(25).map((one, n) => one - (at[24 + n] ?? 0)))).toBeLessThan(100);
  });

  it('more rings than there is room for → no more are asked than the bound', () => {
    const line = Array.from({ length: 300 }, (_, n) => place(n, { ring: n, wave: n }));
    expect(sampleOf(line)).toHaveLength(50);
  });
});
