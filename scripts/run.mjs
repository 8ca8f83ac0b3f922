// Running a child so that its words reach the screen and, where asked, a log file.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environment, root } from './setup.mjs';

export const tsc = join(root, 'node_modules', 'typescript7', 'bin', 'tsc');

/**
 * Runs a command in the repository's root and resolves to { code, output }; never rejects for a failing child.
 * `quiet` keeps the words off the screen, `log` also writes them to a file.
 */
export function run(command, args, { quiet = false, log, env, cwd = root } = {}) {
  return new Promise((resolve) => {
    if (log) mkdirSync(dirname(log), { recursive: true });
    const file = log ? createWriteStream(log) : undefined;
    const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
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
      const done = () => resolve({ code: code ?? (signal ? 1 : 127), output });
      if (file) file.end(done);
      else done();
    });
  });
}

/** Runs a Node script or tool under the Node that runs this. */
export function runNode(args, options) {
  return run(process.execPath, args, options);
}

export function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}
