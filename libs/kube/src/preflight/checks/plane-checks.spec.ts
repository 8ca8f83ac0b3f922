import { describe, expect, it } from '@jest/globals';
import { FINDING_CODES } from '@wavegate/fleet';
import type { Check } from '../check.js';
import type { ClusterPicture } from '../picture.js';
import type { PreflightContext } from '../preflight-context.js';
import { toConfiguration } from '../read-kubeadm.js';
import { CHECKS, documentedCodes } from '../registry.js';
import { runChecks } from '../run-checks.js';
import { AT, component, context, node, picture, pod } from '../testing/sound-picture.js';

const DAY_MS = 86_400_000;

const check = (id: string): Check => {
  const found = CHECKS.find((one) => one.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
};
/** "severity code object", sorted. */
const run = (id: string, of: Partial<ClusterPicture>, asked: Partial<PreflightContext> = {}): string[] =>
  runChecks(picture(of), context(asked), [check(id)]).map(
    ({ severity, code, object }) => `${severity} ${code} ${object}`,
  );
const messages = (id: string, of: Partial<ClusterPicture>, asked: Partial<PreflightContext> = {}): string =>
  runChecks(picture(of), context(asked), [check(id)])
    .map(({ message }) => message)
    .join('\n');

describe('the registry', () => {
  it('every code of the fleet is documented by exactly one check, ids are unique, texts say something', () => {
    const docs = documentedCodes();
    expect(docs.map(({ code }) => code).sort()).toEqual(Object.keys(FINDING_CODES).sort());
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
    for (const { title, meaning, remedy } of docs) {
      expect(title).toMatch(/\S{3}/);
      expect(meaning.length).toBeGreaterThan(30);
      expect(remedy).toMatch(/[.…]$|[).]$/);
    }
  });

  it('a sound cluster → nothing but what cannot be seen, and kubeadm’s missing record', () => {
    expect(runChecks(picture(), context()).map(({ code }) => code)).toEqual([
      'kubeadm_config_missing',
      'minor_unsupported',
      'not_visible',
    ]);
  });

  it('a part that could not be read → a finding that names it and what is not known, and no conclusion from its emptiness', () => {
    const gaps = [{ part: 'budgets', code: 403, why: 'forbidden', partial: false } as const];
    const guarded = { pods: [pod('a')], budgets: [], gaps };
    const [finding] = runChecks(picture(guarded), context(), [check('disruption-budgets')]);
    expect(finding).toMatchObject({ code: 'not_checked', severity: 'block', object: 'budgets' });
    expect(finding?.message).toContain(
      'PodDisruptionBudgets: forbidden (403); so nothing is known about pdb_never_allows',
    );
    const blind = [{ part: 'workloads', code: 403, why: 'forbidden', partial: false } as const];
    const before = {
      schema: 1,
      at: AT,
      version: '1.34.4',
      ready: { 'Deployment shop/web': 3 },
      crashLooping: [],
    } as const;
    const after = runChecks(picture({ gaps: blind }), context({ phase: 'after', target: '1.34.4', before }), [
      check('after-upgrade'),
    ]);
    expect(after.map(({ code }) => code)).toEqual(['not_checked']);
  });
});

describe('versions', () => {
  it.each([
    ['1.34.9', []],
    ['1.35.4', []],
    ['1.36.0', ['block hop_not_possible 1.34.4 → 1.36.0']],
    ['1.33.0', ['block hop_not_possible 1.34.4 → 1.33.0']],
  ])('from 1.34.4 to %s → %j', (target, expected) => {
    expect(run('version-skew', {}, { target })).toEqual(expected);
  });

  it('every API server of an HA plane counts: a balancer shows one, the pods show the other', () => {
    const pods = [
      component('kube-apiserver', 'cp-1'),
      component('kube-apiserver', 'cp-2', {
        component: { name: 'kube-apiserver', version: '1.32.1', flags: {}, startedAt: 0 },
      }),
    ];
    const nodes = [node('cp-1', { role: 'controlPlane', kubelet: '1.32.1' })];
    expect(run('version-skew', { pods, nodes })).toEqual([
      'block skew_violation apiserver',
      'warn api_servers_mixed kube-apiserver',
    ]);
  });

  it('a kube-proxy newer than the API server, and a kubelet four minors older → both are named', () => {
    const proxy = pod('kube-proxy-x', {
      namespace: 'kube-system',
      workload: 'DaemonSet/kube-proxy',
      node: 'w-2',
      images: ['registry.k8s.io/kube-proxy:v1.35.0'],
    });
    const nodes = [node('cp-1', { role: 'controlPlane' }), node('w-1', { kubelet: '1.30.3' })];
    expect(run('version-skew', { pods: [proxy], nodes })).toEqual([
      'block skew_violation kube-proxy/w-2',
      'block skew_violation kubelet/w-1',
    ]);
  });
});

describe('etcd', () => {
  const members = (...names: string[]) => names.map((name) => component('etcd', name));
  const planes = (...names: string[]) => names.map((name) => node(name, { role: 'controlPlane' }));

  it.each([
    [['cp-1'], []],
    [['cp-1', 'cp-2'], ['warn etcd_no_fault_tolerance etcd']],
    [['cp-1', 'cp-2', 'cp-3'], []],
    [['cp-1', 'cp-2', 'cp-3', 'cp-4'], ['warn etcd_no_fault_tolerance etcd']],
  ])('members on %j → %j', (names, expected) => {
    expect(run('etcd-health', { nodes: planes(...names), pods: members(...names) })).toEqual(expected);
  });

  it('the database against the quota that its flags say, 2 GiB where they say none', () => {
    const metrics = { since: 0, deprecated: [], etcdBytes: 1.7 * 2 ** 30, shortClientCertificates: 0 };
    expect(run('etcd-health', { metrics })).toEqual(['warn etcd_space_low etcd']);
    const pods = [component('etcd', 'cp-1', { flags: { 'quota-backend-bytes': String(8 * 2 ** 30) } })];
    expect(run('etcd-health', { metrics, pods })).toEqual([]);
  });
});

