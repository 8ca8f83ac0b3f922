import { describe, expect, it } from '@jest/globals';
import type { Check } from '../check.js';
import { drainPreview } from '../drain-preview.js';
import type { ClusterPicture, PodPicture, WebhookPicture } from '../picture.js';
import { defaultSpec, type PreflightContext } from '../preflight-context.js';
import { CHECKS } from '../registry.js';
import { runChecks } from '../run-checks.js';
import { summaryOf } from '../summary.js';
import { AT, budget, component, context, node, picture, pod } from '../testing/sound-picture.js';

const check = (id: string): Check => {
  const found = CHECKS.find((one) => one.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
};
const run = (id: string, of: Partial<ClusterPicture>, asked: Partial<PreflightContext> = {}): string[] =>
  runChecks(picture(of), context(asked), [check(id)]).map(
    ({ severity, code, object }) => `${severity} ${code} ${object}`,
  );

describe('disruption budgets', () => {
  const web = (n: number, of = {}) =>
    Array.from({ length: n }, (_, i) => pod(`web-${i}`, { node: `w-${(i % 3) + 1}`, ...of }));

  it.each([
    ['maxUnavailable 0', { maxUnavailable: 0, expected: 3, allowed: 0 }, 'pdb_never_allows'],
    ['maxUnavailable 0%', { maxUnavailable: '0%', expected: 3, allowed: 0 }, 'pdb_never_allows'],
    ['minAvailable 3 of 3', { maxUnavailable: null, minAvailable: 3, allowed: 0 }, 'pdb_never_allows'],
    ['minAvailable 100%', { maxUnavailable: null, minAvailable: '100%', allowed: 0 }, 'pdb_never_allows'],
    [
      'minAvailable 67% of 3: rounds up to 3',
      { maxUnavailable: null, minAvailable: '67%', allowed: 0 },
      'pdb_never_allows',
    ],
    ['minAvailable 66% of 3: 2 stay', { maxUnavailable: null, minAvailable: '66%' }, ''],
    ['maxUnavailable 1% of 3: rounds up to 1', { maxUnavailable: '1%' }, ''],
    ['one is missing', { healthy: 2, allowed: 0 }, 'pdb_blocks_now'],
    [
      'not yet counted, but its numbers never allow',
      { maxUnavailable: 0, counted: false, expected: 0 },
      'pdb_never_allows',
    ],
    ['not yet counted', { counted: false, expected: 0, allowed: 0 }, ''],
  ])('%s → %s', (_what, of, code) => {
    const found = runChecks(picture({ pods: web(3), budgets: [budget('web', of)] }), context(), [
      check('disruption-budgets'),
    ]);
    expect(found.map((one) => one.code)).toEqual(code === '' ? [] : [code]);
  });

  it('a budget that guards only what a drain leaves alone, or nothing → no finding', () => {
    const kept = web(3, { fate: { kind: 'kept', why: 'daemonSet' } });
    expect(run('disruption-budgets', { pods: kept, budgets: [budget('web', { maxUnavailable: 0 })] })).toEqual([]);
    expect(
      run('disruption-budgets', { pods: web(3), budgets: [budget('x', { maxUnavailable: 0, selector: null })] }),
    ).toEqual([]);
  });

  it('an empty selector guards the whole namespace; two budgets on one pod are one finding a workload', () => {
    const budgets = [budget('all', { selector: {} }), budget('web')];
    expect(run('disruption-budgets', { pods: web(3), budgets })).toEqual(['block pod_in_several_pdbs shop/web']);
  });

  it('unready pods under IfHealthyBudget → named; under AlwaysAllow they may go', () => {
    const pods = web(3, { ready: false });
    const short = { healthy: 0, allowed: 0 };
    expect(run('disruption-budgets', { pods, budgets: [budget('web', short)] })).toContain(
      'warn pdb_guards_unhealthy_pods shop/web',
    );
    const always = budget('web', { ...short, alwaysAllowUnhealthy: true });
    expect(run('disruption-budgets', { pods, budgets: [always] })).toEqual(['warn pdb_blocks_now shop/web']);
  });
});

describe('what a drain loses', () => {
  const cache: Partial<PodPicture> = { loss: 'emptyDir', fate: { kind: 'refused', why: 'emptyDir' } };

  it('without consent it blocks, once a workload; with the plan’s consent it is information', () => {
    const pods = [
      pod('a', cache),
      pod('b', cache),
      pod('c', { ...cache, workload: 'Deployment/other', fate: { kind: 'evict' } }),
    ];
    expect(run('pod-losses', { pods })).toEqual([
      'block pod_with_local_data shop/web',
      'info pod_with_local_data shop/other',
    ]);
  });
});

describe('where pods could go', () => {
  const needs = (cpu: number) => ({ requests: { cpu }, nodeSelector: {}, affinity: null, tolerations: [] });
  const workers = [node('w-1'), node('w-2')];

  it.each([
    ['room on the other worker', [pod('a', { shape: needs(3000) })], []],
    ['too large for any', [pod('a', { shape: needs(5000) })], ['warn pods_without_room w-1']],
    [
      'the first fits, the second no longer',
      [pod('a', { shape: needs(3000) }), pod('b', { shape: needs(3000) })],
      ['warn pods_without_room w-1'],
    ],
    [
      'a selector that names its own node',
      [pod('a', { shape: { ...needs(1), nodeSelector: { 'kubernetes.io/hostname': 'w-1' } } })],
      ['warn pod_tied_to_node shop/web'],
    ],
  ])('%s → %j', (_what, pods, expected) => {
    expect(run('pod-placement', { nodes: workers, pods })).toEqual(expected);
  });

  it('taints: another pool is no place to go unless it is tolerated', () => {
    const tainted = node('w-2', { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] });
    const tolerates = (value: string) => ({
      ...needs(1),
      tolerations: [{ key: 'dedicated', operator: 'Equal', value, effect: 'NoSchedule' }],
    });
    const nodes = [node('w-1'), tainted, node('w-3', { schedulable: false })];
    expect(run('pod-placement', { nodes, pods: [pod('a')] })).toEqual(['warn pod_tied_to_node shop/web']);
    expect(run('pod-placement', { nodes, pods: [pod('a', { shape: tolerates('cpu') })] })).toEqual([
      'warn pod_tied_to_node shop/web',
    ]);
    expect(run('pod-placement', { nodes, pods: [pod('a', { shape: tolerates('gpu') })] })).toEqual([]);
  });

  it('anti-affinity by host: three replicas on three nodes have no fourth', () => {
    const affinity = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } },
        ],
      },
    };
    const nodes = [node('w-1'), node('w-2'), node('w-3')];
    const pods = nodes.map(({ name }) => pod(`web-${name}`, { node: name, shape: { ...needs(10), affinity } }));
    expect(run('pod-placement', { nodes, pods })).toEqual([
      'warn pods_without_room w-1',
      'warn pods_without_room w-2',
      'warn pods_without_room w-3',
    ]);
    expect(run('pod-placement', { nodes: [...nodes, node('w-4')], pods })).toEqual([]);
  });

  it('a local volume ties its pod to its node', () => {
    const volumes = [{ name: 'disk', claim: 'shop/data', nodes: ['w-1'] }];
    expect(run('pod-placement', { nodes: workers, volumes, pods: [pod('a', { claims: ['data'] })] })).toEqual([
      'warn pod_on_local_volume shop/web',
    ]);
    expect(run('pod-placement', { nodes: workers, volumes, pods: [pod('a', { claims: ['other'] })] })).toEqual([]);
  });
});

