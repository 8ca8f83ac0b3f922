import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CancelSource } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import { NODE_JOB_NAMESPACE, nodeJobName } from '../node-job.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';
import { DEFAULT_BACKUP } from './backup-job.js';
import { lookAtEtcdByJob } from './etcd-look-step.js';

const JOBS = '/apis/batch/v1/jobs';
const PODS = '/api/v1/pods';
const TARGET = '1.35.4';
const NAME = nodeJobName('order-1', { kind: 'preflight', name: 'look/etcd', target: TARGET }, 1);
const externalEtcd = { endpoints: ['https://e1:2379'], secret: 'etcd-client' };
const member = {
  ...{ name: 'e1', at: 'https://e1:2379', silent: '', learner: false, led: true, leads: true, version: '3.6.16' },
  ...{ dbBytes: 7, quotaBytes: 9, leaders: { count: 1, since: 5 } },
};

let api: FakeApiServer;
let kube: KubeAccess;
beforeEach(async () => ({ api, kube } = await startKubeWorld()));
afterEach(() => api.stop());

function controlPlane(ready: 'True' | 'False'): void {
  api.put('/api/v1/nodes', {
    metadata: { name: 'cp-1', labels: { 'node-role.kubernetes.io/control-plane': '' } },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready }], nodeInfo: { kubeletVersion: 'v1.34.4' } },
  });
}

function look(backup = { ...DEFAULT_BACKUP, externalEtcd } as typeof DEFAULT_BACKUP) {
  const request = { orderId: 'order-1', target: TARGET, attempt: 1, cancel: new CancelSource() };
  return lookAtEtcdByJob({ kube, clock: new FastClock(100), backup }, request);
}

/** As soon as the Job is there: its pod's message, and its condition. */
function endSoon(message: object, type: 'Complete' | 'Failed' = 'Complete'): void {
  const job = api.get(JOBS, NAME, NODE_JOB_NAMESPACE);
  if (!job) return void setTimeout(() => endSoon(message, type), 5);
  const labels = { 'batch.kubernetes.io/controller-uid': job.metadata.uid ?? '' };
  api.put(PODS, {
    metadata: { name: `${NAME}-x`, namespace: NODE_JOB_NAMESPACE, labels },
    spec: { containers: [] },
    status: { containerStatuses: [{ state: { terminated: { message: JSON.stringify(message) } } }] },
  });
  api.put(JOBS, { ...job, status: { conditions: [{ type, status: 'True', reason: '', message: '' }] } });
}

describe('a look at an etcd beside the cluster, by a Job', () => {
  it('stacked etcd → nothing is asked, no Job is made', async () => {
    controlPlane('True');
    expect(await look(DEFAULT_BACKUP)).toBeUndefined();
    expect(api.get(JOBS, NAME, NODE_JOB_NAMESPACE)).toBeNull();
  });

  it('it told of its members → as it said, whatever else the message holds', async () => {
    controlPlane('True');
    endSoon({ ok: true, members: [{ ...member, more: 1 }], alarms: ['NOSPACE'] });
    expect(await look()).toEqual({ members: [member], alarms: ['NOSPACE'] });
  });

  it.each([
    [{ ok: false, error: 'etcd at https://e1:2379: no answer' }, 'Failed', /no answer/],
    [{ ok: true, members: [] }, 'Complete', /told nothing that can be read/],
  ] as const)('the Job left %j → why it is not known', async (message, type, why) => {
    controlPlane('True');
    endSoon(message, type);
    expect(await look()).toEqual({ whyNot: expect.stringMatching(why) });
  });

  it('its pod never starts → given up in time, and what may be missing is named', async () => {
    controlPlane('True');
    expect(await look()).toEqual({ whyNot: expect.stringContaining('is Secret etcd-client in wavegate-nodes') });
  });

  it('no control-plane node is Ready → said, and no Job waits there', async () => {
    controlPlane('False');
    expect(await look()).toEqual({ whyNot: expect.stringContaining('no control-plane node is Ready') });
    expect(api.get(JOBS, NAME, NODE_JOB_NAMESPACE)).toBeNull();
  });
});
