import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const eslint = new ESLint({ cwd: root, overrideConfigFile: join(root, 'scripts', 'lint', 'fences.mjs') });

/** What the fences say about a file of this text at this place; nothing is written. */
async function said(path: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, path) });
  return result!.messages.map(({ ruleId, message }) => `${ruleId}: ${message}`);
}

const imports = (specifier: string) => `import { thing } from '${specifier}';\nexport const other = thing;\n`;
const fence = expect.stringContaining('wavegate/room-fence: room fence: ');
const impure = (kind: string, word: string) => expect.stringContaining(`wavegate/pure-room: ${kind} room: no ${word}`);

describe('import fences', () => {
  it.each([
    ['libs/fleet', '@wavegate/rollout'],
    ['libs/fleet', 'pg'],
    ['libs/rollout', '@wavegate/upgrade'],
    ['libs/rollout', 'semver'],
    ['libs/upgrade', '@wavegate/rollout'],
    ['libs/upgrade', '@kubernetes/client-node'],
    ['libs/analysis', '@wavegate/runtime/agent'],
    ['libs/analysis', 'zod'],
    ['libs/runtime', '@wavegate/storage'],
    ['libs/runtime', '@nestjs/common'],
    ['libs/protocol', '@wavegate/runtime/hub'],
    ['libs/storage', '@wavegate/runtime/agent'],
    ['libs/storage', '@wavegate/kube'],
    ['libs/kube', '@wavegate/protocol'],
    ['libs/kube', 'typeorm'],
    ['libs/simulator', '@wavegate/kube'],
    ['apps/hub', '@wavegate/kube'],
    ['apps/hub', '@wavegate/upgrade'],
    ['apps/hub', '@wavegate/runtime/agent'],
    ['apps/hub', '@kubernetes/client-node'],
    ['apps/agent', '@wavegate/storage'],
    ['apps/agent', '@wavegate/rollout'],
    ['apps/agent', 'pg'],
    ['apps/agent', 'typeorm'],
    ['apps/cli', '@wavegate/storage'],
    ['apps/cli', '@wavegate/kube'],
  ])('%s imports %s → refused by the room fence', async (room, specifier) => {
    expect(await said(`${room}/src/planted.ts`, imports(specifier))).toEqual([fence]);
  });

  it.each([
    ['libs/fleet', 'semver'],
    ['libs/rollout', '@wavegate/fleet'],
    ['libs/runtime', '@wavegate/upgrade'],
    ['libs/storage', 'typeorm'],
    ['libs/kube', '@wavegate/runtime/agent'],
    ['apps/hub', '@wavegate/storage'],
    ['apps/agent', '@wavegate/kube'],
    ['apps/cli', 'node:fs'],
    ['test/integration', '@wavegate/storage'],
  ])('%s imports %s, which the table allows → nothing is said', async (room, specifier) => {
    expect(await said(`${room}/src/planted.ts`, imports(specifier))).toEqual([]);
  });

  it.each([
    ['a deep import of dist', "import { x } from '@wavegate/fleet/dist/plan.js';"],
    ['a relative path into another room', "import { x } from '../../fleet/src/plan.js';"],
    ['a type only', "import type { x } from 'pg';"],
    ['a type import in a type', "export type X = import('pg').Pool;"],
    ['a re-export', "export * from '@wavegate/storage';"],
    ['a named re-export', "export { x } from '@wavegate/storage';"],
    ['an undeclared way of loading', "export const x = require('pg');"],
  ])('a pure room reaches out by %s → refused', async (_way, code) => {
    expect(await said('libs/rollout/src/planted.ts', code)).toContainEqual(fence);
  });

  it('the hub uses the simulator outside of previews → refused; in a preview → allowed', async () => {
    const code = imports('@wavegate/simulator');
    expect(await said('apps/hub/src/rollouts/planted.ts', code)).toEqual([fence]);
    expect(await said('apps/hub/src/plans/preview.ts', code)).toEqual([]);
  });

  it('a spec of a pure room may use fast-check and golden files, but no other room', async () => {
    expect(await said('libs/rollout/src/planted.spec.ts', imports('fast-check') + imports('node:fs'))).toEqual([]);
    expect(await said('libs/rollout/src/planted.spec.ts', imports('@wavegate/storage'))).toEqual([fence]);
  });
});

