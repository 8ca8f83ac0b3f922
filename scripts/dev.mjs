// `make dev`: compiles on change and restarts what changed: the hub (data in .wavegate/dev, kept between runs) and an agent.
//   make dev                          the hub
//   make dev ARGS="<agent's words>"   the hub, and wavegate-agent with these words
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { bundle } from './bundle.mjs';
import { tsc } from './run.mjs';
import { environment, root } from './setup.mjs';

const data = join(root, '.wavegate', 'dev');
const env = environment({ WAVEGATE_DATA_DIR: process.env.WAVEGATE_DATA_DIR ?? data });
const agentWords = process.argv.slice(2);
let stopping = false;

/** A program that is started anew on each change; a crash is shown and waits for the next change. */
class Restarted {
  constructor(name, words) {
    this.name = name;
    this.words = words;
  }
  async restart() {
    await this.stop();
    if (stopping) return;
    const child = spawn(join(root, 'node_modules', '.bin', this.name), this.words, {
      cwd: root,
      stdio: 'inherit',
      env,
    });
    this.child = child;
    child.on('exit', (code, signal) => {
      if (this.child !== child) return;
      this.child = undefined;
      if (!stopping)
        console.error(`dev: ${this.name} ended (${code ?? signal}); it starts again after the next change`);
    });
  }
  stop() {
    const child = this.child;
    this.child = undefined;
    if (!child) return Promise.resolve();
    return new Promise((resolve) => {
      // The embedded database needs a moment to close its files; only then is it cut off.
      const force = setTimeout(() => child.kill('SIGKILL'), 15_000);
      child.on('exit', () => {
        clearTimeout(force);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}

function compiledFolders() {
  const rooms = ['apps', 'libs'].flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(root, parent, name, 'dist')),
  );
  return rooms.filter((folder) => existsSync(folder));
}

if ((await build({ quiet: true })) !== 0) process.exit(1);
mkdirSync(env.WAVEGATE_DATA_DIR, { recursive: true });
console.error(`dev: the hub's data is in ${env.WAVEGATE_DATA_DIR}; Ctrl-C ends everything`);
const compiler = spawn(process.execPath, [tsc, '-b', '--watch', '--preserveWatchOutput'], {
  cwd: root,
  stdio: 'inherit',
  env,
});
const programs = [new Restarted('wavegate-hub', [])];
if (agentWords.length > 0) programs.push(new Restarted('wavegate-agent', agentWords));

let settle;
let turn = Promise.resolve();
function changed(_event, file) {
  // Our own bundle lies in a watched folder; it must not restart what it was made for.
  if (!file?.endsWith('.js')) return;
  clearTimeout(settle);
  settle = setTimeout(() => {
    turn = turn.then(async () => {
      if (stopping) return;
      console.error('dev: changed, restarting');
      await bundle();
      for (const program of programs) await program.restart();
    });
  }, 400);
}

async function end() {
  if (stopping) return;
  stopping = true;
  compiler.kill('SIGTERM');
  await Promise.all(programs.map((program) => program.stop()));
  process.exit(0);
}
process.on('SIGINT', end);
process.on('SIGTERM', end);
for (const folder of compiledFolders()) watch(folder, { recursive: true }, changed);
for (const program of programs) await program.restart();
