// Bundles by esbuild. The agent and the CLI become one file each (725 MB of modules become 6 MB);
// the hub is not bundled (measured: nothing gained). Programs under test/ are only transpiled, so that Node can run them.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { root } from './setup.mjs';

// grpc-js is CommonJS and calls require() for Node's own modules.
const banner = { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" };

// Node keeps a program's text for good, two bytes a letter if a single one is not ASCII: blanks, comments and umlauts of libraries
// cost the agent 20 MB (measured). Names stay, so that a stack can be read.
const lean = { minifyWhitespace: true, minifySyntax: true, legalComments: 'none', charset: 'ascii' };

const programs = [
  // In pieces: what only a backup needs (S3, encryption) costs an agent at rest 5 MB in one file, and nothing in its own.
  { entry: 'apps/agent/dist/main.js', out: 'apps/agent/dist/wavegate-agent.mjs', whole: true, pieces: true },
  { entry: 'apps/cli/dist/main.js', out: 'apps/cli/dist/wavegate.mjs', whole: true },
  { entry: 'test/demo/main.ts', out: '.build/demo.mjs', whole: false },
  { entry: 'test/bench/main.ts', out: '.build/bench.mjs', whole: false },
  { entry: 'test/simulation/main.ts', out: '.build/simulate.mjs', whole: false },
  { entry: 'test/lab/main.ts', out: '.build/lab.mjs', whole: false },
];

/** Beside the program; named by content, so that a build never takes a piece from under a program that runs. */
function inPieces(out) {
  const { dir, name, ext } = parse(out);
  const chunkNames = `${name}-pieces/[name]-[hash]`;
  return { splitting: true, outdir: dir, entryNames: name, chunkNames, outExtension: { '.js': ext } };
}

/** esbuild writes ASCII but for regular expressions, which it takes as they are: there the source must escape by itself. */
function mustBeAscii(out) {
  const text = readFileSync(join(root, out), 'latin1');
  const at = text.search(/[^\x00-\x7f]/);
  if (at === -1) return true;
  const near = Buffer.from(text.slice(Math.max(0, at - 40), at + 40), 'latin1').toString();
  console.error(
    `build: ${out} has a letter that is not ASCII, which doubles its memory; escape it (\\u00b5) near: ${near}`,
  );
  return false;
}

/** Bundles whatever has an entry. A missing product entry is an error, a missing test program is named when it is asked for. */
export async function bundle() {
  const { build } = await import('esbuild');
  let whole = true;
  mkdirSync(join(root, '.build'), { recursive: true });
  for (const program of programs) {
    if (!existsSync(join(root, program.entry))) {
      if (!program.whole) continue;
      console.error(`build: ${program.entry} is missing, so ${program.out} was not made`);
      whole = false;
      continue;
    }
    await build({
      absWorkingDir: root,
      entryPoints: [program.entry],
      ...(program.pieces ? inPieces(program.out) : { outfile: program.out }),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      sourcemap: true,
      logLevel: 'warning',
      ...(program.whole ? { banner, ...lean } : { packages: 'external' }),
    });
    if (program.whole && !mustBeAscii(program.out)) whole = false;
  }
  return whole;
}
