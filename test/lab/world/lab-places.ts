import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The repository's root: this file is run from its source by jest and from `.build/` by `make lab-up`. */
export function repositoryRoot(from = import.meta.dirname): string {
  if (existsSync(join(from, 'Makefile')) && existsSync(join(from, 'proto'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('the lab runs only from a checkout of the repository');
  return repositoryRoot(parent);
}

export const labSources = (): string => join(repositoryRoot(), 'test', 'lab');

/** Outside the repository: what one checkout has made, another one need not make again. */
export function labCache(...below: readonly string[]): string {
  const { WAVEGATE_CACHE, XDG_CACHE_HOME } = process.env;
  const root = WAVEGATE_CACHE ? resolve(WAVEGATE_CACHE) : join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'wavegate');
  return join(root, 'lab', ...below);
}

/** What one lab has written: its kubeconfig and its record; removed by its teardown. */
export function runFolder(lab: string): string {
  const folder = labCache('run', lab);
  mkdirSync(folder, { recursive: true });
  return folder;
}
