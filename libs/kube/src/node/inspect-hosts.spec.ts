import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { PlanSchema, type Order } from '@wavegate/fleet';
import { CancelSource } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import { NODE_JOB_NAMESPACE } from '../node-job.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';
import type { HostFacts } from './host-facts.js';
import { inspectHosts } from './inspect-hosts.js';

const JOBS = '/apis/batch/v1/jobs';
let api: FakeApiServer;
let kube: KubeAccess;
let playing: NodeJS.Timeout;
let facts: readonly HostFacts[];
beforeEach(async () => ({ api, kube } = await startKubeWorld()));
afterEach(async () => {
  clearInterval(playing);
  await api.stop();
});

const plan = PlanSchema.parse({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
  spec: { target: { kubernetes: '1.35.4' } },
});
const order = { id: 'order-1', hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' } } as unknown as Order;

const node = (name: string, ready: 'True' | 'False'): void =>
  void api.put('/api/v1/nodes', {
    metadata: { name },
    spec: {},
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });

/** Nodes by name, with what the host says at the end of its Job; null: the Job fails without a word. */
async function inspect(hosts: Readonly<Record<string, object | null>>) {
  for (const name of Object.keys(hosts)) node(name, 'True');
  playing = setInterval(() => {
    for (const job of api.all(JOBS) as {
      metadata: { name: string; uid?: string };
      status?: object;
      spec?: unknown;
    }[]) {
      if (job.status && 'conditions' in job.status) continue;
      const { nodeName } = (job.spec as { template: { spec: { nodeName: string } } }).template.spec;
      const said = hosts[nodeName];
      const message = said ? JSON.stringify({ ok: true, ...said }) : '';
      api.put('/api/v1/pods', {
        metadata: {
          ...{ name: `${job.metadata.name}-x`, namespace: NODE_JOB_NAMESPACE },
          labels: { 'batch.kubernetes.io/controller-uid': job.metadata.uid ?? '' },
        },
        spec: { containers: [] },
        status: { containerStatuses: [{ state: { terminated: { message } } }] },
      });
      const type = said ? 'Complete' : 'Failed';
      api.put(JOBS, {
        ...job,
        metadata: job.metadata,
        status: { conditions: [{ type, status: 'True', message: 'gone' }] },
      });
    }
  }, 10);
  const means = { kube, clock: new FastClock(100), nodeImage: 'image', settings: { packageMirror: null } };
  const request = { order, plan, target: '1.35.4', attempt: 1, cancel: new CancelSource() };
  const { hosts: found, hostFacts } = await inspectHosts(means, request);
  facts = hostFacts;
  return found;
}

const apt = { manager: 'apt', found: [] };
const says = (...codes: string[]) => ({
  manager: 'apt',
  found: codes.map((code) => ({ code, text: `words of ${code}` })),
});

describe('what the hosts say', () => {
  it('nothing is the matter → one Job per node that changes nothing, and no finding', async () => {
    expect(await inspect({ 'cp-1': apt, 'w-1': apt })).toEqual([]);
    const verbs = api.all(JOBS).map(({ metadata }) => (metadata as { labels?: Record<string, string> }).labels);
    expect(verbs.map((labels) => labels?.['wavegate.dev/step'])).toEqual(['inspect', 'inspect']);
  });

  it.each([
    ['not_kubeadm', 'host_not_of_kubeadm'],
    ['node_name_mismatch', 'node_name_mismatch'],
    ['package_manager_unknown', 'package_manager_unknown'],
    ['package_manager_experimental', 'package_manager_experimental'],
    ['package_missing', 'package_missing'],
    ['repository_unknown', 'package_repository_unusable'],
    ['repository_unreachable', 'package_repository_unusable'],
    ['disk_full', 'host_disk_full'],
    ['image_not_here', 'image_not_on_host'],
    ['etcd_alarm', 'etcd_alarm_raised'],
    ['etcd_leaders', 'etcd_leader_unstable'],
    ['quorum_at_risk', 'etcd_quorum_at_risk'],
    ['kubeadm_plan_failed', 'kubeadm_plan_failed'],
    ['kubeadm_plan_warns', 'kubeadm_plan_says'],
  ])('the script says %s → finding %s, about this node, in its words, with a remedy', async (code, finding) => {
    const found = await inspect({ 'cp-1': apt, 'w-1': says(code) });
    expect(found).toEqual([
      {
        code: finding,
        object: 'w-1',
        message: `w-1: words of ${code}`,
        remedy: expect.stringMatching(/./),
        nodes: ['w-1'],
      },
    ]);
  });

  it('apt and dnf in one cluster → one finding that names who has which', async () => {
    const found = await inspect({ 'w-1': apt, 'w-2': { manager: 'dnf', found: [] } });
    expect(found).toMatchObject([
      { code: 'package_managers_mixed', message: 'different package managers: apt on w-1; dnf on w-2' },
    ]);
  });

  it('one host gives no answer → named; none does → one finding for all of them', async () => {
    expect(await inspect({ 'w-1': apt, 'w-2': null })).toMatchObject([{ code: 'host_not_inspected', object: 'w-2' }]);
    clearInterval(playing);
    await api.stop();
    ({ api, kube } = await startKubeWorld());
    expect(await inspect({ 'w-1': null, 'w-2': null })).toMatchObject([
      { code: 'host_not_inspected', object: 'nodes', nodes: ['w-1', 'w-2'] },
    ]);
  });

  it('what the hosts are → told as facts beside the findings; what cannot be read there is not told', async () => {
    const packed = gzipSync('maxPods: 200\n').toString('base64');
    const served = [{ of: 'kubelet', at: '127.0.0.1:10250', until: 'Nov 21 12:00:00 2027 GMT' }, { of: 'etcd' }, 7];
    const hosts = {
      'w-1': { ...apt, cgroup: 'cgroup2fs', served, kubeletConfig: packed },
      'w-2': { ...apt, cgroup: 'tmpfs', served: 'x', kubeletConfig: packed.slice(0, 12) },
      'w-3': apt,
    };
    expect(await inspect(hosts)).toEqual([]);
    const until = Date.parse('2027-11-21T12:00:00Z');
    const none = { cgroup: null, served: [], kubeletConfig: null, kubeletConfigTooLarge: false };
    expect(facts).toEqual([
      {
        ...{ ...none, node: 'w-1', cgroup: 'v2', kubeletConfig: 'maxPods: 200\n' },
        served: [{ of: 'kubelet', at: '127.0.0.1:10250', until }],
      },
      { ...none, node: 'w-2', cgroup: 'v1' },
      { ...none, node: 'w-3' },
    ]);
  });

  it('no program there that could look at a certificate, a configuration too large → said, once for all such hosts', async () => {
    const blind = { ...apt, served: null, kubeletConfig: null };
    expect(await inspect({ 'w-1': blind, 'w-2': blind })).toMatchObject([
      {
        code: 'host_not_inspected',
        severity: 'info',
        message: expect.stringMatching(/^not seen on w-1, w-2: .*openssl/),
      },
      { code: 'host_not_inspected', severity: 'info', message: expect.stringMatching(/kubelet\/config\.yaml/) },
    ]);
  });

  it('a node that is not Ready → not looked at: that is a finding of its own', async () => {
    node('w-2', 'False');
    expect(await inspect({ 'w-1': apt })).toEqual([]);
    expect(api.all(JOBS)).toHaveLength(1);
  });

  it('a Job that never ends → given up after its time, and named', async () => {
    node('w-1', 'True');
    const means = { kube, clock: new FastClock(1_000), nodeImage: 'image', settings: { packageMirror: null } };
    const request = { order, plan, target: '1.35.4', attempt: 1, cancel: new CancelSource() };
    expect((await inspectHosts(means, request)).hosts).toMatchObject([
      { code: 'host_not_inspected', message: expect.stringContaining('did not end in time') },
    ]);
  });

  it('a Job that the API server refuses → said once, in its words', async () => {
    const message = 'jobs.batch is forbidden';
    api.onRequest = (method) => (method === 'POST' ? { code: 403, body: { message } } : null);
    expect(await inspect({ 'w-1': apt })).toMatchObject([
      { code: 'host_not_inspected', message: expect.stringContaining(message) },
    ]);
  });

  it('words of a newer image, and words that are none → passed over', async () => {
    expect(
      await inspect({ 'w-1': { manager: 'apt', found: [{ code: 'moon_phase', text: 'full' }, 7, null] } }),
    ).toEqual([]);
  });
});
