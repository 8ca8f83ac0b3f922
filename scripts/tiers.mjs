// `make test`: runs each tier by itself, says which ran and which were left out and why, and ends with one line for all.
//   node scripts/tiers.mjs [unit,simulation,integration,kube,lab]
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from './build.mjs';
import { runNode, seconds } from './run.mjs';
import { root } from './setup.mjs';

const logs = join(root, '.wavegate', 'tiers');
const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
const inCi = process.env.CI === 'true';

/**
 * In the order in which they run: the quick ones first, real nodes last. `prepare` returns why a tier cannot run, or in
 * `notHere` why this machine need not run it: that one is left out, also under CI.
 */
const tiers = {
  unit: {},
  simulation: { env: { SEEDS: process.env.SEEDS ?? '300', FROM: process.env.FROM ?? '1' } },
  integration: { prepare: builtPrograms },
  kube: { prepare: kubeComponents },
  // Real nodes want Linux, root or a container engine, and programs that take most of an hour to build: no machine owes that.
  lab: { prepare: shortLab, only: ['test/lab/short-upgrade'] },
};

/** Without TIERS all of them; under CI not the one for which its time limit has no room (ADR 0013). */
const byDefault = Object.keys(tiers).filter((name) => !(inCi && name === 'lab'));

let builtOnce;
async function builtPrograms() {
  builtOnce ??= build({ quiet: true });
  return (await builtOnce) === 0 ? undefined : 'the programs could not be built (`make build` shows why)';
}

async function kubeComponents() {
  if (process.platform !== 'linux') return `it runs real Linux programs and this is ${process.platform}`;
  const obtain = join(root, 'test', 'kube', 'world', 'obtain.mjs');
  if (!existsSync(obtain)) return `${relative(root, obtain)} is missing`;
  const log = join(logs, 'kube-obtain.log');
  console.log(
    'tier kube: looking for etcd and the Kubernetes components (the first time this can take some minutes) …',
  );
  const obtained = await runNode([obtain], { log });
  if (obtained.code !== 0) return `its components could not be obtained (see ${relative(root, log)})`;
  return builtPrograms();
}

/** The other cases of the lab are `make lab`'s: each is as long as all tiers before it. */
async function shortLab() {
  const trouble = await builtPrograms();
  if (trouble) return trouble;
  const { code, output } = await runNode([join(root, '.build', 'lab.mjs'), 'ready'], { quiet: true });
  if (code === 3) return { notHere: output.trim() };
  return code === 0 ? undefined : `asked whether it can run, the lab ended with exit code ${code}: ${output.trim()}`;
}

function asked() {
  const names = process.argv[2]?.split(',').map((name) => name.trim()) ?? byDefault;
  const unknown = names.filter((name) => !(name in tiers));
  if (unknown.length > 0 || names.length === 0) {
    console.error(
      `TIERS=${names.join(',')}: ${unknown.join(', ')} is no tier; use some of ${Object.keys(tiers).join(',')}`,
    );
    process.exit(2);
  }
  return Object.keys(tiers).filter((name) => names.includes(name));
}

/** Reads jest's report. A file that does not even load has no tests in the report, yet it failed. */
function countsOf(report) {
  if (!existsSync(report)) return undefined;
  const result = JSON.parse(readFileSync(report, 'utf8'));
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

/** Why a tier is not good although it may have no failed test; undefined when it is. */
function troubleOf({ passed, failed }, { code, hung }) {
  if (passed + failed === 0) return 'not one test was executed';
  if (failed > 0) return `${failed} failed`;
  // Whoever leaves a handle open keeps the process alive for ever; the report was written before.
  if (hung) return 'jest did not end by itself: a test left a server, a timer or a child behind';
  return code === 0 ? undefined : `jest ended with exit code ${code}`;
}

async function runTier(name) {
  const startedAt = Date.now();
  const report = join(logs, `${name}.json`);
  const log = join(logs, `${name}.log`);
  rmSync(report, { force: true });
  const args = [
    jest,
    '--json',
    `--outputFile=${report}`,
    '--passWithNoTests',
    ...(inCi ? ['--ci'] : []),
    ...(tiers[name].only ?? []),
  ];
  const env = { TIER: name, NODE_OPTIONS: '--experimental-vm-modules --no-warnings', ...tiers[name].env };
  const result = await runNode(args, { log, env, finished: () => existsSync(report) });
  const counts = countsOf(report) ?? { passed: 0, failed: 0, skipped: 0 };
  const trouble = troubleOf(counts, result);
  // Trouble without a failed test counts as one failure, so that the last line alone tells the truth.
  if (trouble && counts.failed === 0) counts.failed = 1;
  return { name, ...counts, took: seconds(startedAt), log: relative(root, log), trouble };
}

function describe({ name, passed, failed, skipped, took, trouble, log }) {
  console.log(`tier ${name}: ran, ${passed} passed, ${failed} failed, ${skipped} skipped in ${took}`);
  if (trouble) console.log(`tier ${name}: FAILED, ${trouble}; look into ${log}`);
}

function summarise(outcomes, notAsked, unable) {
  console.log('');
  outcomes.forEach(describe);
  const unnamed = process.argv[2] ? 'TIERS does not name it' : 'CI has no time for it unless TIERS names it';
  for (const name of notAsked) console.log(`tier ${name}: left out: ${unnamed}`);
  const left = inCi ? 'CANNOT RUN, which is a failure with CI=true' : 'left out';
  for (const { name, why } of unable) {
    console.log(why.notHere ? `tier ${name}: left out: ${why.notHere}` : `tier ${name}: ${left}: ${why}`);
  }
  const sum = (key) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  // Under CI so does a tier that could not run.
  const missing = inCi ? unable.filter(({ why }) => !why.notHere).length : 0;
  const line = `${sum('passed')} passed, ${sum('failed') + missing} failed, ${sum('skipped')} skipped`;
  writeFileSync(join(logs, 'summary.txt'), `${line}\n`);
  const bad = missing > 0 || outcomes.length === 0 || outcomes.some(({ trouble }) => trouble);
  process.exitCode = bad ? 1 : 0;
  console.log(line);
}

const wanted = asked();
mkdirSync(logs, { recursive: true });
rmSync(join(logs, 'summary.txt'), { force: true });
const outcomes = [];
const unable = [];
for (const name of wanted) {
  const why = await tiers[name].prepare?.();
  if (why) {
    console.log(`tier ${name}: cannot run: ${why.notHere ?? why}`);
    unable.push({ name, why });
    continue;
  }
  console.log(`tier ${name}: running …`);
  outcomes.push(await runTier(name));
}
const notAsked = Object.keys(tiers).filter((name) => !wanted.includes(name));
summarise(outcomes, notAsked, unable);
