import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { obtainPrograms, RELEASES } from './world/kubernetes-release.js';
import { whyNotNow } from './world/lab-readiness.js';
import { repositoryRoot } from './world/lab-places.js';
import { isShape, SHAPES } from './world/lab-shape.js';
import { stockUp } from './world/lab-stock.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';
import { tearDown } from './world/lab-teardown.js';
import { whyNoLab } from './world/container-engine.js';

const HELP = `usage:
  make lab-up [SHAPE=${Object.keys(SHAPES).join('|')}] [NAME=play] [VERSION=1.34.4] [TO=1.35.4]
  make lab [CASE=a] [JOBS=2]         every case, or some by letter or name (CASE=a,patch-taken-back): each raises the clusters it needs and
                                     takes them down; JOBS side by side, but those of five nodes one at a time
  make lab-down [NAME=play]          without NAME: every lab, and the container engine started for them
`;

const BOUNDS = `What these nodes cannot show that machines would: kernels, clocks and disks of their own (all share this
machine's), real reboots, cgroup v2 and the systemd cgroup driver where this machine has v1, a CNI with policies, image
pulls (nothing can be pulled: images are loaded beforehand), signatures of packages.`;

interface LabCase {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

function words(args: readonly string[]): Readonly<Record<string, string>> {
  const pairs = args.filter((each) => each.includes('=')).map((each) => each.replace(/^--/, '').split(/=(.*)/s));
  return Object.fromEntries(
    pairs.filter(([, value]) => value).map(([key = '', value = '']) => [key.toLowerCase(), value]),
  );
}

function tellHowToUse(lab: Lab): void {
  const host = lab.engine.host;
  const first = lab.nodes[0];
  process.stdout.write(`
lab ${lab.name} stands: ${lab.nodes.map((node) => `${node.name} (${node.place.address})`).join(', ')}
  export KUBECONFIG=${lab.kubeconfig}
  ${lab.kubectlProgram} get nodes
  docker --host ${host} exec -it ${first?.container} bash        a shell on ${first?.name}
  packages of the other versions: /lab/apt/ on each node; images are loaded
  make lab-down NAME=${lab.name}

${BOUNDS}
`);
}

async function up(wish: Readonly<Record<string, string>>): Promise<void> {
  const { shape = 'short', name = 'play', version = '1.34.4', to = '1.35.4' } = wish;
  if (!isShape(shape)) throw new Error(`SHAPE=${shape} is none of ${Object.keys(SHAPES).join(', ')}`);
  const why = await whyNoLab();
  if (why) throw new Error(`the lab cannot run here: ${why}`);
  const upgradableTo = to.split(',').filter((each) => each !== version);
  tellHowToUse(await startLab({ name, shape, version, upgradableTo }));
}

/** Says why the short lab of `make test` would not run here now, with exit code 3; says nothing when it would. */
async function ready(): Promise<void> {
  const why = await whyNotNow('short', ['1.34.4', '1.35.4']);
  if (!why) return;
  process.stdout.write(`${why}\n`);
  process.exitCode = 3;
}

/** The cases are tests: a file `case-a-….spec.ts` each, asked for by its letter, and those without one, by their name. */
function casesNamed(wanted = ''): readonly LabCase[] {
  const folder = join('test', 'lab');
  const names = readdirSync(join(repositoryRoot(), folder)).filter((name) => name.endsWith('.spec.ts'));
  const chosen = wanted.split(',').flatMap((each) => {
    const start = /^[a-z]$/.test(each) ? `case-${each}-` : each;
    const found = names.filter((name) => name.startsWith(start));
    if (found.length > 0) return found;
    const known = names.map((name) => name.replace(/^case-([a-z])-.*/, '$1').replace(/[.]spec[.]ts$/, ''));
    throw new Error(`CASE=${each} is no case; there are ${known.join(', ')}`);
  });
  return [...new Set(chosen)].map((name) => {
    const path = join(folder, name);
    return { path, text: readFileSync(join(repositoryRoot(), path), 'utf8') };
  });
}

/**
 * Before the tests, whose time limits are those of an upgrade: what is missing takes most of an hour to build. A case
 * needs the releases that its file names.
 */
async function obtainFor(cases: readonly LabCase[]): Promise<void> {
  const named = RELEASES.filter(({ version }) => cases.some(({ text }) => text.includes(`'${version}'`)));
  if (named.length > 0) await obtainPrograms(named.map(({ version }) => version));
}

/** Runs the cases, `jobs` side by side; those of five nodes first and one at a time, for they want a small machine for themselves. */
async function runCases(wanted: string | undefined, jobs: number): Promise<void> {
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error('JOBS is how many cases run side by side: 1, 2, …');
  const why = await whyNoLab();
  if (why) throw new Error(`the lab cannot run here: ${why}`);
  const cases = casesNamed(wanted);
  await obtainFor(cases);
  process.on('SIGINT', () => undefined); // the terminal sends it to jest as well, which takes its clusters down
  const isLarge = ({ text }: LabCase): boolean => text.includes("shape: 'ha'");
  const large = await run(cases.filter(isLarge), 1);
  const others =
    large === INTERRUPTED
      ? 0
      : await run(
          cases.filter((one) => !isLarge(one)),
          jobs,
        );
  process.exitCode = large || others;
}

/** What jest exits with after Ctrl-C. */
const INTERRUPTED = 130;

function run(cases: readonly LabCase[], jobs: number): Promise<number> {
  if (cases.length === 0) return Promise.resolve(0);
  const root = repositoryRoot();
  const jest = [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), '--verbose', `--maxWorkers=${jobs}`];
  const env = { ...process.env, TIER: 'lab', NODE_OPTIONS: '--experimental-vm-modules --no-warnings' };
  const args = [...jest, '--runTestsByPath', ...cases.map(({ path }) => path)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  return new Promise((done) => child.on('close', (code, signal) => done(signal ? INTERRUPTED : (code ?? 1))));
}

async function main([verb, ...args]: readonly string[]): Promise<void> {
  const wish = words(args);
  if (verb === 'up') return up(wish);
  if (verb === 'down') return tearDown(wish['name']);
  if (verb === 'stock') {
    const [first = '1.34.4', ...others] = (wish['versions'] ?? '1.34.4,1.35.4').split(',');
    return void (await stockUp([first, ...others]));
  }
  if (verb === 'ready') return ready();
  if (verb === 'test') return runCases(wish['case'], Number(wish['jobs'] ?? 1));
  process.stdout.write(HELP);
  process.exitCode = verb ? 2 : 0;
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
