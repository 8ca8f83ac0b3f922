import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupFailed, diskFailure } from '../backup-failed.js';
import { EtcdClient, type EtcdTls } from './etcd-client.js';

/** Where etcd is and who we are to it. Without the three files, kubeadm's own below `pki` are used. */
export interface EtcdAccess {
  readonly endpoints: readonly string[];
  readonly pki: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** The first endpoint that answers. Throws what the first one said when none does. */
export async function openEtcd(access: EtcdAccess): Promise<EtcdClient> {
  const tls = readTls(access);
  let first: unknown = null;
  for (const endpoint of access.endpoints) {
    const client = new EtcdClient(endpoint, endpoint.startsWith('http:') ? null : tls);
    try {
      const { isLearner } = await client.status();
      if (isLearner) throw new BackupFailed('invalid', `etcd at ${endpoint} is a learner: name a voting member`);
      return client;
    } catch (error) {
      client.close();
      first ??= error;
    }
  }
  throw first ?? new BackupFailed('invalid', 'no --endpoint was given');
}

export const portOf = (endpoint: string): string => (URL.canParse(endpoint) && new URL(endpoint).port) || '2379';

/** Null where no endpoint speaks TLS. */
export function readTls({ endpoints, pki, caFile, certFile, keyFile }: EtcdAccess): EtcdTls | null {
  if (endpoints.every((endpoint) => endpoint.startsWith('http:'))) return null;
  const kubeadm = (name: string): string | null => (pki ? join(pki, 'etcd', name) : null);
  return {
    ca: read('--cacert', caFile ?? kubeadm('ca.crt')),
    cert: read('--cert', certFile ?? kubeadm('healthcheck-client.crt')),
    key: read('--key', keyFile ?? kubeadm('healthcheck-client.key')),
  };
}

function read(option: string, file: string | null): Buffer {
  if (!file) throw new BackupFailed('invalid', `${option} is missing: an https:// endpoint needs it, or --pki`);
  try {
    return readFileSync(file);
  } catch (error) {
    throw diskFailure(`${option} ${file}`, error);
  }
}
