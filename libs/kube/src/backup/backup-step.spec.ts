import type { V1Job } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Order } from '@wavegate/fleet';
import { CancelSource, type Step, type StepContext } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, nodeJobName } from '../node-job.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';
import { DEFAULT_BACKUP } from './backup-job.js';
import { exportByJob, snapshotByJob } from './backup-step.js';

const JOBS = '/apis/batch/v1/jobs';
const PODS = '/api/v1/pods';
const snapshot = { kind: 'snapshotEtcd', name: 'snapshotEtcd/cp-1', node: 'cp-1', verify: 'restore' } as const;
const exporting = {
  ...{ kind: 'exportManifests', name: 'exportManifests', archive: 'a', namespaces: ['shop'], selector: '', ttlMs: 0 },
} as const satisfies Step;

const told = {
  ...{ ok: true, backup: 'etcd', node: 'cp-1', path: '/var/lib/wavegate/backups/x.tar', sha256: 'a'.repeat(64) },
  ...{ revision: 7, totalKeys: 5, sizeBytes: 9, takenAt: 1_700_000_000_000, verified: 'restore' },
  ...{ checks: ['restored'], encryptedTo: ['age1a'] },
};

let api: FakeApiServer;
let kube: KubeAccess;
beforeEach(async () => ({ api, kube } = await startKubeWorld()));
afterEach(() => api.stop());

const means = () => ({ kube, clock: new FastClock(100), backup: DEFAULT_BACKUP });
const context = (): StepContext => ({
  order: { id: 'order-1', clusterUid: 'uid-1' } as Order,
  attempt: 1,
  report: () => undefined,
  cancel: new CancelSource(),
});

/** As soon as the Job is there: its pod's message, and its condition. */
function endSoon(name: string, message: object, type: 'Complete' | 'Failed' = 'Complete'): void {
  const job = api.get(JOBS, name, NODE_JOB_NAMESPACE);
  if (!job) return void setTimeout(() => endSoon(name, message, type), 5);
  const labels = { 'batch.kubernetes.io/controller-uid': job.metadata.uid ?? '' };
  const terminated = { message: JSON.stringify(message) };
  api.put(PODS, {
    metadata: { name: `${name}-x`, namespace: NODE_JOB_NAMESPACE, labels },
    spec: { containers: [] },
    status: { containerStatuses: [{ state: { terminated } }] },
  });
  api.put(JOBS, { ...job, status: { conditions: [{ type, status: 'True', reason: '', message: '' }] } });
}

describe('a backup by a Job', () => {
  it('a snapshot that was proven → its receipt, letter for letter; the Job carries order, node and step', async () => {
    const name = nodeJobName('order-1', snapshot, 1);
    endSoon(name, told);
    const { ok: _ok, ...receipt } = told;
    expect(await snapshotByJob(means(), snapshot, context())).toEqual({ kind: 'succeeded', receipt });
    expect(api.get(JOBS, name, NODE_JOB_NAMESPACE)?.metadata.labels).toEqual({
      [JOB_LABELS.order]: 'order-1',
      [JOB_LABELS.node]: 'cp-1',
      [JOB_LABELS.step]: 'etcdSnapshot',
    });
  });

  it('the order names it and says how long it stays → both are words of the Job, of an export and of a snapshot', async () => {
    const ttlMs = 30 * 86_400_000;
    const steps = [
      { ...exporting, ttlMs, archive: 'before-autumn' },
      { ...snapshot, ttlMs, archive: 'before-autumn' },
    ];
    for (const step of steps) {
      const name = nodeJobName('order-1', step, 1);
      endSoon(name, told);
      if (step.kind === 'exportManifests') await exportByJob(means(), step, context());
      else await snapshotByJob(means(), step, context());
      const job = api.get(JOBS, name, NODE_JOB_NAMESPACE) as unknown as V1Job;
      expect(job.spec?.template.spec?.containers[0]?.args?.join(' ')).toContain(
        '--name before-autumn --ttl 2592000000ms',
      );
    }
  });

  it('a drill → a Job that reads the target and holds no certificate of etcd; when it was proven is in the receipt', async () => {
    const step = { ...snapshot, prove: 'latest' } as const;
    const name = nodeJobName('order-1', step, 1);
    endSoon(name, { ...told, provenAt: 1_700_000_500_000 });
    const backup = {
      ...DEFAULT_BACKUP,
      target: 's3://backups/prod',
      recipients: ['age1a'],
      identitySecret: 'drill-key',
    };
    expect(await snapshotByJob({ ...means(), backup }, step, context())).toMatchObject({
      receipt: { takenAt: told.takenAt, provenAt: 1_700_000_500_000 },
    });
    const pod = (api.get(JOBS, name, NODE_JOB_NAMESPACE) as unknown as V1Job).spec?.template.spec;
    expect(pod?.containers[0]?.args?.join(' ')).toBe(
      'backup verify --latest etcd --cluster uid-1 --from s3://backups/prod --programs-of-port 2379 --scratch /scratch ' +
        '--identity /identity/key.txt --termination-log /dev/termination-log --output json',
    );
    expect(pod?.volumes?.map((one) => one.name)).toEqual(['scratch', 'identity']);
  });

  it.each([{ sha256: '' }, { revision: 'many' }, { path: undefined }])(
    'a good end, but a message with %j → no receipt, so no backup',
    async (change) => {
      endSoon(nodeJobName('order-1', snapshot, 1), { ...told, ...change });
      expect(await snapshotByJob(means(), snapshot, context())).toEqual({
        kind: 'failed',
        reason: { code: 'backup_failed', params: { detail: 'the snapshot on cp-1 left no receipt' } },
      });
    },
  );

  it('the program says why it made none → its words are the reason', async () => {
    endSoon(nodeJobName('order-1', snapshot, 1), { ok: false, error: 'no space is left there' }, 'Failed');
    expect(await snapshotByJob(means(), snapshot, context())).toMatchObject({
      kind: 'failed',
      reason: { code: 'step_failed', params: { detail: 'no space is left there', node: 'cp-1' } },
    });
  });

  it.each(['pvc:backups', 's3://backups/prod'])(
    'to %s without a reader named → refused, and no Job is made',
    async (target) => {
      const unsafe = { ...means(), backup: { ...DEFAULT_BACKUP, target } };
      const refused = { reason: { params: { detail: expect.stringContaining('--backup-recipients') } } };
      expect(await snapshotByJob(unsafe, snapshot, context())).toMatchObject(refused);
      expect(await exportByJob(unsafe, exporting, context())).toMatchObject(refused);
      for (const step of [snapshot, exporting]) {
        expect(api.get(JOBS, nodeJobName('order-1', step, 1), NODE_JOB_NAMESPACE)).toBeNull();
      }
    },
  );

  it('an export → by its own ServiceAccount, on no node in particular', async () => {
    const name = nodeJobName('order-1', exporting, 1);
    endSoon(name, { ...told, backup: 'manifests', revision: 0 });
    expect(await exportByJob(means(), exporting, context())).toMatchObject({ receipt: { backup: 'manifests' } });
    const job = api.get(JOBS, name, NODE_JOB_NAMESPACE) as unknown as { spec: { template: { spec: object } } };
    expect(job.spec.template.spec).toMatchObject({ serviceAccountName: 'wavegate-export' });
    expect(job.spec.template.spec).not.toHaveProperty('nodeName');
  });
});
