import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];
const CONTENT = 'not really a program';
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');

/** What the release's servers answer, put in place of `fetch` before the script runs: there may be no network at all. */
const unreachable = `globalThis.fetch = async () => { throw Object.assign(new Error('fetch failed'), { cause: { code: 'ENOTFOUND' } }) }`;
const publishing = (hash: string): string =>
  `globalThis.fetch = async (url) => new Response(String(url).endsWith('.sha256') ? '${hash}' : '${CONTENT}')`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wavegate-obtain-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs the script as `make test` does, on a machine without Go. */
function obtain(fetch: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const script = join(import.meta.dirname, 'obtain.mjs');
  const preload = `data:text/javascript,${encodeURIComponent(fetch)}`;
  const options = { env: { PATH: '', WAVEGATE_CACHE: dir, ...env }, encoding: 'utf8' as const };
  return spawnSync(process.execPath, ['--import', preload, script, '--only=1.35.4', ...args], options);
}

function layPrograms(root: string): void {
  mkdirSync(join(root, 'kubernetes-v1.35.4'), { recursive: true });
  for (const program of PROGRAMS) writeFileSync(join(root, 'kubernetes-v1.35.4', program), CONTENT, { mode: 0o755 });
}

describe('obtaining the components', () => {
  it('no release to be reached and no Go → exit code 1, one line each that says why, no lock left', () => {
    const { status, stderr } = obtain(unreachable);

    expect(status).toBe(1);
    expect(stderr).toContain('dl.k8s.io: ENOTFOUND');
    expect(stderr).toMatch(/cannot obtain the components of the kube tier: Go is not installed/);
    expect(readdirSync(join(dir, 'kube'))).not.toContain('.lock');
  });

  it('a release whose hash agrees → taken, runnable, and found in the cache from then on', () => {
    const first = obtain(publishing(SHA256));
    expect(first.status).toBe(0);
    expect(first.stderr).toContain('kubectl taken from its official release, checksum verified');

    const again = obtain(unreachable);
    expect(again.status).toBe(0);
    expect(again.stderr).toBe('');
    const path = (JSON.parse(again.stdout) as Record<string, string>)['kubectl@1.35.4'];
    expect(path).toBe(join(dir, 'kube', 'kubernetes-v1.35.4', 'kubectl'));
    expect(readFileSync(path ?? '', 'utf8')).toBe(CONTENT);
  });

  it('a release whose hash does not agree → nothing is kept and nothing else is tried', () => {
    const { status, stderr } = obtain(publishing('0'.repeat(64)));

    expect(status).toBe(1);
    expect(stderr).toContain(`CHECKSUM MISMATCH: expected ${'0'.repeat(64)}, got ${SHA256}`);
    expect(existsSync(join(dir, 'kube', 'kubernetes-v1.35.4'))).toBe(false);
  });

  it("programs in the user's own directory → used as they are", () => {
    const own = join(dir, 'own');
    layPrograms(own);
    const { status, stdout } = obtain(unreachable, [], { WAVEGATE_KUBE_BIN: own });

    expect(status).toBe(0);
    expect(Object.values(JSON.parse(stdout) as Record<string, string>).every((path) => path.startsWith(own))).toBe(
      true,
    );
  });

  it('--check with something missing → exit code 3, names it, changes nothing', () => {
    const { status, stderr } = obtain(publishing(SHA256), ['--check']);

    expect(status).toBe(3);
    expect(stderr).toContain('kubectl 1.35.4');
    expect(existsSync(join(dir, 'kube'))).toBe(false);
  });

  it('the lock of a run that died → taken over', () => {
    mkdirSync(join(dir, 'kube'));
    writeFileSync(join(dir, 'kube', '.lock'), String(2 ** 22 - 1));

    expect(obtain(publishing(SHA256)).status).toBe(0);
    expect(existsSync(join(dir, 'kube', '.lock'))).toBe(false);
  });
});
