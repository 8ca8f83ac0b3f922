import { createHash } from 'node:crypto';
import { createReadStream, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { command } from './run-command.js';

export interface ImageContent {
  /** The full name with its tag, as a manifest will ask for it. */
  readonly tag: string;
  readonly entrypoint: readonly string[];
  /** Where a file lies in the image → where it is taken from. */
  readonly files: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
}

/** The same bytes for the same content: sorted, owned by root, without times. */
const REPRODUCIBLE = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function layFiles(root: string, { files, links = {} }: ImageContent): void {
  for (const folder of ['etc', 'tmp', 'var', 'run', 'proc', 'sys', 'dev', 'usr/local/bin']) {
    mkdirSync(join(root, folder), { recursive: true, mode: folder === 'tmp' ? 0o1777 : 0o755 });
  }
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
  for (const [place, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, place)), { recursive: true });
    symlinkSync(target, join(root, place));
  }
  for (const [place, from] of Object.entries(files)) {
    mkdirSync(dirname(join(root, place)), { recursive: true });
    cpSync(from, join(root, place), { recursive: true, dereference: true });
  }
}

/** One image with one layer in the format of `docker save`, which containerd imports too; no engine and no registry. */
export async function writeImageArchive(content: ImageContent, archive: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'wavegate-image-'));
  try {
    const root = join(scratch, 'root');
    mkdirSync(root);
    layFiles(root, content);
    await command('tar', [...REPRODUCIBLE, '-cf', join(scratch, 'layer.tar'), '-C', root, '.']);
    rmSync(root, { recursive: true });
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config: { Entrypoint: content.entrypoint, Env: ['PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${await sha256(join(scratch, 'layer.tar'))}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'wavegate lab' }],
    });
    const name = `${createHash('sha256').update(config).digest('hex')}.json`;
    writeFileSync(join(scratch, name), config);
    const manifest = [{ Config: name, RepoTags: [content.tag], Layers: ['layer.tar'] }];
    writeFileSync(join(scratch, 'manifest.json'), JSON.stringify(manifest));
    mkdirSync(dirname(archive), { recursive: true });
    await command('tar', [...REPRODUCIBLE, '-cf', archive, '-C', scratch, 'manifest.json', name, 'layer.tar']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
