import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CancelSource, StepInterrupted, type Step } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, nodeJobName, type NodeWork } from './node-job.js';
import { runNodeStep, type NodeStepRequest } from './node-step.js';
import type { FakeApiServer, FakeObject } from './testing/fake-api-server.js';
import { FastClock } from './testing/fast-clock.js';
import { startKubeWorld } from './testing/kube-world.js';

const JOBS = '/apis/batch/v1/jobs';
const PODS = '/api/v1/pods';
const step: Step = { kind: 'upgradeKubelet', name: 'upgradeKubelet/w-1', node: 'w-1', from: '1.34.4', to: '1.35.4' };
const work: NodeWork = { verb: 'kubelet', node: 'w-1', from: '1.34.4', to: '1.35.4', first: false, verify: 'status' };
const NAME = nodeJobName('order-1', step, 1);

let api: FakeApiServer;
let kube: KubeAccess;
beforeEach(async () => ({ api, kube } = await startKubeWorld()));
afterEach(() => api.stop());

function run(changes: Partial<NodeStepRequest> = {}) {
  const request = {
    orderId: 'order-1',
    step,
    attempt: 1,
    work,
    image: 'image',
    cancel: new CancelSource(),
    ...changes,
  };
  return runNodeStep(kube, new FastClock(100), request);
}

/** As the Job controller and the node do it: the pod ends with a message, the Job gets its condition. */
function end(type: 'Complete' | 'Failed', message: string | null, reason = ''): void {
  const job = api.get(JOBS, NAME, NODE_JOB_NAMESPACE) as FakeObject;
  if (message !== null) {
    api.put(PODS, {
      metadata: {
        name: `${NAME}-x`,
        namespace: NODE_JOB_NAMESPACE,
        labels: { 'batch.kubernetes.io/controller-uid': job.metadata.uid ?? '' },
      },
      spec: { containers: [] },
      status: { containerStatuses: [{ state: { terminated: { message } } }] },
    });
  }
  api.put(JOBS, { ...job, status: { conditions: [{ type, status: 'True', reason, message: '' }] } });
}

/** Once the Job is there. */
function endSoon(...how: Parameters<typeof end>): void {
  if (api.get(JOBS, NAME, NODE_JOB_NAMESPACE)) setTimeout(() => end(...how), 20);
  else setTimeout(() => endSoon(...how), 5);
}

const created = (): number => api.requests.filter((request) => request.startsWith('POST')).length;

describe('a step on a node', () => {
  it('no Job yet → made once, labelled, and its message is the answer', async () => {
    endSoon('Complete', '{"ok":true,"version":"1.35.4"}');
    expect(await run()).toEqual({ kind: 'reported', message: { ok: true, version: '1.35.4' } });
    expect(created()).toBe(1);
    expect(api.get(JOBS, NAME, NODE_JOB_NAMESPACE)?.metadata.labels).toEqual({
      [JOB_LABELS.order]: 'order-1',
      [JOB_LABELS.node]: 'w-1',
      [JOB_LABELS.step]: 'kubelet',
    });
  });

  it('a Job of that name from an earlier life → adopted, also when it has ended meanwhile', async () => {
    api.put(JOBS, { metadata: { name: NAME, namespace: NODE_JOB_NAMESPACE } });
    end('Complete', '{"ok":true,"version":"1.35.4"}');
    expect(await run()).toMatchObject({ kind: 'reported' });
    expect(api.all(JOBS)).toHaveLength(1);
  });

  it('the script says what went wrong → its words are the reason', async () => {
    endSoon('Failed', '{"ok":false,"error":"kubeadm: the disk is full"}');
    expect(await run()).toEqual({
      kind: 'failed',
      reason: {
        code: 'step_failed',
        params: { step: 'upgradeKubelet/w-1', node: 'w-1', detail: 'kubeadm: the disk is full' },
      },
    });
  });

  it('the Job ended well but its script says no → failed: the exit code alone is not believed', async () => {
    endSoon('Complete', '{"ok":false,"error":"kubeadm reverted"}');
    expect(await run()).toMatchObject({ kind: 'failed' });
  });

  it.each([
    [
      'the node lost its power: kubelet finds no container',
      'The container could not be located when the pod was terminated',
    ],
    ['evicted: its last line of progress is left', '{"phase":"keep","percent":10,"waiting":"the configuration"}'],
    ['killed while it wrote', '{"ok":true,"vers'],
    ['no pod is left to ask', null],
  ])('%s → interrupted, not failed: it never said how it ended', async (_how, left) => {
    endSoon('Failed', left, 'BackoffLimitExceeded');
    expect(await run()).toMatchObject({
      kind: 'failed',
      reason: {
        code: 'step_interrupted',
        params: { step: 'upgradeKubelet/w-1', node: 'w-1', detail: left ?? 'the node Job left no message' },
      },
    });
  });

  it('it said no without saying why → failed: a word is a word', async () => {
    endSoon('Failed', '{"ok":false}');
    expect(await run()).toMatchObject({ kind: 'failed', reason: { code: 'step_failed' } });
  });

  it('killed without a message → the end of its log is the detail, cut to what a screen takes', async () => {
    endSoon('Failed', `panic: ${'x'.repeat(1_000)}`);
    const end = await run();
    expect(end).toMatchObject({ reason: { code: 'step_interrupted' } });
    const detail = end.kind === 'failed' ? String(end.reason.params.detail) : '';
    expect(detail).toMatch(/^panic: x+$/);
    expect(detail.length).toBeLessThanOrEqual(300);
  });

  it('the node never answered within the Job’s bound → timed out, neither failed nor interrupted', async () => {
    endSoon('Failed', null, 'DeadlineExceeded');
    expect(await run()).toEqual({
      kind: 'failed',
      reason: { code: 'step_timed_out', params: { step: 'upgradeKubelet/w-1', node: 'w-1' } },
    });
  });

  it('the pod was collected before we came back → the Job’s good end stands, with nothing to show', async () => {
    endSoon('Complete', null);
    expect(await run()).toEqual({ kind: 'reported', message: {} });
  });

  it('an API server that will never take the Job → failed at once, in its words', async () => {
    const message = 'namespaces "wavegate-nodes" not found';
    api.onRequest = (method) => (method === 'POST' ? { code: 404, body: { message } } : null);
    expect(await run()).toMatchObject({
      kind: 'failed',
      reason: { params: { detail: expect.stringContaining(message) } },
    });
  });

  it('an API server that is away → throws, so that the loop looks again; the next call adopts the Job', async () => {
    const first = run();
    const leave = (): unknown => (created() > 0 && api.all(JOBS).length > 0 ? api.goAway() : setTimeout(leave, 5));
    leave();
    await expect(first).rejects.toThrow();
    api.comeBack();
    end('Complete', '{"ok":true,"version":"1.35.4"}');
    expect(await run()).toMatchObject({ kind: 'reported' });
    expect(api.all(JOBS)).toHaveLength(1);
  });

  it('the agent stops while the Job runs → left without a result, the Job goes on', async () => {
    const cancel = new CancelSource();
    const leave = (): unknown => (api.all(JOBS).length > 0 ? cancel.cancel() : setTimeout(leave, 5));
    leave();
    await expect(run({ cancel })).rejects.toBeInstanceOf(StepInterrupted);
    expect(api.all(JOBS)).toHaveLength(1);
  });
});
