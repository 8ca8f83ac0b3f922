import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, symlink, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = process.cwd();

/** npm links a workspace's bin through two links: node_modules/.bin/x → ../@wavegate/y/bin/x, and @wavegate/y → apps/y. */
describe('the programs of node_modules/.bin', () => {
  it.each([
    ['cli', 'wavegate'],
    ['agent', 'wavegate-agent'],
    ['hub', 'wavegate-hub'],
  ])('%s called through npm’s links → finds its own checkout', async (app, program) => {
    const modules = await mkdtemp(join(tmpdir(), 'wavegate-bin-'));
    try {
      await mkdir(join(modules, '@wavegate'));
      await mkdir(join(modules, '.bin'));
      await symlink(join(root, 'apps', app), join(modules, '@wavegate', app));
      await symlink(`../@wavegate/${app}/bin/${program}`, join(modules, '.bin', program));
      const traced = await run('sh', ['-x', join(modules, '.bin', program), '--version'], {
        env: { ...process.env, WAVEGATE_HTTP: 'not an address' },
      }).catch((error: { stderr: string }) => error);
      expect(traced.stderr).toContain(`root=${root}`);
    } finally {
      await rm(modules, { recursive: true, force: true });
    }
  });
});
