import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PlanSchema } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { FastClock } from '../testing/fast-clock.js';
import { startKubeWorld } from '../testing/kube-world.js';
import type { ClusterFinding } from './check.js';
import { runObjectiveCheck, runPreflight, sendable } from './run-preflight.js';
import { ClusterUnreachable, takePicture } from './take-picture.js';
import { context } from './testing/sound-picture.js';

const plan = PlanSchema.parse({
  ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
  spec: { target: { kubernetes: '1.35.4' } },
});

let api: FakeApiServer;
let kube: KubeAccess;
let clock: FastClock;
beforeEach(async () => {
  ({ api, kube } = await startKubeWorld());
  clock = new FastClock(20);
  api.onRequest = (_method, path) => {
    if (path === '/version') return { code: 200, body: { gitVersion: 'v1.34.4' } };
    if (path === '/apis') return { code: 200, body: { groups: [] } };
    return path === '/readyz' || path === '/metrics' ? { code: 200 } : null;
  };
});
afterEach(() => api.stop());

const answering = (wrong: (path: string) => { code: number; body?: object } | null): void => {
  const before = api.onRequest;
  api.onRequest = (method, path) => wrong(path) ?? before(method, path);
};

describe('a preflight of the agent', () => {
  it('pods in two pages → read to the end, and nothing is asked for twice', async () => {
    const pages: Record<string, object> = {
      '': {
        items: [{ metadata: { name: 'a', namespace: 'n' }, spec: { nodeName: 'w' } }],
        metadata: { continue: 'more' },
      },
      more: { items: [{ metadata: { name: 'b', namespace: 'n' }, spec: { nodeName: 'w' } }], metadata: {} },
    };
    let asked = 0;
    answering((path) =>
      path === '/api/v1/pods' ? { code: 200, body: pages[asked++ === 0 ? '' : 'more'] ?? {} } : null,
    );
    const picture = await takePicture({ kube, now: () => clock.now() }, context());
    expect(picture.pods.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(asked).toBe(2);
  });

  it('a right that is missing for good → asked again for half a minute, then a finding that blocks and names it', async () => {
    answering((path) => (path === '/api/v1/nodes' ? { code: 403, body: { message: 'nodes is forbidden' } } : null));
    const result = await runPreflight({ kube, clock }, plan, '1.35.4');
    expect(result.kind).toBe('succeeded');
    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    const finding = findings.find(({ code }) => code === 'not_checked');
    expect(finding).toMatchObject({ severity: 'block', object: 'nodes' });
    expect(finding?.message).toContain('nothing is known about');
    expect(finding).not.toHaveProperty('nodes');
    expect(api.requests.filter((one) => one === 'GET /api/v1/nodes').length).toBeGreaterThan(1);
  });

  it('a right that a fresh server gives a moment later → believed only then', async () => {
    let refusals = 3;
    answering((path) =>
      path === '/api/v1/nodes' && (refusals -= 1) >= 0 ? { code: 403, body: { message: 'no' } } : null,
    );
    const result = await runPreflight({ kube, clock }, plan, '1.35.4');
    expect(result).toMatchObject({ kind: 'succeeded' });
    expect(JSON.stringify(result)).not.toContain('not_checked');
  });

  it('nobody answers, or not in earnest → no findings but an error that the loop retries', async () => {
    answering((path) => (path === '/api/v1/pods' ? { code: 503, body: { message: 'etcd is away' } } : null));
    await expect(runPreflight({ kube, clock }, plan, '1.35.4')).rejects.toThrow(ClusterUnreachable);
    api.goAway();
    await expect(runPreflight({ kube, clock }, plan, '1.35.4')).rejects.toThrow(ClusterUnreachable);
  });

  it('more findings than a report holds → the worst are sent, the rest is counted', () => {
    const one = { severity: 'warn', code: 'single_replica', message: 'm', remedy: 'r', owner: '', nodes: [] } as const;
    const many = Array.from({ length: 450 }, (_, n): ClusterFinding => ({ ...one, object: `o-${n}` }));
    const sent = sendable(many);
    expect(sent).toHaveLength(401);
    expect(sent.at(-1)?.message).toContain('50 more findings');
    expect(sendable(many.slice(0, 400))).toHaveLength(400);
  });

  const waiving = PlanSchema.parse({
    ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
    spec: {
      target: { kubernetes: '1.35.4' },
      preflight: {
        severities: [
          {
            code: 'node_not_ready',
            set: 'waive',
            selector: 'env=lab',
            reason: 'lab nodes come and go',
            until: '2099-01-01',
          },
        ],
      },
    },
  });

  it.each([
    [{ env: 'lab' }, 'info'],
    [{ env: 'prod' }, 'block'],
    [null, 'block'],
  ])('a waiver for clusters of a selector, labels %j → %s', async (labels, severity) => {
    api.put('/api/v1/nodes', {
      metadata: { name: 'w-1' },
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    });
    const result = await runPreflight({ kube, clock }, waiving, '1.35.4', { labels });
    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    expect(findings.find(({ code }) => code === 'node_not_ready')).toMatchObject({ severity });
    expect(findings.some(({ code }) => code === 'severity_rule_not_applied')).toBe(labels === null);
  });

  it('before → keeps how the workloads stood; after → compares with it, and marks what it finds', async () => {
    const web = (ready: number) =>
      api.put('/apis/apps/v1/deployments', {
        metadata: { name: 'web', namespace: 'shop' },
        ...{ spec: { replicas: 3, template: {} }, status: { readyReplicas: ready } },
      });
    web(3);
    const first = await runPreflight({ kube, clock }, plan, '1.35.4');
    const before = first.kind === 'succeeded' ? (first.picture ?? null) : null;
    expect(before?.ready).toEqual({ 'Deployment shop/web': 3 });
    web(1);
    const second = await runPreflight({ kube, clock }, plan, '1.35.4', { phase: 'after', before });
    const findings = second.kind === 'succeeded' ? (second.findings ?? []) : [];
    expect(findings.find(({ code }) => code === 'workload_below_before')).toMatchObject({
      ...{ object: 'shop/web', severity: 'block', phase: 'after' },
    });
    expect(findings.every(({ phase }) => phase === 'after')).toBe(true);
  });
});

describe('a look at the objectives alone', () => {
  const measured = (severities: readonly object[] = []) =>
    PlanSchema.parse({
      ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
      spec: {
        target: { kubernetes: '1.35.4' },
        verdict: { objectives: ['apiserver-availability'] },
        preflight: { severities },
      },
    });
  const rule = { code: 'metrics_source_missing', selector: 'env=lab', reason: 'no Prometheus', until: '2099-01-01' };

  it('no metrics source → its finding and no other; the nodes, pods and hosts are not looked at', async () => {
    api.put('/api/v1/nodes', {
      metadata: { name: 'w-1' },
      status: { conditions: [{ type: 'Ready', status: 'False' }] },
    });
    const result = await runObjectiveCheck({ kube, clock }, measured(), '1.35.4', null);
    const findings = result.kind === 'succeeded' ? (result.findings ?? []) : [];
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([['metrics_source_missing', 'block']]);
    expect(api.requests.filter((one) => !one.includes('configmaps'))).toEqual([]);
  });

  it('waived by the plan for these labels → information, as in every preflight', async () => {
    const plan = measured([{ ...rule, set: 'waive' }]);
    const result = await runObjectiveCheck({ kube, clock }, plan, '1.35.4', { env: 'lab' });
    expect(result).toMatchObject({ findings: [{ code: 'metrics_source_missing', severity: 'info' }] });
  });
});
