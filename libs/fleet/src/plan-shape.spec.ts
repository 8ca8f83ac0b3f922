import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPlan } from './plan-problems.js';
import { gates, problems, strategy, window, written } from './testing/written-plan.js';

describe('a plan whose shape is wrong', () => {
  it.each<[string, unknown, string, string, RegExp]>([
    [
      'a misspelt field',
      strategy({ wave: ['100%'] }),
      '/spec/strategy/wave',
      'unknown_field',
      /did you mean "waves"\?/,
    ],
    ['a field of nowhere', written({ moon: 1 }), '/spec/moon', 'unknown_field', /known here are target, clusters/],
    [
      'a number for a version',
      written({ target: { kubernetes: 1.35 } }),
      '/spec/target/kubernetes',
      'wrong_type',
      /is 1\.35 \(a number\); write a text in quotes/,
    ],
    [
      'numbers for waves',
      strategy({ waves: [5, '100%'] }),
      '/spec/strategy/waves/0',
      'wrong_type',
      /waves\[0\] is 5 \(a number\); write a percentage in quotes such as "5%"/,
    ],
    [
      'a broken count',
      strategy({ maxInFlight: 'ten' }),
      '/spec/strategy/maxInFlight',
      'wrong_format',
      /is "ten"; write a whole number or a percentage/,
    ],
    ['half a cluster', strategy({ maxInFlight: 2.5 }), '/spec/strategy/maxInFlight', 'wrong_type', /a whole number/],
    [
      'a broken duration',
      gates({ soak: { default: '30 min' } }),
      '/spec/gates/soak/default',
      'wrong_format',
      /a duration such as 30m/,
    ],
    [
      'a choice nobody offers',
      strategy({ offline: { then: 'explode' } }),
      '/spec/strategy/offline/then',
      'unknown_value',
      /one of wait, skip, fail/,
    ],
    [
      'a wave before the first',
      gates({ approvals: [{ beforeWave: 0 }] }),
      '/spec/gates/approvals/0/beforeWave',
      'too_small',
      /from 1 to/,
    ],
    [
      'eleven approvals',
      gates({ approvals: [{ beforeWave: 1, count: 11 }] }),
      '/spec/gates/approvals/0/count',
      'too_big',
      /from 1 to 10/,
    ],
    [
      'a via that is no minor',
      written({ target: { kubernetes: '1.35.4', via: { 'v1/34': '1.34.4' } } }),
      '/spec/target/via/v1~134',
      'wrong_key',
      /a minor in quotes such as "1\.34"/,
    ],
    [
      'no target',
      { ...written(), spec: {} },
      '/spec/target',
      'missing_field',
      /spec\.target is missing; write fields: kubernetes, via/,
    ],
    ['another kind of document', { ...written(), kind: 'Deployment' }, '/kind', 'unknown_value', /write "UpgradePlan"/],
    ['no document', null, '', 'wrong_type', /the plan is null; write fields: apiVersion/],
    [
      'a window opening at 25 o’clock',
      window({ start: '25:00' }),
      '/spec/gates/windows/0/start',
      'wrong_format',
      /"09:00"/,
    ],
  ])('%s → refused with field, value and what would be right', (_, input, pointer, code, detail) => {
    const found = problems(input);
    expect(found).toEqual([expect.objectContaining({ pointer, code, detail: expect.stringMatching(detail) })]);
  });

  it('every problem is told at once', () => {
    const input = { ...strategy({ waves: 'all', maxInFlight: null, extra: 1 }), metadata: {} };
    expect(
      problems(input)
        .map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(['/metadata/name', '/spec/strategy/extra', '/spec/strategy/maxInFlight', '/spec/strategy/waves']);
  });

  it('whatever is given, the answer is a plan or problems with pointers, never a crash', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (any, other) => {
        for (const input of [any, written({ strategy: any, gates: other }), { ...written(), spec: any }]) {
          const read = readPlan(input);
          if ('problems' in read) expect(read.problems.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});
