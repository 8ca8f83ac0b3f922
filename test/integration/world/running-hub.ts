import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterFacts } from '@wavegate/fleet';
import { openStorage, type Storage } from '@wavegate/storage';
import { readConfig } from '../../../apps/hub/src/process/config.js';
import { startHub, type RunningHub } from '../../../apps/hub/src/process/hub.js';
import { openLog } from '../../../apps/hub/src/process/log.js';
import { freePorts } from '../../kube/world/free-ports.js';
import { silentLog, startTestPostgres } from './embedded-postgres.js';
import { enrol } from './storage-world.js';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the tests look into many shapes; each assertion says what it expects
  readonly body: any;
}

/** The real hub on a real PostgreSQL, in this process; asked over HTTP as any portal would. */
export interface TestHub {
  readonly url: string;
  readonly adminToken: string;
  /** Where agents find it. */
  readonly gateway: string;
  readonly enrolment: string;
  /** The same database, for setting the scene and for looking behind. */
  readonly storage: Storage;
  ask(
    method: string,
    path: string,
    body?: unknown,
    options?: { token?: string | null; type?: string },
  ): Promise<Answer>;
  /** A cluster as an agent would have reported it, connected. */
  addCluster(id: string, labels: Readonly<Record<string, string>>, facts?: Partial<ClusterFacts>): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestHub(): Promise<TestHub> {
  const postgres = await startTestPostgres();
  const databaseUrl = await postgres.createDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'wavegate-test-hub-'));
  await chmod(dataDir, 0o755);
  const [http = 0, gateway = 0, enrolment = 0] = await freePorts(3);
  const config = readConfig({
    WAVEGATE_HTTP: `127.0.0.1:${http}`,
    WAVEGATE_GATEWAY: `127.0.0.1:${gateway}`,
    WAVEGATE_ENROLMENT: `127.0.0.1:${enrolment}`,
    WAVEGATE_DATA_DIR: dataDir,
    WAVEGATE_LOG: 'silent',
    // `addCluster` plays an agent that says nothing more: no test of these may last until it counts as lost.
    WAVEGATE_AGENT_LOST_AFTER_S: '3600',
    DATABASE_URL: databaseUrl,
  });
  const hub: RunningHub = await startHub(config, openLog('silent'));
  const storage = await openStorage({ url: databaseUrl, poolSize: 4, log: silentLog });
  const adminToken = hub.facts.firstToken ?? '';
  const url = hub.facts.httpUrl;
  return {
    url,
    adminToken,
    gateway: config.publicGateway,
    enrolment: config.publicEnrolment,
    storage,
    ask: async (method, path, body, { token = adminToken, type = 'application/json' } = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { 'content-type': type, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const contentType = response.headers.get('content-type') ?? '';
      return {
        status: response.status,
        type: contentType,
        headers: response.headers,
        body: contentType.includes('json') && text ? JSON.parse(text) : text,
      };
    },
    addCluster: async (id, labels, facts = {}) => {
      await enrol(storage, id);
      await storage.clusters.setLabels(id, labels, 'test');
      await storage.sessions.open({
        clusterId: id,
        replica: 'test',
        clusterUid: `uid-${id}`,
        certificateSerial: `cert-${id}`,
        agentVersion: '0.1.0',
        facts: { ...factsOf(id), ...facts },
      });
    },
    stop: async () => {
      await hub.close();
      await storage.close();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function factsOf(id: string): ClusterFacts {
  const node = (name: string, role: 'controlPlane' | 'worker') => ({
    name,
    role,
    kubelet: '1.34.4',
    ready: true,
    schedulable: true,
    zone: 'a',
  });
  return {
    schema: 1,
    uid: `uid-${id}`,
    driver: 'kubeadm',
    apiServers: ['1.34.4'],
    nodes: [node('cp-1', 'controlPlane'), node('w-1', 'worker'), node('w-2', 'worker')],
    pdbCount: 0,
    provider: '',
    observedAt: Date.now(),
  };
}