describe('certificates', () => {
  const certificate = (days: number) => ({
    certificates: [{ of: 'the API server at a:6443', until: AT + days * DAY_MS }],
  });

  it.each([
    [-1, ['block certificate_expired the API server at a:6443']],
    [29, ['warn certificate_expires_soon the API server at a:6443']],
    [31, []],
  ])('a served certificate with %i days left → %j', (days, expected) => {
    expect(run('certificates', certificate(days))).toEqual(expected);
  });

  it('an authority with five months left → no upgrade renews it', () => {
    const authorities = [{ of: 'the authority', until: AT + 150 * DAY_MS }];
    expect(run('certificates', { authorities })).toEqual(['warn ca_expires_soon the authority']);
  });

  it('requests with a certificate about to end → said with what the metric can tell', () => {
    const metrics = { since: AT - DAY_MS, deprecated: [], etcdBytes: 0, shortClientCertificates: 12 };
    expect(messages('certificates', { metrics })).toBe(
      '12 requests since 2026-11-20T12:00Z came with a client certificate that ended within a week of them',
    );
  });
});

describe('clocks', () => {
  it.each([
    [4_000, []],
    [8_000, ['warn clock_skew the API server']],
    [-70_000, ['block clock_skew the API server']],
  ])('%i ms apart → %j', (aheadMs, expected) => {
    expect(run('clock-skew', { clock: { aheadMs, withinMs: 600 } })).toEqual(expected);
  });

  it('the hub’s clock counts too', () => {
    expect(run('clock-skew', {}, { hubAheadMs: -6_000 })).toEqual(['warn clock_skew the hub']);
  });
});

describe('node runtimes', () => {
  const nodes = [node('a', { runtime: 'containerd://1.7.27' }), node('b', { runtime: 'cri-o://1.34.1' })];

  it.each([
    ['1.37.2', ['warn container_runtime_old containerd://1.7.27']],
    ['1.38.0', ['block container_runtime_too_old containerd://1.7.27']],
  ])('containerd 1.x on the way to %s → %j', (target, expected) => {
    expect(run('node-runtime', { nodes }, { target })).toEqual(expected);
  });

  it('a system that starts with cgroup v1 → a warning from 1.35 on, unless kubelet-config consents', () => {
    const old = {
      nodes: [
        node('a', { osImage: 'Red Hat Enterprise Linux 8.10 (Ootpa)' }),
        node('b', { osImage: 'Red Hat Enterprise Linux 9.4 (Plow)' }),
      ],
    };
    const kubeadm = {
      configuration: null,
      kubelet: { config: {}, featureGates: {}, failCgroupV1: false },
      proxyFeatureGates: {},
    };
    expect(run('node-runtime', old, { target: '1.34.9' })).toEqual([]);
    expect(run('node-runtime', old)).toEqual(['warn cgroup_v1_likely Red Hat Enterprise Linux 8.10 (Ootpa)']);
    expect(run('node-runtime', { ...old, kubeadm })).toEqual([]);
  });
});

describe('manifest drift', () => {
  const configuration = (args: object) =>
    toConfiguration({
      kind: 'ClusterConfiguration',
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      apiServer: args,
      networking: { podSubnet: '10.244.0.0/16' },
    });
  const drift = (flags: Record<string, string>, args: object = {}) =>
    messages('manifest-drift', {
      pods: [component('kube-apiserver', 'cp-1', { flags })],
      kubeadm: { configuration: configuration(args), kubelet: null, proxyFeatureGates: {} },
    });
  const list = (name: string, value: string) => ({ extraArgs: [{ name, value }] });

  it('a flag that kubeadm-config lacks → kubeadm would drop it; written there, in either form, all is well', () => {
    const flags = { 'audit-log-maxage': '90', 'allow-privileged': 'true' };
    expect(drift(flags)).toContain('has --audit-log-maxage=90 that kubeadm-config lacks: kubeadm would drop it');
    expect(drift(flags, list('audit-log-maxage', '90'))).toBe('');
    expect(drift(flags, { extraArgs: { 'audit-log-maxage': '90' } })).toBe('');
  });

  it('a default changed by hand, an extra argument with another value, one that is not there yet', () => {
    expect(drift({ 'allow-privileged': 'false' })).toContain('--allow-privileged=false (kubeadm would write true)');
    expect(drift({ 'audit-log-maxage': '90' }, list('audit-log-maxage', '30'))).toContain('(kubeadm would write 30)');
    expect(drift({ 'allow-privileged': 'true' }, list('audit-log-maxage', '30'))).toContain(
      'lacks --audit-log-maxage=30',
    );
  });

  it('plugins in another order, and a mirror pod without a command line → no drift', () => {
    const args = list('enable-admission-plugins', 'NodeRestriction,AlwaysPullImages');
    expect(drift({ 'enable-admission-plugins': 'AlwaysPullImages,NodeRestriction' }, args)).toBe('');
    expect(drift({})).toBe('');
  });
});
