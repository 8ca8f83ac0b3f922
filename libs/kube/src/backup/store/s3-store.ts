import type { S3Client } from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import { BackupFailed, messageOf } from '../backup-failed.js';
import type { BackupStore, StoredObject } from './backup-store.js';
import { CountedBytes } from './counted-bytes.js';
import { s3Failure } from './s3-failure.js';

/** At most two parts in memory at a time; 10,000 parts of it are 80 GB, ten times the largest etcd. */
const PART_BYTES = 8 << 20;
const PARALLEL = 2;
const CONNECT_MS = 5_000;
const SILENCE_MS = 60_000;

export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Null: Amazon's own. */
  readonly endpointUrl: string | null;
  readonly region: string;
}

/** An S3 bucket, of whatever maker. Credentials come from where Amazon's own tools look for them. */
export class S3Store implements BackupStore {
  readonly remote = true;
  readonly where: string;
  private opened: Promise<S3Client> | null = null;

  constructor(private readonly place: S3Place) {
    this.where = `s3://${[place.bucket, place.prefix].filter(Boolean).join('/')}`;
  }

  pathOf(name: string): string {
    return `${this.where}/${name}`;
  }

  /** Writes and removes a small object: only that shows the right to write. */
  async probe(): Promise<void> {
    const name = `.wavegate-probe-${process.pid}-${Date.now()}`;
    const { PutObjectCommand } = await sdk();
    await this.tried((client) =>
      client.send(new PutObjectCommand({ Bucket: this.place.bucket, Key: this.key(name), Body: 'probe' })),
    );
    await this.remove(name);
  }

  async write(name: string, body: AsyncIterable<Uint8Array>): Promise<StoredObject> {
    const { Upload } = await sdk();
    const counted = new CountedBytes();
    const source = Readable.from(counted.through(body), { objectMode: false, highWaterMark: 1 << 18 });
    await this.tried(async (client) => {
      const upload = new Upload({
        client,
        params: { Bucket: this.place.bucket, Key: this.key(name), Body: source },
        partSize: PART_BYTES,
        queueSize: PARALLEL,
        // A failed upload is aborted by the library: no parts are left that are paid for and never seen.
        leavePartsOnError: false,
      });
      await upload.done();
    });
    try {
      await counted.mustComeBack(this.pathOf(name), await this.read(name));
    } catch (error) {
      await this.remove(name).catch(() => undefined);
      throw error;
    }
    return { path: this.pathOf(name), sizeBytes: counted.sizeBytes, sha256: counted.sha256 };
  }

  async read(name: string): Promise<Readable> {
    const { GetObjectCommand } = await sdk();
    const { Body } = await this.tried((client) =>
      client.send(new GetObjectCommand({ Bucket: this.place.bucket, Key: this.key(name) })),
    );
    return Readable.from(namedBreaks(this.pathOf(name), Body as Readable), { objectMode: false });
  }

  async list(): Promise<readonly string[]> {
    const { ListObjectsV2Command } = await sdk();
    const names: string[] = [];
    const folder = this.key('');
    let token: string | undefined;
    do {
      const page = await this.tried((client) =>
        client.send(new ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: folder, ContinuationToken: token })),
      );
      const keys = page.Contents?.map(({ Key = '' }) => Key.slice(folder.length)) ?? [];
      names.push(...keys.filter((name) => name !== '' && !name.includes('/')));
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token);
    return names.sort();
  }

  async remove(name: string): Promise<void> {
    const { DeleteObjectCommand } = await sdk();
    await this.tried((client) =>
      client.send(new DeleteObjectCommand({ Bucket: this.place.bucket, Key: this.key(name) })),
    );
  }

  private key(name: string): string {
    return this.place.prefix ? `${this.place.prefix}/${name}` : name;
  }

  private async tried<T>(act: (client: S3Client) => Promise<T>): Promise<T> {
    try {
      this.opened ??= open(this.place);
      return await act(await this.opened);
    } catch (error) {
      throw s3Failure(this.where, error);
    }
  }
}

/** A store that breaks off in the middle is named; the bare socket's words name nothing. */
async function* namedBreaks(path: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let got = 0;
  try {
    for await (const chunk of body) {
      got += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new BackupFailed('unreachable', `${path}: the store broke off after ${got} bytes (${messageOf(error)})`);
  }
}

/** Megabytes of code that an agent at rest never needs. */
const sdk = () => import('./s3-sdk.js');

async function open({ endpointUrl, region }: S3Place): Promise<S3Client> {
  const { S3Client } = await sdk();
  return new S3Client({
    region,
    ...(endpointUrl ? { endpoint: endpointUrl, forcePathStyle: true } : {}),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
    // Checksums beyond the signature are Amazon's; other makers' stores refuse them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
