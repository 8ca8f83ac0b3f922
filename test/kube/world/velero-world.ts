import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePorts } from './free-ports.js';
import { programPath, RCLONE_VERSION, VELERO_PLUGIN_VERSION, VELERO_VERSION } from './obtained-programs.js';
import type { RealCluster } from './real-cluster.js';
import { rewriteBackup } from './velero-stored-backup.js';

const API = '/apis/velero.io/v1/namespaces/velero';
const KEY = { id: 'wavegate', secret: 'wavegate-test' };

export interface VeleroObject {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: { readonly phase?: string; readonly [field: string]: unknown };
}

/**
 * Velero's real server beside a cluster, with a real object store: `rclone serve s3` over a folder, so that a test can
 * look at, and spoil, what is stored. Its pod is a process; everything else is as `velero install` leaves it.
 */
export class VeleroWorld {
  private readonly bucket: string;
  private readonly dir: string;

  private constructor(
    private readonly cluster: RealCluster,
    private readonly ports: { readonly store: number; readonly metrics: number; readonly profiler: number },
  ) {
    this.dir = join(cluster.dir, 'velero');
    this.bucket = join(this.dir, 'store', 'backups');
  }

  static async start(cluster: RealCluster): Promise<VeleroWorld> {
    const [store, metrics, profiler] = (await freePorts(3)) as [number, number, number];
    const world = new VeleroWorld(cluster, { store, metrics, profiler });
    world.lay();
    await world.install();
    await world.startStore();
    await cluster.api.create(`${API}/backupstoragelocations`, world.location());
    world.startServer();
    await world.locationIs('Available');
    return world;
  }

  async startStore(): Promise<void> {
    const args = ['serve', 's3', '--addr', `127.0.0.1:${this.ports.store}`, '--auth-key', `${KEY.id},${KEY.secret}`];
    const rclone = programPath('rclone', RCLONE_VERSION);
    this.cluster.programs.start('store', rclone, [...args, join(this.dir, 'store')]);
    await eventually('the object store', () => answers(this.ports.store));
  }

  stopStore(): Promise<void> {
    return this.cluster.programs.stop('store', 0);
  }

  /** Spoils a stored backup; the store is started anew, for it remembers the size of each file for minutes. */
  async spoil(backup: string, change: Parameters<typeof rewriteBackup>[2]): Promise<void> {
    await this.stopStore();
    await rewriteBackup(this.bucket, backup, change);
    await this.startStore();
  }

  startServer(): void {
    const env = {
      KUBECONFIG: this.cluster.kubeconfigPath,
      VELERO_NAMESPACE: 'velero',
      AWS_SHARED_CREDENTIALS_FILE: join(this.dir, 'credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: this.dir,
      VELERO_SCRATCH_DIR: join(this.dir, 'scratch'),
    };
    const listen = [
      `--metrics-address=127.0.0.1:${this.ports.metrics}`,
      `--profiler-address=127.0.0.1:${this.ports.profiler}`,
    ];
    const args = ['server', '--plugin-dir', join(this.dir, 'plugins'), ...listen];
    this.cluster.programs.start('velero', programPath('velero', VELERO_VERSION), args, env);
  }

  /** Gone at once, like a killed pod. */
  stopServer(): Promise<void> {
    return this.cluster.programs.stop('velero', 0);
  }

  async locationIs(phase: string): Promise<void> {
    await eventually(`the storage location to be ${phase}`, async () => {
      const { status } = await this.get('backupstoragelocations', 'default');
      return status?.phase === phase;
    });
  }

  get(plural: string, name: string): Promise<VeleroObject> {
    return this.cluster.api.get(`${API}/${plural}/${name}`) as unknown as Promise<VeleroObject>;
  }

  list(plural: string): Promise<readonly VeleroObject[]> {
    return this.cluster.api.list(`${API}/${plural}`) as unknown as Promise<readonly VeleroObject[]>;
  }

  create(plural: string, kind: string, object: object): Promise<unknown> {
    return this.cluster.api.create(`${API}/${plural}`, { apiVersion: 'velero.io/v1', kind, ...object });
  }

  private lay(): void {
    for (const folder of ['store/backups', 'plugins', 'scratch'])
      mkdirSync(join(this.dir, folder), { recursive: true });
    const text = `[default]\naws_access_key_id=${KEY.id}\naws_secret_access_key=${KEY.secret}\n`;
    writeFileSync(join(this.dir, 'credentials'), text, { mode: 0o600 });
    symlinkSync(
      programPath('velero-plugin-for-aws', VELERO_PLUGIN_VERSION),
      join(this.dir, 'plugins', 'velero-plugin-for-aws'),
    );
  }

  private async install(): Promise<void> {
    const crds = join(this.dir, 'crds.yaml');
    const velero = programPath('velero', VELERO_VERSION);
    writeFileSync(crds, execFileSync(velero, ['install', '--crds-only', '--dry-run', '-o', 'yaml']));
    const { code, stderr } = await this.cluster.kubectl('apply', '--server-side', '-f', crds);
    if (code !== 0) throw new Error(`Velero's CRDs were refused: ${stderr}`);
    const { api } = this.cluster;
    await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'velero' } });
    // A restore looks for the server's own Deployment; without it every one ends PartiallyFailed.
    const labels = { component: 'velero' };
    await api.create('/apis/apps/v1/namespaces/velero/deployments', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'velero' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'velero', image: 'velero/velero:v1.18.3' }] } },
      },
    });
    await eventually('the API of Velero', () => api.get(API.replace(/\/namespaces.*/, '')));
  }

  private location(): object {
    return {
      apiVersion: 'velero.io/v1',
      kind: 'BackupStorageLocation',
      metadata: { name: 'default' },
      spec: {
        provider: 'velero.io/aws',
        default: true,
        validationFrequency: '2s',
        objectStorage: { bucket: 'backups' },
        config: { region: 'here', s3ForcePathStyle: 'true', s3Url: `http://127.0.0.1:${this.ports.store}` },
      },
    };
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => done(socket.destroy() !== undefined));
    socket.once('error', () => done(false));
  });
}
