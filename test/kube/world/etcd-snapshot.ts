import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ETCD_VERSION, programPath } from './obtained-programs.js';
import type { RealCluster } from './real-cluster.js';

const run = promisify(execFile);

/** What is known about a snapshot once it has been read back. */
export interface SnapshotProof {
  readonly path: string;
  readonly sha256: string;
  readonly revision: number;
  readonly totalKeys: number;
  readonly sizeBytes: number;
  readonly verified: 'restore' | 'status';
}

interface Status {
  readonly revision: number;
  readonly totalKey: number;
  readonly totalSize: number;
}

/** Takes a snapshot of the cluster's real etcd and reads it back; `restore` also restores it into a scratch folder. */
export async function snapshotEtcd(
  cluster: RealCluster,
  path: string,
  verify: SnapshotProof['verified'],
): Promise<SnapshotProof> {
  const { ports, caFile, etcdClient } = cluster.files;
  await mkdir(dirname(path), { recursive: true });
  const tls = [`--cacert=${caFile}`, `--cert=${etcdClient.cert}`, `--key=${etcdClient.key}`];
  await run(programPath('etcdctl', ETCD_VERSION), [
    `--endpoints=https://127.0.0.1:${ports.etcd}`,
    ...tls,
    'snapshot',
    'save',
    path,
  ]);
  const status = await statusOf(path);
  const revisionAgain = verify === 'restore' ? await restoredRevision(path) : status.revision;
  if (revisionAgain !== status.revision)
    throw new Error(`restored revision ${revisionAgain}, but the snapshot has ${status.revision}`);
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { revision, totalKey } = status;
  return { path, sha256, revision, totalKeys: totalKey, sizeBytes: bytes.length, verified: verify };
}

async function statusOf(file: string): Promise<Status> {
  const { stdout } = await run(programPath('etcdutl', ETCD_VERSION), ['snapshot', 'status', file, '-w', 'json']);
  return JSON.parse(stdout) as Status;
}

async function restoredRevision(path: string): Promise<number> {
  const scratch = `${path}.scratch`;
  try {
    await run(programPath('etcdutl', ETCD_VERSION), ['snapshot', 'restore', path, '--data-dir', scratch]);
    return (await statusOf(join(scratch, 'member', 'snap', 'db'))).revision;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
