// Running a child so that its words reach the screen and, where asked, a log file.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environment, root } from './setup.mjs';

export const tsc = join(root, 'node_modules', 'typescript7', 'bin', 'tsc');

/**
 * Runs a command in the repository's root and resolves to { code, output }; never rejects for a failing child.
 * `quiet` keeps the words off the screen, `log` also writes them to a file. Once `finished` says so, a child that does not
 * end within `graceMs` is killed, and the result says `hung`.
 */
export function run(command, args, { quiet = false, log, env, cwd = root, finished, graceMs = 20_000 } = {}) {
  return new Promise((resolve) => {
    if (log) mkdirSync(dirname(log), { recursive: true });
    const file = log ? createWriteStream(log) : undefined;
    const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const overdue = finished && killWhenOverdue(child, finished, graceMs);
    const take = (target) => (chunk) => {
      // Output is kept only for those who show it later; a long test run goes to its log instead.
      if (quiet) output += chunk;
      else target.write(chunk);
      file?.write(chunk);
    };
    child.stdout.on('data', take(process.stdout));
    child.stderr.on('data', take(process.stderr));
    child.on('error', (error) => {
      output += error.message;
    });
    child.on('close', (code, signal) => {
      const hung = overdue?.() ?? false;
      const done = () => resolve({ code: code ?? (signal ? 1 : 127), output, hung });
      if (file) file.end(done);
      else done();
    });
  });
}

/** Returns a function that ends the watch and says whether the child had to be killed. */
function killWhenOverdue(child, finished, graceMs) {
  let finishedAt;
  let killed = false;
  const look = setInterval(() => {
    if (finishedAt === undefined && finished()) finishedAt = Date.now();
    if (finishedAt === undefined || Date.now() - finishedAt < graceMs) return;
    killed = true;
    child.kill('SIGKILL');
  }, 500);
  return () => {
    clearInterval(look);
    return killed;
  };
}

/** Runs a Node script or tool under the Node that runs this. */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}