describe('clusters too small to drain', () => {
  const single = { ...defaultSpec(), topology: 'singleNode' as const };

  it('one node → blocks; with topology: singleNode it is consented to', () => {
    const nodes = [node('cp-1', { role: 'controlPlane' })];
    expect(run('drain-room', { nodes })).toEqual(['block nowhere_to_drain_to cp-1']);
    expect(run('drain-room', { nodes }, { spec: single })).toEqual(['info nowhere_to_drain_to cp-1']);
  });

  it('one worker beside a tainted plane, with a budget on it → blocks; a plane that takes pods is a place to go', () => {
    const taints = [{ key: 'node-role.kubernetes.io/control-plane', value: '', effect: 'NoSchedule' }];
    const pods = [pod('a')];
    const of = (plane: object) => ({
      nodes: [node('cp-1', { role: 'controlPlane', ...plane }), node('w-1')],
      pods,
      budgets: [budget('web')],
    });
    expect(run('drain-room', of({ taints }))).toEqual(['block one_worker_with_pdb w-1']);
    expect(run('drain-room', of({}))).toEqual([]);
    expect(run('drain-room', { ...of({ taints }), budgets: [] })).toEqual([]);
  });
});

describe('admission webhooks', () => {
  const hook = (of: Partial<WebhookPicture>): WebhookPicture => ({
    ...{
      configuration: 'c',
      name: 'h',
      kind: 'validating',
      failsClosed: true,
      service: '',
      namespaceSelector: null,
      hasConditions: false,
    },
    rules: [],
    ...of,
  });
  const rule = (group: string, resource: string, operation = 'CREATE') => ({
    rules: [{ groups: [group], resources: [resource], operations: [operation] }],
  });

  it.each([
    ['jobs', rule('batch', 'jobs'), 1],
    ['everything', rule('*', '*', '*'), 1],
    ['evictions', rule('', 'pods/eviction'), 1],
    ['all sub-resources of pods', rule('', 'pods/*'), 1],
    ['updates of jobs', rule('batch', 'jobs', 'UPDATE'), 0],
    ['another group', rule('apps', 'deployments'), 0],
    [
      'jobs, but not in our namespace',
      {
        ...rule('batch', 'jobs'),
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['wavegate-nodes'] }],
        },
      },
      0,
    ],
    ['jobs, but it fails open', { ...rule('batch', 'jobs'), failsClosed: false }, 0],
  ])('judges %s → %#', (_what, of, expected) => {
    expect(run('webhooks', { webhooks: [hook(of)] })).toHaveLength(expected);
  });

  it('no ready backend, one backend, two backends', () => {
    const end = (name: string, ready = true) => ({ address: '10.0.0.1', port: 443, ready, pod: `shop/${name}` });
    const of = (...ends: ReturnType<typeof end>[]) => ({
      webhooks: [hook({ service: 'shop/hook' })],
      pods: [pod('a'), pod('b')],
      endpoints: new Map([['shop/hook', ends]]),
    });
    expect(run('webhooks', of(end('a', false)))).toEqual(['block webhook_unreachable c/h']);
    expect(run('webhooks', of(end('a')))).toEqual(['warn webhook_backend_drained c/h']);
    expect(run('webhooks', of(end('a'), end('b')))).toEqual([]);
  });
});

