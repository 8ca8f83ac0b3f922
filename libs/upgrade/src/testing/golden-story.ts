import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';

/**
 * Compares a story with the one that a person has read and approved (`testing/stories/NAME.txt`). A changed story is
 * reviewed as prose: delete the file, run the test once (it writes the file and fails), and read the diff.
 */
export function expectStory(name: string, log: readonly string[]): void {
  const file = join(import.meta.dirname, 'stories', `${name}.txt`);
  const told = `${log.join('\n')}\n`;
  if (!existsSync(file)) {
    writeFileSync(file, told);
    throw new Error(`${file} was written: read it, then run again`);
  }
  expect(told).toBe(readFileSync(file, 'utf8'));
}
