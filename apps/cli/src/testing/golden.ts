import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a golden file holds; with UPDATE_GOLDEN=1 it is made to hold `text`, and the difference is read in the review. */
export function golden(name: string, text: string): string {
  const path = join(import.meta.dirname, '..', 'golden', `${name}.golden.txt`);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${text}\n`);
  }
  return readFileSync(path, 'utf8').replace(/\n$/, '');
}