describe('our node Jobs', () => {
  const ours = (of: Partial<ClusterPicture>) => run('node-jobs', of);
  const namespaces = (level: string) => [
    { name: 'wavegate-nodes', labels: { 'pod-security.kubernetes.io/enforce': level }, terminating: false },
  ];

  it('Pod Security, a quota on compute, a used-up quota and a LimitRange would each refuse the pod', () => {
    const quota = (hard: Record<string, string>, used = {}) => ({
      quotas: [{ namespace: 'wavegate-nodes', name: 'q', hard, used }],
    });
    const refused = ['block node_job_refused wavegate-nodes'];
    expect(ours({ namespaces: namespaces('privileged') })).toEqual([]);
    expect(ours({ namespaces: namespaces('baseline') })).toEqual(refused);
    expect(ours(quota({ 'requests.cpu': '4' }))).toEqual(refused);
    expect(ours(quota({ pods: '2' }, { pods: '2' }))).toEqual(refused);
    expect(ours(quota({ pods: '2' }, { pods: '1' }))).toEqual([]);
    expect(
      ours({
        limits: [
          { namespace: 'wavegate-nodes', name: 'l', bounds: [{ type: 'Container', kind: 'min', resource: 'cpu' }] },
        ],
      }),
    ).toEqual(refused);
  });
});

describe('after an upgrade', () => {
  const workload = (ready: number, desired = 3) => ({
    workloads: [{ kind: 'Deployment' as const, namespace: 'shop', name: 'web', owner: '', desired, ready }],
  });
  const before = summaryOf(picture(workload(3)));
  const after = (of: Partial<ClusterPicture>) => run('after-upgrade', of, { phase: 'after', target: '1.34.4', before });

  it.each([
    ['as before', workload(3), []],
    ['one is missing', workload(2), ['block workload_below_before shop/web']],
    ['scaled down on purpose', workload(1, 1), []],
    ['gone', {}, ['warn workload_gone shop/web']],
    [
      'a kubelet left behind',
      { ...workload(3), nodes: [node('w-1', { kubelet: '1.33.9' })] },
      ['block version_not_reached the kubelet of w-1'],
    ],
    [
      'a component of the plane left behind',
      {
        ...workload(3),
        pods: [
          component('kube-scheduler', 'cp-1', {
            component: { name: 'kube-scheduler', version: '1.33.9', flags: {}, startedAt: 0 },
          }),
        ],
      },
      ['block version_not_reached kube-scheduler on cp-1'],
    ],
    [
      'a new crash loop',
      { ...workload(3), pods: [pod('a', { crashLooping: true })] },
      ['block crash_loop_since_upgrade shop/web'],
    ],
    [
      'DNS without a backend',
      { ...workload(3), endpoints: new Map([['kube-system/kube-dns', []]]) },
      ['block dns_not_answering kube-system/kube-dns'],
    ],
  ])('%s → %j', (_what, of, expected) => {
    expect(after(of)).toEqual(expected);
  });

  it('a crash loop of before is not held against the upgrade', () => {
    const looping = { ...workload(3), pods: [pod('a', { crashLooping: true })] };
    expect(
      run('after-upgrade', looping, { phase: 'after', target: '1.34.4', before: summaryOf(picture(looping)) }),
    ).toEqual([]);
  });
});

