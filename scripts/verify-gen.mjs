// Generated code is committed, so that a reader and a fresh clone need no generator; this proves that it is still true.
//   node scripts/verify-gen.mjs            regenerate into a temporary folder and compare
//   node scripts/verify-gen.mjs --write    regenerate in place (`make gen`)
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from './run.mjs';
import { root } from './setup.mjs';

/**
 * What is generated. A command runs in the repository's root and writes below `out` (a temporary folder) exactly the
 * `paths`, relative to it as they are to the root. `needs` are the sources: without them there is nothing to generate.
 */
const generators = [
  {
    name: 'wire types (buf)',
    needs: ['proto/buf.gen.yaml'],
    paths: ['libs/protocol/src/gen'],
    cwd: 'proto',
    command: (out) => ['buf', 'generate', '--output', join(out, 'proto')],
  },
  {
    name: 'plan JSON Schema',
    needs: ['scripts/generate/plan-schema.mjs'],
    paths: ['docs/reference/gen/plan.schema.json'],
    command: (out) => [process.execPath, 'scripts/generate/plan-schema.mjs', join(out, 'docs/reference/gen')],
  },
  {
    name: 'library of service levels',
    needs: ['scripts/generate/sli-library.mjs', 'libs/kube/src/metrics/slis'],
    paths: ['libs/kube/src/metrics/gen/sli-library.ts'],
    command: (out) => [process.execPath, 'scripts/generate/sli-library.mjs', join(out, 'libs/kube/src/metrics/gen')],
  },
  {
    name: 'preflight codes (documentation)',
    needs: ['scripts/generate/preflight-codes.mjs'],
    paths: ['docs/preflight.md'],
    command: (out) => [process.execPath, 'scripts/generate/preflight-codes.mjs', join(out, 'docs')],
  },
  {
    name: 'values of the charts (documentation)',
    needs: ['scripts/generate/chart-values.mjs', 'deploy/charts'],
    paths: ['docs/reference/chart-agent.md', 'docs/reference/chart-hub.md'],
    command: (out) => [process.execPath, 'scripts/generate/chart-values.mjs', join(out, 'docs/reference')],
  },
  {
    name: 'OpenAPI of the hub',
    needs: ['scripts/generate/openapi.mjs'],
    paths: ['docs/reference/gen/openapi.json'],
    command: (out) => [process.execPath, 'scripts/generate/openapi.mjs', join(out, 'docs/reference/gen')],
  },
  {
    // From the committed openapi.json, which the generator before this one has just compared or written.
    name: 'REST client of the CLI',
    needs: ['scripts/generate/api-client.mjs', 'docs/reference/gen/openapi.json'],
    paths: ['apps/cli/src/gen'],
    command: (out) => [process.execPath, 'scripts/generate/api-client.mjs', join(out, 'apps/cli/src/gen')],
  },
];

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [''];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

/** Names the files that differ between what is committed and what was generated now. */
function differences(path, out) {
  const [committed, generated] = [join(root, path), join(out, path)];
  const names = [...new Set([...filesBelow(committed), ...filesBelow(generated)])];
  return names.flatMap((name) => {
    const [old, fresh] = [join(committed, name), join(generated, name)];
    if (!existsSync(old)) return [`${join(path, name)}: not committed`];
    if (!existsSync(fresh)) return [`${join(path, name)}: no longer generated`];
    return readFileSync(old).equals(readFileSync(fresh)) ? [] : [`${join(path, name)}: differs`];
  });
}

function keep(path, out) {
  rmSync(join(root, path), { recursive: true, force: true });
  mkdirSync(dirname(join(root, path)), { recursive: true });
  cpSync(join(out, path), join(root, path), { recursive: true });
}

async function generate(generator, write) {
  const out = mkdtempSync(join(tmpdir(), 'wavegate-gen-'));
  try {
    const [command, ...args] = generator.command(out);
    const ran = await run(command, args, { quiet: true, cwd: join(root, generator.cwd ?? '.') });
    if (ran.code !== 0) return [`${generator.name}: the generator failed: ${ran.output.trim()}`];
    if (!write) return generator.paths.flatMap((path) => differences(path, out));
    generator.paths.forEach((path) => keep(path, out));
    return [];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Committed output whose source is gone would otherwise never be compared again. */
function withoutSource(generator, missing) {
  const orphaned = generator.paths.filter((path) => existsSync(join(root, path)));
  return orphaned.map((path) => `${generator.name}: ${path} is there, but ${missing.join(', ')} is not`);
}

/** Returns { ok, lines }: every file that differs, or what was written. Needs the rooms to be compiled. */
export async function verifyGenerated({ write = false } = {}) {
  const troubles = [];
  const written = [];
  for (const generator of generators) {
    const missing = generator.needs.filter((path) => !existsSync(join(root, path)));
    const trouble = missing.length > 0 ? withoutSource(generator, missing) : await generate(generator, write);
    troubles.push(...trouble);
    if (write && trouble.length + missing.length === 0) written.push(`${generator.name}: written`);
  }
  if (troubles.length > 0 && !write) troubles.push('run `make gen` and review the difference');
  return { ok: troubles.length === 0, lines: [...written, ...troubles] };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const write = process.argv.includes('--write');
  const { ok, lines } = await verifyGenerated({ write });
  lines.forEach((line) => console.log(line));
  if (ok && !write) console.log('generated code is up to date');
  process.exitCode = ok ? 0 : 1;
}
