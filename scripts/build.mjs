// `make build`: compile every room (TypeScript 7, project references), bundle, link the three programs.
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './bundle.mjs';
import { runNode, seconds, tsc } from './run.mjs';
import { root } from './setup.mjs';

function link(name, program) {
  const place = join(root, 'node_modules', '.bin', name);
  chmodSync(program, 0o755);
  if (existsSync(place)) return;
  // A dangling link is there for lstat, but not for existsSync.
  if (lstatSync(place, { throwIfNoEntry: false })) unlinkSync(place);
  symlinkSync(relative(dirname(place), program), place);
}

/** npm links a workspace's `bin` only while installing; a checkout that was installed before gets its links here. */
function linkPrograms() {
  const linked = [];
  for (const app of readdirSync(join(root, 'apps'))) {
    const manifest = join(root, 'apps', app, 'package.json');
    if (!existsSync(manifest)) continue;
    for (const [name, path] of Object.entries(JSON.parse(readFileSync(manifest, 'utf8')).bin ?? {})) {
      link(name, join(root, 'apps', app, path));
      linked.push(name);
    }
  }
  return linked;
}

/** Compiles and bundles. Returns the process's exit code; says on stderr what it did. */
export async function build({ quiet = false } = {}) {
  const startedAt = Date.now();
  const compiled = await runNode([tsc, '-b'], { quiet });
  if (compiled.code !== 0) {
    console.error(`${quiet ? compiled.output : ''}build: the compiler found errors; nothing was bundled`);
    return 1;
  }
  const bundled = await bundle();
  const linked = linkPrograms();
  if (!bundled) return 1;
  console.error(`build: done in ${seconds(startedAt)}; ${linked.join(', ')} are in node_modules/.bin`);
  return 0;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exit(await build());
