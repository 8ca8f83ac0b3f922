import { afterAll, describe, expect, it } from '@jest/globals';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAskedFile } from './written-file.js';

const home = mkdtempSync(join(tmpdir(), 'wavegate-written-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const folder = (name: string): string => {
  const path = join(home, name);
  mkdirSync(path);
  return path;
};

describe('a file that the caller asked for', () => {
  it('written → whole under its name, and nothing beside it', () => {
    const dir = folder('new');
    writeAskedFile(join(dir, 'a.txt'), 'whole');
    expect([readFileSync(join(dir, 'a.txt'), 'utf8'), readdirSync(dir)]).toEqual(['whole', ['a.txt']]);
  });

  it('one is there → replaced by another file, never cut short: who reads the old one reads it to its end', () => {
    const dir = folder('old');
    const path = join(dir, 'a.txt');
    writeFileSync(path, 'old', { mode: 0o640 });
    const before = statSync(path).ino;
    writeAskedFile(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).ino).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('it cannot be written → said in a line, what was there stays, and no draft is left', () => {
    const dir = folder('kept');
    writeFileSync(join(dir, 'a.txt'), 'old');
    const broken = { toString: () => 'x' } as unknown as string;
    expect(() => writeAskedFile(join(dir, 'a.txt'), broken)).toThrow(/a\.txt cannot be written/);
    expect([readFileSync(join(dir, 'a.txt'), 'utf8'), readdirSync(dir)]).toEqual(['old', ['a.txt']]);
    expect(() => writeAskedFile(join(dir, 'gone', 'a.txt'), 'x')).toThrow(/its folder is not there/);
    expect(() => writeAskedFile(dir, 'x')).toThrow(/it is a folder/);
  });

  it('a link, or what is no file at all → written through, and stays what it is', () => {
    const dir = folder('link');
    writeFileSync(join(dir, 'real.txt'), 'old');
    symlinkSync('real.txt', join(dir, 'a.txt'));
    writeAskedFile(join(dir, 'a.txt'), 'new');
    expect(readFileSync(join(dir, 'real.txt'), 'utf8')).toBe('new');
    writeAskedFile('/dev/null', 'nothing');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});
