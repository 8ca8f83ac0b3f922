import { describe, expect, it } from '@jest/globals';
import { fakeWorld, problem } from '../testing/fake-world.js';

const NONE = { state: 'none', checked: 0, notChecked: [], beyondSample: 0, reason: null };
const started = (objectives: object) => ({
  'POST /rollouts': () => ({ id: '7f3c', name: 'autumn', size: 42, objectives: { ...NONE, ...objectives } }),
});

describe('rollout start', () => {
  it('nothing to measure, or all asked → the rollout, and what to do next', async () => {
    const world = fakeWorld({ answers: started({ state: 'checked', checked: 42 }) });
    const { code, out, err } = await world.run('rollout', 'start', 'autumn');
    expect([code, out]).toEqual([0, 'rollout/7f3c of autumn runs over 42 clusters\n']);
    expect(err).toBe('The list is frozen from here on. Next: wavegate rollout watch 7f3c\n');
    expect(world.sent.map(({ body }) => body)).toEqual([{ plan: 'autumn' }]);
  });

  it('clusters that did not answer → named, the first ten, and who asks them later', async () => {
    const notChecked = Array.from({ length: 12 }, (_, n) => ({ cluster: `c-${n}`, why: 'no agent is connected' }));
    const answers = started({ state: 'checked', checked: 25, notChecked, beyondSample: 5 });
    const { err } = await fakeWorld({ answers }).run('rollout', 'start', 'autumn');
    expect(err).toContain('Objectives can be measured on 25 clusters; 12 did not answer, 5 are beyond the sample.');
    expect(err).toContain('Their own preflight asks before they are touched.');
    expect(err).toContain('c-9  no agent is connected\n  … 2 more');
  });

  it('a person takes it upon themselves → the reason is sent, and the answer says that nobody was asked', async () => {
    const world = fakeWorld({ answers: started({ state: 'unchecked', reason: 'CHG-1' }) });
    const { err } = await world.run('rollout', 'start', 'autumn', '--skip-objective-check', '--reason', 'CHG-1');
    expect(err).toContain('No agent was asked whether it can measure the objectives (audited).');
    expect(world.sent.map(({ body }) => body)).toEqual([{ plan: 'autumn', objectives: 'unchecked', reason: 'CHG-1' }]);
  });

  it.each([[['--skip-objective-check']], [['--reason', 'CHG-1']]])(
    '%j alone → 2, and nothing is sent',
    async (more) => {
      const world = fakeWorld({ answers: started({}) });
      const { code, err } = await world.run('rollout', 'start', 'autumn', ...more);
      expect([code, world.sent.length, err]).toEqual([2, 0, expect.stringContaining('belong together')]);
    },
  );

  it('refused → each objective by its place in the plan, with clusters, query and remedy; 1', async () => {
    const detail = 'c-1: shop: sum(increase(x[60s])): 3 series; write sum(…) around it';
    const errors = [{ pointer: '/spec/verdict/objectives/1', code: 'objective_query_refused', detail }];
    const answers = { 'POST /rollouts': () => problem(422, '1 of 3 clusters cannot measure', { errors }) };
    const { code, err } = await fakeWorld({ answers }).run('rollout', 'start', 'autumn');
    expect([code, err]).toEqual([1, `1 of 3 clusters cannot measure\n  spec.verdict.objectives[1]  ${detail}\n`]);
  });
});
