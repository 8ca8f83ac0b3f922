import { describe, expect, it } from '@jest/globals';
import { medianAndRange, spreadOf } from '../bench/spread.js';

describe('what a benchmark says of its runs', () => {
  it.each([
    [[4, 2], 3],
    [[1, 9, 2, 4], 3],
    [[5, 1, 2], 2],
    [[7], 7],
  ])('%j → the median is %d: of two runs their mean, never the better one', (sample, median) => {
    expect(spreadOf(sample).p50).toBe(median);
  });

  it('no runs → no median', () => {
    expect(spreadOf([]).p50).toBeNaN();
  });

  it('two runs → median and range in one cell', () => {
    expect(medianAndRange([4, 2])).toBe('3 (2–4)');
  });
});
