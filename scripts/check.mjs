// `make check`: every part runs even if an earlier one fails; one line each, a sum at the end.
//   node scripts/check.mjs [--only=lint,format] [paths for lint and format]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run, runNode, seconds, tsc } from './run.mjs';
import { root } from './setup.mjs';
import { verifyGenerated } from './verify-gen.mjs';
import { breakingWire, lintWire } from './wire-compatibility.mjs';

const options = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const paths = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const only = options
  .find((option) => option.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');
const quiet = { quiet: true };
const tool = (...parts) => join(root, 'node_modules', ...parts);
const within = paths.length > 0 ? paths : ['.'];

/** Each part resolves to { code, output, note? }. `build` comes first: the others read its declarations. */
const parts = {
  build: () => runNode([tsc, '-b'], quiet),
  types: () => runNode([tsc, '-p', 'tsconfig.check.json'], quiet),
  lint: () => runNode([tool('eslint', 'bin', 'eslint.js'), '--max-warnings=0', ...within], quiet),
  format: () => runNode([tool('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level=warn', ...within], quiet),
  generated: generatedCode,
  proto: lintWire,
  compatibility: breakingWire,
  commits: commitMessages,
};

async function generatedCode() {
  const { ok, lines } = await verifyGenerated();
  return { code: ok ? 0 : 1, output: lines.join('\n') };
}

/** The commits of a branch that main does not have yet; on main itself the last one. */
async function commitMessages() {
  if (!existsSync(join(root, '.git'))) return { code: 0, output: '', note: 'not a git checkout' };
  const upstream = await run('git', ['rev-parse', '--verify', '--quiet', 'origin/main'], quiet);
  const from = upstream.code === 0 ? ['--from', 'origin/main'] : ['--last'];
  return runNode([tool('@commitlint', 'cli', 'cli.js'), ...from], quiet);
}

async function runPart(name) {
  const startedAt = Date.now();
  let result;
  try {
    result = await parts[name]();
  } catch (error) {
    result = { code: 1, output: error.stack };
  }
  const note = result.note ? `  (${result.note})` : '';
  console.log(
    `check ${name.padEnd(13)} ${result.code === 0 ? 'ok    ' : 'FAILED'} ${seconds(startedAt).padStart(7)}${note}`,
  );
  if (result.code !== 0) console.log(result.output.trimEnd());
  return result.code === 0;
}

const unknown = only?.filter((name) => !(name in parts)) ?? [];
if (unknown.length > 0) {
  console.error(`check: ${unknown.join(', ')} is no part; the parts are ${Object.keys(parts).join(', ')}`);
  process.exit(2);
}
const failed = [];
const wanted = Object.keys(parts).filter((name) => !only || only.includes(name));
for (const name of wanted) if (!(await runPart(name))) failed.push(name);
console.log(
  failed.length > 0
    ? `check: ${failed.length} of ${wanted.length} parts failed: ${failed.join(', ')}`
    : `check: all ${wanted.length} parts passed`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
