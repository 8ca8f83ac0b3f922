import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ChildPrograms } from './child-programs.js';
import { eventually } from './eventually.js';
import { freePorts } from './free-ports.js';
import { programPath, RCLONE_VERSION } from './obtained-programs.js';

/** A real S3 server (`rclone serve s3`) over a folder: a bucket is a folder in it, an object a file. */
export class ObjectStore {
  private constructor(
    readonly dir: string,
    readonly url: string,
    readonly keyId: string,
    readonly secret: string,
    private readonly programs: ChildPrograms,
  ) {}

  /** `dir`: the run's folder; the store lies in a folder of its own below it. */
  static async start(dir: string, buckets: readonly string[], name = 'object-store'): Promise<ObjectStore> {
    const root = join(dir, name);
    for (const bucket of buckets) mkdirSync(join(root, 'data', bucket), { recursive: true });
    const [port] = (await freePorts(1)) as [number];
    const programs = new ChildPrograms(root);
    const store = new ObjectStore(root, `http://127.0.0.1:${port}`, 'test-key', 'test-secret-of-16', programs);
    const where = ['--addr', `127.0.0.1:${port}`, '--auth-key', `${store.keyId},${store.secret}`];
    const args = [
      'serve',
      's3',
      ...where,
      '--config',
      join(root, 'none.conf'),
      '--dir-cache-time',
      '0s',
      '--no-cleanup',
      join(root, 'data'),
    ];
    programs.start('rclone', programPath('rclone', RCLONE_VERSION), args);
    await eventually('the object store to listen', () => listens(port));
    return store;
  }

  /** What a client's environment needs. */
  get credentials(): Readonly<Record<string, string>> {
    return { AWS_ACCESS_KEY_ID: this.keyId, AWS_SECRET_ACCESS_KEY: this.secret, AWS_EC2_METADATA_DISABLED: 'true' };
  }

  bucket(name: string): string {
    return join(this.dir, 'data', name);
  }

  stop(): Promise<void> {
    return this.programs.stopAll();
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      answer(true);
    });
    socket.once('error', () => answer(false));
  });
}
