import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupFailed, messageOf } from '../backup-failed.js';
import { MomentaryServer, runProgram } from './child-program.js';
import { EtcdClient } from './etcd-client.js';
import type { EtcdPrograms } from './host-programs.js';

const START_MS = 60_000;
/** No quota stops what an API server writes into it: the database may well be larger than etcd's default of 2 GiB. */
const QUOTA_BYTES = 16 * 2 ** 30;
/** etcd wants host:port even for a socket; the file of that name lies in its working folder. */
const PEER = 'unix://peer:1';

export interface ScratchEtcd {
  /** As etcd's own clients write it. */
  readonly address: string;
  readonly client: EtcdClient;
}

/**
 * Restores the snapshot beside itself and serves it for as long as `work` takes, then removes all of it. It listens on
 * sockets in a folder of this user only: on a control-plane host a port of 127.0.0.1 would offer every Secret of the
 * cluster to whoever is logged in there.
 */
export async function withScratchEtcd<T>(
  from: { readonly snapshot: string; readonly programs: EtcdPrograms; readonly scratch: string },
  work: (etcd: ScratchEtcd) => Promise<T>,
): Promise<T> {
  const data = await mkdtemp(join(from.scratch, 'restored-'));
  // A socket's path is bounded by 107 letters, a scratch folder's is not.
  const sockets = await mkdtemp(join(tmpdir(), 'wg-'));
  let server: MomentaryServer | null = null;
  let client: EtcdClient | null = null;
  try {
    await restore(from.programs, from.snapshot, join(data, 'etcd'));
    const socket = join(sockets, 'client');
    server = new MomentaryServer(
      'the restored etcd',
      from.programs.etcd,
      serverArgs(join(data, 'etcd'), socket),
      sockets,
    );
    const serving = (client = new EtcdClient(`unix:${socket}`, null));
    await server.until(async () => (await serving.status()).version !== '', START_MS);
    return await work({ address: `unix://${socket}`, client: serving });
  } finally {
    client?.close();
    await server?.stop();
    await rm(data, { recursive: true, force: true });
    await rm(sockets, { recursive: true, force: true });
  }
}

async function restore({ restorer }: EtcdPrograms, snapshot: string, dataDir: string): Promise<void> {
  const member = ['--name', 's', '--initial-cluster', `s=${PEER}`, '--initial-advertise-peer-urls', PEER];
  try {
    await runProgram(restorer, ['snapshot', 'restore', snapshot, '--data-dir', dataDir, ...member]);
  } catch (error) {
    const said = messageOf(error);
    if (/no space left/i.test(said)) {
      throw new BackupFailed('no_space', `no space is left to restore the snapshot for proof in ${dataDir}`);
    }
    throw new BackupFailed('not_restorable', `the snapshot cannot be restored: ${said}`, { cause: error });
  }
}

function serverArgs(dataDir: string, socket: string): readonly string[] {
  return [
    ...['--name=s', `--data-dir=${dataDir}`, `--initial-cluster=s=${PEER}`, `--initial-advertise-peer-urls=${PEER}`],
    ...[
      `--listen-peer-urls=${PEER}`,
      `--listen-client-urls=unix://${socket}`,
      '--advertise-client-urls=unix://client:1',
    ],
    ...['--unsafe-no-fsync', '--log-level=error', `--quota-backend-bytes=${QUOTA_BYTES}`],
  ];
}
