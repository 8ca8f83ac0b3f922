import { mkdtempSync, chmodSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../apps/hub/src/database/embedded-postgres.js';
import { eventually } from '../../kube/world/eventually.js';
import { isAlive } from '../../kube/world/is-alive.js';

/**
 * A real PostgreSQL that is ended and started again, behind a door whose address stays: the server itself takes a new
 * port at each start. What comes while it is away is refused, as by a machine that is there while its server is not.
 */
export class DatabaseDoor {
  private readonly open = new Set<Socket>();

  private constructor(
    private readonly dir: string,
    private server: EmbeddedPostgres,
    private readonly door: Server,
  ) {
    door.on('connection', (socket) => this.pass(socket));
  }

  static async start(): Promise<DatabaseDoor> {
    const dir = mkdtempSync(join(tmpdir(), 'wavegate-database-'));
    chmodSync(dir, 0o755);
    const server = await startEmbeddedPostgres(dir);
    await withoutSync(server.url);
    const door = createServer();
    await new Promise<void>((ready) => door.listen(0, '127.0.0.1', ready));
    return new DatabaseDoor(dir, server, door);
  }

  /** The address that stays. */
  get url(): string {
    const url = new URL(this.server.url);
    url.port = String((this.door.address() as AddressInfo).port);
    return url.href;
  }

  /** `fast` lets transactions roll back; `immediate` is a crash: the next start recovers from the log. */
  async end(how: 'fast' | 'immediate'): Promise<void> {
    if (how === 'fast') return this.server.stop();
    const pid = Number(readFileSync(join(this.server.dir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGQUIT');
    await eventually('the server to be gone', () => !isAlive(pid), { everyMs: 20 });
  }

  async startAgain(): Promise<void> {
    this.server = await startEmbeddedPostgres(this.dir);
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((closed) => this.door.close(closed));
    await this.server.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  private pass(near: Socket): void {
    const far = connect(Number(new URL(this.server.url).port), '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.open.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }
}

/** Nobody cuts the machine's power here; with it, a tidy end may take longer on a busy disk than it is waited for. */
async function withoutSync(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('ALTER SYSTEM SET fsync = off');
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}
