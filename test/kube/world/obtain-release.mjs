// The official release of a program, taken only with a published SHA-256 that agrees.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ARCH = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const PLATFORM = `${process.platform}-${ARCH}`;
const PROBE_MS = 6_000;
const DOWNLOAD_MS = 10 * 60_000;

/** Where a set is published: one file per program, or one archive that holds all; with the file that names its hash. */
function source(set, program) {
  if (set.kind === 'kubernetes') {
    const url = `https://dl.k8s.io/v${set.version}/bin/${process.platform}/${ARCH}/${program}`;
    return { url, checksums: `${url}.sha256` };
  }
  if (set.kind === 'etcd') {
    const root = `https://github.com/etcd-io/etcd/releases/download/v${set.version}`;
    const suffix = process.platform === 'linux' ? 'tar.gz' : 'zip';
    return {
      url: `${root}/etcd-v${set.version}-${PLATFORM}.${suffix}`,
      checksums: `${root}/SHA256SUMS`,
      archive: true,
    };
  }
  if (set.kind === 'prometheus' || set.kind === 'alertmanager') {
    const root = `https://github.com/prometheus/${set.kind}/releases/download/v${set.version}`;
    const file = `${set.kind}-${set.version}.${process.platform}-${ARCH}.tar.gz`;
    return { url: `${root}/${file}`, checksums: `${root}/sha256sums.txt`, archive: true };
  }
  if (set.kind === 'helm') {
    const url = `https://get.helm.sh/helm-v${set.version}-${PLATFORM}.tar.gz`;
    return { url, checksums: `${url}.sha256sum`, archive: true };
  }
  return undefined; // kwok publishes no checksums beside its programs, rclone only zip files: built instead
}

async function text(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.text();
}

/** A checksum file is either one bare hash or lines of `hash  name`. */
function hashFor(checksums, url) {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const lines = checksums
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const row =
    lines.length === 1 && lines[0].length === 1 ? lines[0] : lines.find((line) => line[1]?.replace(/^\*/, '') === name);
  if (!row || !/^[0-9a-f]{64}$/.test(row[0])) throw new Error(`no SHA-256 of ${name} in the published checksums`);
  return row[0];
}

async function fetchVerified({ url, checksums }) {
  const expected = hashFor(await text(checksums), url);
  const answer = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const got = createHash('sha256').update(bytes).digest('hex');
  // Not "unreachable": somebody answered with other bytes than were published, which a person must hear of.
  if (got !== expected) throw new Error(`CHECKSUM MISMATCH: expected ${expected}, got ${got}`);
  return bytes;
}

function unpack(bytes, url, folder, programs) {
  const scratch = mkdtempSync(join(folder, '.unpack-'));
  try {
    const archive = join(scratch, url.endsWith('.zip') ? 'a.zip' : 'a.tar.gz');
    writeFileSync(archive, bytes);
    execFileSync('tar', ['-xf', archive, '-C', scratch, '--strip-components=1']);
    for (const program of programs) {
      chmodSync(join(scratch, program), 0o755);
      renameSync(join(scratch, program), join(folder, program));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Puts the program (or its whole set) into `folder`. Throws with one plain line when it cannot be had this way. */
export async function takeRelease(set, program, folder) {
  const from = source(set, program);
  if (!from) throw new Error(`the ${set.id} release cannot be taken as it is published`);
  let bytes;
  try {
    bytes = await fetchVerified(from);
  } catch (error) {
    const why = error.cause?.code ?? error.message;
    throw new Error(`${new URL(from.url).host}: ${error.name === 'TimeoutError' ? 'no answer in time' : why}`);
  }
  mkdirSync(folder, { recursive: true });
  if (from.archive) return unpack(bytes, from.url, folder, set.programs);
  const partial = join(folder, `.${program}.${process.pid}`);
  writeFileSync(partial, bytes, { mode: 0o755 });
  renameSync(partial, join(folder, program));
}
