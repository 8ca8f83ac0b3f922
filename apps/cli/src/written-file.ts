import { accessSync, chmodSync, constants, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { CliFailure } from './cli-failure.js';

/**
 * Writes a file that the caller asked for, whole or not at all: a bundle that was cut short must not pass for one. What
 * is in the way is told in a line.
 */
export function writeAskedFile(path: string, content: string | Uint8Array): void {
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    // A link, a pipe or /dev/stdout stays what it is; only a file may be replaced by another.
    if (there && !there.isFile()) writeFileSync(path, content);
    else replaceFile(path, content, there?.mode);
  } catch (error) {
    throw new CliFailure(`${path} cannot be written: ${whyNot(error)}; name a file in a folder that is there`);
  }
}

function replaceFile(path: string, content: string | Uint8Array, mode: number | undefined): void {
  const draft = `${path}.${process.pid}.draft`;
  try {
    // Whoever may not write the file may not replace it either.
    if (mode !== undefined) accessSync(path, constants.W_OK);
    writeFileSync(draft, content);
    if (mode !== undefined) chmodSync(draft, mode);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** The folder that the caller asked for, made where it is missing. */
export function makeAskedFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw new CliFailure(`${path} cannot be a folder: ${whyNot(error)}; name a folder, or where one can be made`);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder is not there',
  EEXIST: 'a file of this name is there',
  ENOTDIR: 'a part of its path is a file',
  EISDIR: 'it is a folder',
  EACCES: 'no right to write there',
  EROFS: 'nothing can be written there (read-only)',
  ENOSPC: 'the disk is full',
};

function whyNot(error: unknown): string {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  return WORDS[code] ?? message;
}

/** A name for each file, made of letters that every file system takes; those that would be the same are numbered. */
export function fileNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const plain = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, MOST_LETTERS);
    let own = plain;
    // Lower case: some file systems take "API" and "api" for one.
    for (let n = 2; taken.has(own.toLowerCase()); n += 1) own = `${plain}-${n}`;
    taken.add(own.toLowerCase());
    return own;
  });
}

const MOST_LETTERS = 120;
