import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { labCache } from './lab-places.js';
import { timed } from './lab-log.js';

/** Larger files are programs of one version in a cache of their own: their size and time stand for their content. */
const HASHED_WHOLE = 1024 * 1024;

export type Ingredient = { readonly file: string } | { readonly text: string };

function keyOf(ingredients: readonly Ingredient[]): string {
  const hash = createHash('sha256');
  for (const each of ingredients) {
    if ('text' in each) {
      hash.update(`text\0${each.text}\0`);
      continue;
    }
    const { size, mtimeMs } = statSync(each.file);
    hash.update(size > HASHED_WHOLE ? `file\0${each.file}\0${size}\0${mtimeMs}\0` : readFileSync(each.file));
  }
  return hash.digest('hex').slice(0, 12);
}

/**
 * A folder of the cache, made once and made anew only when something it is made of has changed. Half-made ones never
 * take the name. Older ones of the same name stay while labs stand, whose nodes may still see them (pruneArtefacts).
 */
export async function artefact(
  name: string,
  ingredients: readonly Ingredient[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const home = labCache('artefacts');
  const place = join(home, `${name}-${keyOf(ingredients)}`);
  if (existsSync(place)) return place;
  mkdirSync(home, { recursive: true });
  const scratch = mkdtempSync(join(home, '.making-'));
  try {
    await timed(`making ${name}`, () => make(scratch));
    if (!existsSync(place)) renameSync(scratch, place);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return place;
}

/** Of each name only the newest is worth its hundreds of megabytes. Only while no lab stands. */
export function pruneArtefacts(): void {
  const home = labCache('artefacts');
  if (!existsSync(home)) return;
  const kept = new Set<string>();
  const newestFirst = readdirSync(home)
    .map((entry) => ({ entry, madeAt: statSync(join(home, entry)).mtimeMs }))
    .sort((a, b) => b.madeAt - a.madeAt);
  for (const { entry } of newestFirst) {
    const name = entry.replace(/-[0-9a-f]{12}$/, '');
    if (name === entry || kept.has(name)) rmSync(join(home, entry), { recursive: true, force: true });
    else kept.add(name);
  }
}