describe('pure rooms', () => {
  const words: [string, string][] = [
    ['Date', 'export const at = Date.now();'],
    ['Date', 'export const day = (at: number) => new Date(at);'],
    ['async', 'export async function decide() {}'],
    ['async', 'export const decide = async () => 1;'],
    ['await', 'export const x = await (1 as unknown);'],
    ['Promise', 'export type Later = Promise<number>;'],
    ['Math.random', 'export const chance = Math.random();'],
    ['setTimeout', 'setTimeout(() => 1, 5);'],
    ['process', 'export const name = process.env.HOME;'],
    ['crypto', 'export const id = crypto.randomUUID();'],
    ['globalThis', 'export const clock = globalThis.performance;'],
    ['fetch', "export const answer = fetch('x');"],
    ['import()', "export const later = import('./x.js');"],
    ['Temporal.Now', "import { Temporal } from 'temporal-polyfill'; export const now = Temporal.Now.instant();"],
  ];
  const planted = ['fleet', 'rollout', 'upgrade', 'analysis'].flatMap((room) =>
    words.map(([word, code]) => [room, word, code] as const),
  );

  it.each(planted)('%s says %s in `%s` → refused', async (room, word, code) => {
    expect(await said(`libs/${room}/src/planted.ts`, code)).toContainEqual(impure('pure', word));
  });

  it('a field, a key or a parameter of such a name → nothing is said', async () => {
    const code = 'export const wait = (process: { fetch: number }) => ({ crypto: process.fetch, Date: 1 });';
    expect(await said('libs/rollout/src/planted.ts', code)).toEqual([]);
  });
});

describe('rooms that act through ports', () => {
  it.each(['runtime', 'simulator'])('%s may wait, but reads no clock, timer or chance of its own', async (room) => {
    const path = `libs/${room}/src/planted.ts`;
    expect(await said(path, 'export async function run(p: Promise<void>) { await p; }')).toEqual([]);
    expect(await said(path, 'export const iso = (at: number) => new Date(at).toISOString();')).toEqual([]);
    expect(await said(path, 'export const at = Date.now();')).toEqual([impure('ported', 'Date')]);
    expect(await said(path, 'export const at = new Date();')).toEqual([impure('ported', 'Date')]);
    expect(await said(path, 'export const c = Math.random();')).toEqual([impure('ported', 'Math.random')]);
    expect(await said(path, 'setInterval(() => 1, 5);')).toEqual([impure('ported', 'setInterval')]);
    expect(await said(path, imports('node:fs'))).toEqual([fence]);
  });
});

describe('names', () => {
  it.each([
    'libs/rollout/src/utils.ts',
    'apps/hub/src/common/x.ts',
    'libs/fleet/src/types.ts',
    'libs/kube/src/Drain.ts',
  ])('%s → refused', async (path) => {
    expect(await said(path, 'export const x = 1;\n')).toEqual([expect.stringContaining('wavegate/file-name: name: ')]);
  });
});

describe('make check', () => {
  const name = 'planted-by-the-house-test.ts';
  const plants = [
    ['libs/rollout/src', 'export const plantedAt = Date.now();\n', 'pure room: no Date'],
    ['libs/upgrade/src', 'export const planted = async () => 1;\n', 'pure room: no async'],
    ['apps/hub/src', "export * as planted from '@wavegate/kube';\n", 'apps/hub may not import @wavegate/kube'],
    [
      'apps/agent/src',
      "export * as planted from '@wavegate/storage';\n",
      'apps/agent may not import @wavegate/storage',
    ],
  ] as const;

  it('real files with a clock, an async and forbidden imports → its lint part fails and names each', () => {
    const files = plants.map(([folder]) => join(root, folder, name));
    try {
      plants.forEach(([, code], index) => writeFileSync(files[index]!, code));
      const args = [join(root, 'scripts', 'check.mjs'), '--only=lint', ...files];
      const check = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
      expect(check.stdout).toMatch(/^check lint +FAILED/m);
      for (const file of files) expect(check.stdout).toContain(file);
      for (const [, , why] of plants) expect(check.stdout).toContain(why);
      expect(check.status).toBe(1);
    } finally {
      files.forEach((file) => rmSync(file, { force: true }));
    }
  }, 60_000);
});