describe('the drain preview', () => {
  it('pods of one budget share what it allows, node by node', () => {
    const pods = [pod('a'), pod('b'), pod('c', { node: 'w-2' })];
    const rows = drainPreview(picture({ pods, budgets: [budget('web')] }));
    expect(rows.map(({ node: at, pod: name, verdict }) => `${at} ${name} ${verdict}`)).toEqual([
      'w-1 b waits',
      'w-1 a free',
      'w-2 c free',
    ]);
  });

  it('never, not now, several, without consent → each with its why', () => {
    const one = (budgets: ClusterPicture['budgets'], of: Partial<PodPicture> = {}) =>
      drainPreview(picture({ pods: [pod('a', of)], budgets }))[0];
    expect(one([budget('web', { maxUnavailable: 0 })])).toMatchObject({ verdict: 'blocked', pdb: 'shop/web' });
    expect(one([budget('web', { allowed: 0, healthy: 1 })])).toMatchObject({ verdict: 'blockedNow' });
    expect(one([budget('web'), budget('too', {})])).toMatchObject({
      verdict: 'blocked',
      why: expect.stringContaining('several'),
    });
    expect(one([], { fate: { kind: 'refused', why: 'unmanaged' } })).toMatchObject({ verdict: 'blocked' });
    expect(one([budget('web', { allowed: 0, alwaysAllowUnhealthy: true })], { ready: false })).toMatchObject({
      verdict: 'free',
    });
    expect(drainPreview(picture({ pods: [pod('a', { phase: 'Succeeded' })] }))).toEqual([]);
  });
});

describe('backups', () => {
  const location = (phase: string) => ({ name: 'main', phase, isDefault: true });
  const made = (name: string, phase: string, hoursAgo: number) => ({
    name,
    phase,
    endedAt: AT - hoursAgo * 3_600_000,
    errors: 0,
  });
  const velero = (...backups: ReturnType<typeof made>[]) => ({
    velero: { installed: true, locations: [location('Available')], backups, schedules: [] },
  });
  const backup: PreflightContext['spec']['backup'] = { ...defaultSpec().backup, velero: { maxAge: '72h', canary: '' } };
  const wanted = { spec: { ...defaultSpec(), backup } };

  it('the last good one counts, against the plan’s age or a day; PartiallyFailed is not success', () => {
    expect(run('backups', velero(made('a', 'Completed', 20)))).toEqual([]);
    expect(run('backups', velero(made('a', 'Completed', 30)))).toEqual(['warn velero_backup_old a']);
    expect(run('backups', velero(made('a', 'Completed', 30)), wanted)).toEqual([]);
    expect(run('backups', velero(made('b', 'PartiallyFailed', 1), made('a', 'Completed', 5)))).toEqual([
      'warn velero_backup_failed b',
    ]);
    expect(run('backups', velero())).toEqual(['warn velero_backup_old velero']);
    const schedules = [
      { name: 'asleep', paused: true, problem: '' },
      { name: 'broken', paused: false, problem: 'invalid schedule' },
      { name: 'nightly', paused: false, problem: '' },
    ];
    const { velero: good } = velero(made('a', 'Completed', 1));
    expect(run('backups', { velero: { ...good, schedules } })).toEqual([
      'warn velero_schedule_invalid broken',
      'warn velero_schedule_paused asleep',
    ]);
    expect(run('backups', {}, wanted)).toEqual(['block velero_missing velero']);
  });

  it('an unavailable location blocks where the plan asks for Velero, and warns otherwise', () => {
    const away = { velero: { ...velero(made('a', 'Completed', 1)).velero, locations: [location('Unavailable')] } };
    expect(run('backups', away)).toEqual(['warn velero_storage_unavailable main']);
    expect(run('backups', away, wanted)).toEqual(['block velero_storage_unavailable main']);
  });
});
