// `make demo|bench|simulate|lab`: build, then run the program that was made from test/<name>/main.ts.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { environment, root } from './setup.mjs';

const [name, ...args] = process.argv.slice(2);
const code = await build({ quiet: true });
if (code !== 0) process.exit(code);
const program = join(root, '.build', `${name}.mjs`);
if (!existsSync(program)) {
  console.error(`${name}: ${program} was not built; its source test/*/main.ts is missing`);
  process.exit(1);
}
// The program owns the terminal (live view, Ctrl-C), so it inherits it whole.
const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], {
  cwd: root,
  stdio: 'inherit',
  env: environment(),
});
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (exit, signal) => process.exit(exit ?? (signal === 'SIGINT' ? 130 : 1)));
