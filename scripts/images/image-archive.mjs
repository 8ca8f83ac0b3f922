// One image as a tar archive, without an engine or a registry: `docker load`, `ctr -n k8s.io images import` and tools for
// OCI layouts all read it. The same files give the same bytes: names sorted, times and owners fixed.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const FIXED = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
const EPOCH = '1970-01-01T00:00:00Z';
const LAYER = 'application/vnd.oci.image.layer.v1.tar';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

async function sha256Of(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

/** Keeps a text or a file under its own hash, as OCI layouts do; returns what a descriptor needs. */
async function keep(folder, mediaType, from) {
  const file = join(folder, 'incoming');
  if (typeof from === 'object') writeFileSync(file, JSON.stringify(from));
  else copyFileSync(from, file);
  const digest = await sha256Of(file);
  const size = statSync(file).size;
  renameSync(file, join(folder, 'blobs', 'sha256', digest));
  return { mediaType, digest: `sha256:${digest}`, size };
}

const pathOf = ({ digest }) => `blobs/${digest.replace(':', '/')}`;

/**
 * @param {{ name: string, architecture: string, config: object, layers: { root: string, createdBy: string }[] }} image
 *   `layers`: folders, the lowest first
 * @param {string} out the archive to write
 * @returns {Promise<{ digest: string, sizeBytes: number }>} the digest is the manifest's: what `repo@sha256:…` names
 */
export async function writeImage({ name, architecture, config, layers }, out) {
  const work = mkdtempSync(join(tmpdir(), 'wavegate-image-'));
  try {
    mkdirSync(join(work, 'blobs', 'sha256'), { recursive: true });
    const kept = [];
    for (const { root } of layers) {
      const tar = join(work, 'layer.tar');
      execFileSync('tar', [...FIXED, '-cf', tar, '-C', root, '.']);
      kept.push(await keep(work, LAYER, tar));
      rmSync(tar);
    }
    const settings = await keep(work, CONFIG, {
      created: EPOCH,
      architecture,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: kept.map(({ digest }) => digest) },
      history: layers.map(({ createdBy }) => ({ created: EPOCH, created_by: createdBy })),
    });
    const manifest = await keep(work, MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: settings,
      layers: kept,
    });
    const annotations = {
      'io.containerd.image.name': name,
      'org.opencontainers.image.ref.name': name.split(':').at(-1),
    };
    const platform = { architecture, os: 'linux' };
    const texts = {
      'oci-layout': { imageLayoutVersion: '1.0.0' },
      'index.json': { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...manifest, annotations, platform }] },
      // What `docker load` reads; engines since 2024 read the index too.
      'manifest.json': [{ Config: pathOf(settings), RepoTags: [name], Layers: kept.map(pathOf) }],
    };
    for (const [file, text] of Object.entries(texts)) writeFileSync(join(work, file), JSON.stringify(text));
    mkdirSync(dirname(out), { recursive: true });
    execFileSync('tar', [...FIXED, '-cf', out, '-C', work, 'oci-layout', 'index.json', 'manifest.json', 'blobs']);
    return { digest: manifest.digest, sizeBytes: kept.reduce((sum, { size }) => sum + size, 0) };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
