// Which installed packages a workspace needs at run time: dependencies, what they depend on, and optional ones that are
// installed for this platform.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root as repository } from '../setup.mjs';

const read = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** As Node looks it up: beside, then in each folder above. */
function resolve(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return null;
  }
}

/** What a package looks up, and whether it cannot do without. */
function namesIn({ dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }) {
  // An optional peer is for whoever uses that side of a package; it is a dependency of theirs then.
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  const names = new Set([...peers, ...Object.keys({ ...dependencies, ...optionalDependencies })]);
  return [...names].map((name) => [name, Boolean(dependencies[name] && !optionalDependencies[name])]);
}

/**
 * @param {string} start a workspace, for example apps/hub
 * @returns {Map<string, { name: string, version: string, license: string, folder: string, workspace: boolean }>} by the
 *   path below the repository under which it is looked up
 */
export function packagesOf(start) {
  const found = new Map();
  const walk = (folder) => {
    for (const [name, needed] of namesIn(read(folder))) {
      const at = resolve(name, realpathSync(folder));
      if (!at && needed) throw new Error(`${name}, needed by ${folder}, is not installed`);
      const key = at?.slice(repository.length + 1);
      if (!key || found.has(key)) continue;
      const real = realpathSync(at);
      const { version, license } = read(real);
      const workspace = !real.includes('node_modules');
      found.set(key, { name, version, license: String(license ?? ''), folder: real, workspace });
      walk(real);
    }
  };
  walk(join(repository, start));
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
