import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { hodgesLehmann } from '../bench/verdict-peers.js';
import { medianStop, ratesOf, type Rates } from '../bench/verdict-rates.js';
import { SCENARIOS, type Scenario } from '../bench/verdict-scenarios.js';

/**
 * The error rates of docs/verdicts.md on a seeded few of the series that `make bench-verdict` draws: a change of the
 * judge that breaks a promise fails here, and not only when someone looks at a table.
 */
const RUNS = 40;
/** With 40 series a true rate of 1 % shows as up to three in all but one of a thousand scenarios. */
const MOST_FALSE = 3;

const of = (truth: Scenario['truth']): readonly Rates[] =>
  SCENARIOS.filter((scenario) => scenario.truth === truth).map((scenario) => ratesOf(scenario, RUNS));
const named = (rates: readonly Rates[], wrong: (one: Rates) => boolean): string[] =>
  rates.filter(wrong).map(({ scenario }) => scenario.name);

describe('a Kayenta-style judge beside ours', () => {
  it('its Hodges–Lehmann estimate is the median of all pairwise differences, as numpy has it', () => {
    const file = join(import.meta.dirname, '..', '..', 'libs', 'analysis', 'src', 'testing', 'scipy-fixtures.json');
    const { hodgesLehmann: fixtures } = JSON.parse(readFileSync(file, 'utf8')) as {
      hodgesLehmann: readonly { first: number[]; second: number[]; shift: number }[];
    };
    expect(fixtures.length).toBeGreaterThan(4);
    for (const { first, second, shift } of fixtures)
      expect(hodgesLehmann(first, second).estimate).toBeCloseTo(shift, 12);
  });
});

describe('error rates of the judge', () => {
  it('healthy: false stops are few in every scenario and about 1 % at most in all; false rollbacks are fewer', () => {
    const rates = of('healthy');
    expect(rates.length).toBeGreaterThan(25);
    expect(named(rates, ({ stopped }) => stopped * RUNS > MOST_FALSE)).toEqual([]);
    const stopped = rates.reduce((all, one) => all + one.stopped, 0) / rates.length;
    const rolledBack = rates.reduce((all, one) => all + one.rolledBack, 0) / rates.length;
    expect(stopped).toBeLessThanOrEqual(0.01);
    expect(rolledBack).toBeLessThanOrEqual(stopped / 2);
  });

  it('five times as bad at 600 events a period and more: caught in a median of five periods at most, and never promoted', () => {
    const rates = SCENARIOS.filter(({ fivefold }) => fivefold === true).map((scenario) => ratesOf(scenario, RUNS));
    expect(rates).toHaveLength(8);
    expect(medianStop(rates.flatMap(({ stops }) => stops))).toBeLessThanOrEqual(5);
    expect(named(rates, ({ promoted }) => promoted > 0.08)).toEqual([]);
  });

  it('twenty times as bad, an outage, errors that no declared disruption explains: stopped, all of them', () => {
    const grave = /^20× worse {2}n=(600|6000)|total outage|5% bad for an hour/;
    const rates = SCENARIOS.filter(({ name }) => grave.test(name)).map((scenario) => ratesOf(scenario, RUNS));
    expect(rates).toHaveLength(7);
    expect(named(rates, ({ stopped }) => stopped < 0.99)).toEqual([]);
  });

  it('without data: nothing is promoted, ever', () => {
    expect(named(of('blind'), ({ promoted }) => promoted > 0)).toEqual([]);
  });
});
