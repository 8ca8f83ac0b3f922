import { Client, credentials, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { createSecureContext } from 'node:tls';
import { BackupFailed } from '../backup-failed.js';
import { etcdFailure, tlsFailure } from './etcd-failure.js';
import * as messages from './messages.js';

/** PEM bytes; null for a server without TLS (a scratch etcd on a socket). */
export interface EtcdTls {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Bound of one question; a snapshot streams for as long as bytes keep coming. */
const ANSWER_MS = 10_000;
/** No byte for so long: the server has gone without a word. */
const SILENCE_MS = 60_000;

/** One etcd member, by its own address: what a snapshot is of, and what counts are compared with. */
export class EtcdClient {
  private readonly client: Client;

  /** `address`: `https://host:port`, or `unix:/path` of a scratch etcd. */
  constructor(
    readonly address: string,
    tls: EtcdTls | null,
  ) {
    // Chunks of a snapshot are small, but nothing bounds what a Range of one large key gives. This channel only.
    this.client = new Client(target(address), channel(tls), {
      'grpc.max_receive_message_length': -1,
      'grpc.keepalive_time_ms': 20_000,
    });
  }

  status(): Promise<messages.StatusAnswer> {
    return this.ask('Maintenance/Status', messages.emptyMessage(), messages.fromStatusResponse);
  }

  /** As this member knows them; asked of it alone, so that it answers without a quorum too. */
  members(): Promise<readonly messages.MemberAnswer[]> {
    return this.ask('Cluster/MemberList', messages.emptyMessage(), messages.fromMemberListResponse);
  }

  /** How many keys begin with the prefix, as of that revision (0: now). */
  async count(prefix: string, revision = 0): Promise<messages.RangeAnswer> {
    return this.range(prefix, { revision, countOnly: true, limit: 0 });
  }

  /** The first key with that prefix, raw: encrypted where encryption at rest is on. */
  async first(prefix: string): Promise<{ readonly key: Uint8Array; readonly value: Uint8Array } | null> {
    const { entries } = await this.range(prefix, { revision: 0, countOnly: false, limit: 1 });
    return entries[0] ?? null;
  }

  /** The database as the member streams it, page after page, its SHA-256 as the last 32 bytes. */
  async *snapshot(): AsyncGenerator<messages.SnapshotChunk> {
    const call = this.client.makeServerStreamRequest(
      '/etcdserverpb.Maintenance/Snapshot',
      (message: Buffer) => message,
      messages.fromSnapshotResponse,
      messages.emptyMessage(),
    );
    let silence = setTimeout(() => call.cancel(), SILENCE_MS);
    try {
      for await (const chunk of call as AsyncIterable<messages.SnapshotChunk>) {
        clearTimeout(silence);
        yield chunk;
        silence = setTimeout(() => call.cancel(), SILENCE_MS);
      }
    } catch (error) {
      throw etcdFailure(this.address, error);
    } finally {
      clearTimeout(silence);
      call.cancel();
    }
  }

  close(): void {
    this.client.close();
  }

  private range(
    prefix: string,
    how: { readonly revision: number; readonly countOnly: boolean; readonly limit: number },
  ): Promise<messages.RangeAnswer> {
    const key = Buffer.from(prefix);
    const question = { key, rangeEnd: afterPrefix(key), ...how };
    return this.ask('KV/Range', messages.toRangeRequest(question), messages.fromRangeResponse);
  }

  private ask<T>(method: string, request: Buffer, read: (bytes: Uint8Array) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        `/etcdserverpb.${method}`,
        (message: Buffer) => message,
        read,
        request,
        { deadline: Date.now() + ANSWER_MS },
        (error: ServiceError | null, answer?: T) => {
          if (answer !== undefined && !error) resolve(answer);
          else reject(etcdFailure(this.address, error));
        },
      );
    });
  }
}

/** The first key that no longer has the prefix. */
function afterPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

function target(address: string): string {
  if (address.startsWith('unix:')) return address;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || !url.hostname) {
    throw new BackupFailed('invalid', `--endpoint ${address}: give a URL, for example https://127.0.0.1:2379`);
  }
  return `${url.hostname}:${url.port || '2379'}`;
}

function channel(tls: EtcdTls | null): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  try {
    // gRPC would find a broken pair only while it connects, and then tries for ever.
    createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key });
    return credentials.createSsl(tls.ca, tls.key, tls.cert);
  } catch (error) {
    throw tlsFailure(error);
  }
}
