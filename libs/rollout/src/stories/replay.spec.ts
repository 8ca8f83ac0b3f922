import { describe, expect, it } from '@jest/globals';
import { historyNames, replayHistory } from '../testing/history.js';

/** A different decision about a recorded history must be blessed by a person: UPDATE_GOLDEN=1, and read the diff. */
describe('recorded histories', () => {
  it('are there', () => expect(historyNames().length).toBeGreaterThanOrEqual(3));

  it.each(historyNames())('%s is decided today as it was when it was recorded', (name) => {
    const { recorded, now } = replayHistory(name);
    expect(now).toEqual(recorded);
  });
});
