import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readPlan } from './plan-problems.js';
import { plan, problems, written, strategy } from './testing/written-plan.js';

describe('a plan that is right', () => {
  it('everything left out is filled in, and the digest names the filled-in plan', () => {
    const read = readPlan(written());
    if ('problems' in read) throw new Error(JSON.stringify(read.problems));
    expect(read.plan.spec.strategy.waves).toEqual(['5%', '25%', '50%', '100%']);
    expect(read.plan.spec.rollback).toEqual({
      automatic: { upTo: 'worker', gradual: true },
      onRegression: 'hold',
      onBurn: 'rollback',
      windows: 'override',
      stageRestore: false,
    });
    expect(JSON.parse(read.canonical)).toEqual(read.plan);
    expect(read.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(readPlan(read.plan)).toEqual(read);
  });

  it('the plan of the documentation is read', () => {
    const full = written({
      clusters: { selector: 'env in (dev, staging, prod), team != sandbox', exclude: ['legacy-billing'] },
      strategy: {
        canaries: 'canary = true',
        rings: ['env=dev', 'env=staging', 'env=prod'],
        spreadBy: ['region', 'provider'],
        maxInFlight: 10,
        budget: { firstWave: 0, laterWaves: '5%' },
        offline: { deadline: '4h', then: 'skip' },
      },
      gates: {
        soak: { default: '30m', 'env=prod': '24h' },
        approvals: [{ beforeWave: 3, count: 2 }],
        windows: [
          {
            rrule: 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH',
            start: '09:00',
            duration: '6h',
            timeZone: 'Europe/Berlin',
            selector: 'env=prod',
          },
        ],
        freezes: [{ name: 'year end', from: '2027-12-20T00:00:00+01:00', until: '2028-01-03T00:00:00+01:00' }],
      },
      verdict: { objectives: ['apiserver-availability'], window: '30m' },
    });
    expect(problems(full, { knownLabelKeys: ['env', 'team', 'canary', 'region'] })).toEqual([]);
  });

  it('a soak for prod alone does not mean no soak for the rest', () => {
    expect(plan({ gates: { soak: { 'env=prod': '24h' } } }).spec.gates.soak).toEqual({
      default: '30m',
      'env=prod': '24h',
    });
  });

  it('the order in which fields are written never changes the canonical text or the digest', () => {
    const turn = (value: unknown): unknown => {
      if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, item]) => [key, turn(item)]),
      );
    };
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
        fc.integer({ min: 1, max: 9 }),
        (labels, max) => {
          const one = { ...strategy({ maxInFlight: max, canaries: 'a=b' }), metadata: { name: 'x', labels } };
          expect(readPlan(turn(one))).toEqual(readPlan(one));
        },
      ),
    );
  });
});
