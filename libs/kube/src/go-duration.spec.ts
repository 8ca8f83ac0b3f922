import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fromGoDuration, spanText, toGoDuration } from './go-duration.js';

describe('durations as Go writes them', () => {
  it('what we write is what Go prints, and is read back', () => {
    expect(toGoDuration(72 * 3_600_000)).toBe('72h0m0s');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e7 }), (seconds) => {
        expect(fromGoDuration(toGoDuration(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });

  it.each([
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['250\u00b5s', 0.25],
    ['250\u03bcs', 0.25],
    ['0', 0],
    ['', null],
    ['3d', null],
    ['5 s', null],
  ])('"%s" → %s ms', (text, ms) => {
    expect(fromGoDuration(text)).toBe(ms);
  });

  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [3_600_000, '1h'],
    [93_784_000, '1d 2h'],
  ])('%d ms are read as %s', (ms, text) => {
    expect(spanText(ms)).toBe(text);
  });
});
