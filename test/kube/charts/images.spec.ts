import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath, ETCD_VERSION } from '../world/obtained-programs.js';

const ROOT = join(import.meta.dirname, '../../..');

interface ImageConfig {
  readonly config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Env: readonly string[] };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'wavegate-images-'));
  programPath('etcdutl', ETCD_VERSION);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Builds one image into a folder of its own; what the script prints. */
function build(name: string, folder: string): string {
  const script = join(ROOT, 'scripts/images.mjs');
  return execFileSync(process.execPath, [script, name, `--out=${join(dir, folder)}`], { encoding: 'utf8' });
}

const digestIn = (line: string): string => /sha256:[0-9a-f]{64}/.exec(line)?.[0] ?? '';

function inArchive(archive: string, path: string): Buffer {
  return execFileSync('tar', ['-xOf', archive, path], { maxBuffer: 400 << 20 });
}

/** Every path of the image, layer by layer. */
function pathsOf(archive: string): readonly string[] {
  const [{ Layers = [] } = {}] = JSON.parse(inArchive(archive, 'manifest.json').toString()) as { Layers: string[] }[];
  return Layers.flatMap((layer) =>
    execFileSync('tar', ['-t'], { input: inArchive(archive, layer), encoding: 'utf8', maxBuffer: 64 << 20 }).split(
      '\n',
    ),
  );
}

function configOf(archive: string): ImageConfig {
  const [manifest] = JSON.parse(inArchive(archive, 'manifest.json').toString()) as { Config: string }[];
  return JSON.parse(inArchive(archive, manifest?.Config ?? '').toString()) as ImageConfig;
}

describe('images made without a registry or an engine', () => {
  it('the agent’s, made twice → the same digest, byte for byte; not root, no shell, every part in its bill', () => {
    const [once, again] = [build('agent', 'once'), build('agent', 'again')];
    expect(digestIn(once)).not.toBe('');
    expect(digestIn(again)).toBe(digestIn(once));
    const archive = join(dir, 'once', 'agent.tar');
    expect(readFileSync(archive).equals(readFileSync(join(dir, 'again', 'agent.tar')))).toBe(true);

    expect(configOf(archive).config).toMatchObject({ User: '65532:65532', Entrypoint: ['wavegate-agent'] });
    const paths = pathsOf(archive);
    expect(paths).toEqual(
      expect.arrayContaining(['./usr/local/bin/node', './usr/local/bin/etcdutl', './app/wavegate-agent.mjs']),
    );
    expect(paths.filter((path) => /\/(sh|bash|dash|busybox|apt|dpkg)$|\.map$|\.d\.ts$/.test(path))).toEqual([]);

    const bill = JSON.parse(readFileSync(join(dir, 'once', 'agent.sbom.json'), 'utf8')) as {
      components: { name: string; version: string }[];
    };
    const named = new Map(bill.components.map(({ name, version }) => [name, version]));
    expect(named.get('etcdutl')).toBe(ETCD_VERSION);
    expect(named.get('node')).toBe(process.versions.node);
    expect(named.has('@grpc/grpc-js')).toBe(true);
  });

  it('the hub’s → not root; shares its lowest layers with the agent’s; holds no sources, types or other packages', () => {
    build('hub', 'once');
    const archive = join(dir, 'once', 'hub.tar');
    const agent = configOf(join(dir, 'once', 'agent.tar'));
    const hub = configOf(archive);
    expect(hub.config.User).toBe('65532:65532');
    expect(hub.rootfs.diff_ids.slice(0, 2)).toEqual(agent.rootfs.diff_ids.slice(0, 2));
    const paths = pathsOf(archive);
    expect(paths).toEqual(expect.arrayContaining(['./app/apps/hub/dist/main.js', './usr/local/bin/wavegate']));
    expect(
      paths.filter((path) => /\.spec\.js$|\.d\.ts$|node_modules\/(jest|typescript|esbuild|nx)\//.test(path)),
    ).toEqual([]);
  });
});
