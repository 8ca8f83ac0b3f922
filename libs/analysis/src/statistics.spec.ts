import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { logEvidence } from './always-valid-test.js';
import { readBaseline } from './baseline.js';
import { failingShareBound } from './judge-wave.js';
import { mannWhitney } from './mann-whitney.js';
import { DEFAULT_POLICY } from './judge-input.js';
import { logRatio, upperBound } from './non-inferiority.js';
import { peerShifts } from './peer-shift.js';
import { readSli } from './read-periods.js';
import { logNormalCdf, normalCdf } from './normal-distribution.js';

interface Fixtures {
  readonly normal: readonly { z: number; cdf: number; logCdf: number }[];
  readonly evidence: readonly { sum: number; t: number; logE: number }[];
  readonly mannWhitney: readonly { first: number[]; second: number[]; u: number; p: number }[];
  readonly failingShare: readonly { clean: number; bound: number }[];
  readonly logRatio: readonly { bad: number; total: number; fine: number; allowed: number; logRatio: number }[];
  readonly dispersion: { readonly series: [number, number][]; readonly share: number; readonly phi: number };
  readonly dispersions: Fixtures['dispersion'][];
  readonly upperBound: readonly {
    baseline: [number, number];
    after: [number, number];
    objective: number;
    bound: number;
  }[];
  readonly peerShift: readonly { rises: number[]; shift: number; spread: number }[];
}

/** Made by scipy-fixtures.py beside it. */
const file = join(import.meta.dirname, 'testing', 'scipy-fixtures.json');
const fixtures = JSON.parse(readFileSync(file, 'utf8')) as Fixtures;
/** Alike to eleven digits. */
const near = (value: number, expected: number): void =>
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-11 * Math.max(1e-300, Math.abs(expected)) + 1e-300);

describe('the statistics agree with scipy', () => {
  it('the normal distribution and its logarithm, from −38 to 12 standard deviations', () => {
    for (const { z, cdf, logCdf } of fixtures.normal) {
      if (cdf > 1e-300) near(normalCdf(z), cdf);
      expect(Math.abs(logNormalCdf(z) - logCdf)).toBeLessThan(1e-11 * Math.max(1, Math.abs(logCdf)));
    }
  });

  it('the evidence is the integral of the likelihood ratio over positive effects', () => {
    for (const { sum, t, logE } of fixtures.evidence) expect(logEvidence(sum, t)).toBeCloseTo(logE, 8);
  });

  it('Mann–Whitney, with ties, by mannwhitneyu', () => {
    for (const { first, second, u, p } of fixtures.mannWhitney) {
      const test = mannWhitney(first, second);
      expect(test.u).toBe(u);
      near(test.p, p);
      expect(test.effect).toBeCloseTo(u / (first.length * second.length), 12);
    }
  });

  it('the bound on the failing share, the likelihood ratio of a binomial, the dispersion', () => {
    for (const { clean, bound } of fixtures.failingShare) near(failingShareBound(clean), bound);
    for (const { bad, total, fine, allowed, logRatio: expected } of fixtures.logRatio)
      expect(Math.abs(logRatio(bad, total, { fine, allowed }) - expected)).toBeLessThan(
        1e-9 * Math.abs(expected) + 1e-11,
      );
    const { series, share, phi } = fixtures.dispersion;
    const baseline = readBaseline(series);
    near(baseline.share, share);
    // At least the scatter of single periods, raised for forty periods; longer blocks may show more.
    expect(baseline.phi).toBeGreaterThanOrEqual(phi * (1 + 11 / 40) * (1 - 1e-12));
    const regular = readBaseline(series.map(([bad], n) => [n % 2 === 0 ? bad : 0, 700]));
    expect(regular.phi).toBeGreaterThan(1);
  });

  it('the dispersion that is judged by: the largest of the blocks’ scatters, raised for a short past', () => {
    const kinds = fixtures.dispersions.map(({ series, share, phi }) => {
      const baseline = readBaseline(series);
      near(baseline.share, share);
      expect(Math.abs(baseline.phi - phi)).toBeLessThanOrEqual(1e-9 * phi);
      return phi === 1 ? 'like coin tosses' : 'bursty';
    });
    expect(new Set(kinds).size).toBe(2);
  });

  it('the bad share that can just not be ruled out, by the root of a binomial likelihood ratio', () => {
    for (const { baseline, after, objective, bound } of fixtures.upperBound) {
      const past = Array.from({ length: 60 }, () => baseline);
      const sli = { name: 'a', objective, decisive: true, baseline: past, after: [after] };
      const found = upperBound(readSli(sli, DEFAULT_POLICY, []), DEFAULT_POLICY, 1);
      expect(Math.abs(found - bound)).toBeLessThan(1e-9 * bound + 1e-11);
    }
  });

  it('median and standard deviation of what peers saw', () => {
    const MANY = 1e9;
    for (const { rises, shift, spread } of fixtures.peerShift) {
      const past = Array.from({ length: 3 }, () => [MANY / 4, MANY] as const);
      const peers = rises.map((rise) => ({ baseline: past, after: [[(0.25 + rise) * MANY, MANY] as const] }));
      const [found] = peerShifts(peers, 1);
      expect(found?.count).toBe(rises.length);
      expect(found?.shift).toBeCloseTo(shift, 12);
      expect(found?.spread).toBeCloseTo(spread, 12);
    }
  });
});

describe('the evidence for a regression', () => {
  const sums = fc.double({ min: -50, max: 50, noNaN: true });

  it('grows with the harm and starts at one', () => {
    expect(logEvidence(0, 0)).toBe(0);
    fc.assert(
      fc.property(
        sums,
        fc.double({ min: 0.01, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 90 }),
        (sum, more, t) => {
          expect(logEvidence(sum + more, t)).toBeGreaterThan(logEvidence(sum, t));
        },
      ),
    );
  });

  it('a cluster without an effect reaches 1/α in fewer than α of all runs, however often it is looked at', () => {
    // 4,000 seeded walks of 60 standard normal steps: the guarantee of Ville's inequality, α = 5 %.
    let state = 12345;
    const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4_294_967_296;
    const step = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    let crossed = 0;
    for (let run = 0; run < 4000; run += 1) {
      let sum = 0;
      for (let t = 1; t <= 60; t += 1) {
        sum += step();
        if (logEvidence(sum, t) < Math.log(20)) continue;
        crossed += 1;
        break;
      }
    }
    expect(crossed / 4000).toBeLessThan(0.05);
    expect(crossed).toBeGreaterThan(20);
  });
});

describe('Mann–Whitney, whatever the samples', () => {
  const sample = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 30 });

  it('order and scale do not matter, and swapping the samples mirrors the effect', () => {
    fc.assert(
      fc.property(sample, sample, fc.integer({ min: 1, max: 9 }), (first, second, scale) => {
        const test = mannWhitney(first, second);
        expect(mannWhitney(first.toReversed(), second.toSorted())).toEqual(test);
        expect(
          mannWhitney(
            first.map((x) => x * scale + 3),
            second.map((x) => x * scale + 3),
          ),
        ).toEqual(test);
        const mirrored = mannWhitney(second, first);
        expect(mirrored.effect).toBeCloseTo(1 - test.effect, 12);
        expect(mirrored.p).toBeCloseTo(test.p, 12);
      }),
    );
  });
});
