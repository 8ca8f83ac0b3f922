import { describe, expect, it } from '@jest/globals';
import { reason, type Outcome } from '@wavegate/fleet';
import fc from 'fast-check';
import { fingerprintOf, normalisedError, type FailedCluster } from './failure-fingerprint.js';

const cluster = (name: string, patch: Partial<FailedCluster> = {}): FailedCluster => ({
  clusterId: `id-${name}`,
  clusterName: name,
  labels: { provider: 'aws', cni: 'cilium', team: name },
  hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.4' },
  ...patch,
});

const failed = (detail: string, node = 'w-1', step = 'upgradeKubelet'): Outcome => ({
  kind: 'halted',
  reason: reason('step_failed', { step, node, detail }),
  standing: { [`kubelet/${node}`]: '1.34.4', apiserver: '1.35.4' },
  cordoned: [node],
});

const keyOf = (name: string, outcome: Outcome, patch: Partial<FailedCluster> = {}): string | undefined =>
  fingerprintOf(cluster(name, patch), outcome)?.key;

describe('an error text without what differs between two clusters', () => {
  it.each([
    ['addresses', 'dial tcp 10.1.2.3:6443: i/o timeout', 'dial tcp [fd00::1]:443: i/o timeout'],
    ['hashes', 'image sha256:0badc0de12 not found', 'image sha256:ffee12aa00 not found'],
    ['UIDs', 'pod 6b1f0b7e-7a51-4a6c-9d0e-2b1c3d4e5f60 stuck', 'pod 0b1f0b7e-1a51-4a6c-9d0e-2b1c3d4e5f61 stuck'],
    ['times and counts', 'after 31.2s: 3 of 7 pods left', 'after 8m0s: 12 of 12 pods left'],
    ['quoted names', 'pods "api-x" is forbidden', 'pods "web" is forbidden'],
    ['hosts', 'lookup api.prod.example.com: no such host', 'lookup kube.dev.example.org: no such host'],
    ['lists of any length', 'nodes w-1, w-2 are gone', 'nodes w-9 are gone'],
    ['case and blanks', 'Connection   refused', 'connection refused'],
  ])('%s make no difference', (_, one, other) => {
    expect(normalisedError(one)).toBe(normalisedError(other));
  });

  it.each([
    ['what went wrong', 'no space left on device', 'connection refused'],
    ['a path', 'open /etc/kubernetes/pki/ca.crt: permission denied', 'open /var/lib/kubelet/pki: permission denied'],
    ['an API', 'no matches for policy/v1beta1', 'no matches for batch/v1beta1'],
    ['an API group', 'flowcontrol.apiserver.k8s.io is gone', 'admission.policies.k8s.io is gone'],
    ['a check', '[ERROR CoreDNSMigration]: unsupported', '[ERROR ControlPlaneNodesReady]: unsupported'],
  ])('%s makes one', (_, one, other) => {
    expect(normalisedError(one)).not.toBe(normalisedError(other));
  });

  it("the cluster's own names are left out, and only as whole words", () => {
    expect(normalisedError('node prod of production is gone', ['prod'])).toBe('node # of production is gone');
  });

  it('what became # leaves a quoted name → that too', () => {
    expect(normalisedError('no "$0" here')).toBe('no # here');
  });

  it('what is normal stays as it is, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 120 }), (text) => {
        const once = normalisedError(text);
        expect(once).toBe(once.toLowerCase());
        expect(normalisedError(once)).toBe(once);
      }),
    );
  });
});

describe('when two clusters fail alike', () => {
  const refused = failed('kubeadm on w-1 of fra-1: dial tcp 10.0.0.7:6443: connection refused');

  it('node, cluster, address and team make no difference', () => {
    const other = failed('kubeadm on blue of lon: dial tcp 10.9.9.9:6443: connection refused', 'blue');
    expect(keyOf('fra-1', refused)).toBe(keyOf('lon', other));
  });

  it('a halt and a rollback for the same reason are one failure', () => {
    const why = reason('slo_burned', { objective: 'checkout-p99', consumedPercent: 2.4, minutes: 6 });
    const more = reason('slo_burned', { objective: 'checkout-p99', consumedPercent: 9, minutes: 2 });
    const extent = { returned: ['w-1'], stays: [] };
    const halt: Outcome = { kind: 'halted', reason: why, standing: {}, cordoned: [] };
    const back: Outcome = { kind: 'rolledBack', rung: 2, extent, reason: more, standing: {} };
    expect(keyOf('a', halt)).toBe(keyOf('b', back));
  });

  it.each<[string, Outcome, Partial<FailedCluster>]>([
    ['another step', failed('connection refused', 'w-1', 'drainNode'), {}],
    ['another error', failed('no space left on device'), {}],
    ['another objective', { ...refused, reason: reason('no_data', { objective: 'x' }) } as Outcome, {}],
    ['another CNI', refused, { labels: { provider: 'aws', 'example.com/cni': 'calico' } }],
    ['another provider', refused, { labels: { provider: 'gcp', cni: 'cilium' } }],
    ['another target', refused, { hop: { index: 1, of: 1, from: '1.34.4', to: '1.35.5' } }],
    ['another minor to come from', refused, { hop: { index: 1, of: 1, from: '1.33.4', to: '1.35.4' } }],
  ])('%s is another failure', (_, outcome, patch) => {
    expect(keyOf('fra-1', outcome, patch)).not.toBe(keyOf('fra-1', refused));
  });

  it('an older patch of the same minor is not', () => {
    expect(keyOf('a', refused, { hop: { index: 1, of: 1, from: '1.34.1', to: '1.35.4' } })).toBe(keyOf('a', refused));
  });

  it.each<[string, Outcome]>([
    ['a skip', { kind: 'skipped', reason: reason('preflight_blocked', { findings: 2, first: 'pdb_allows_none' }) }],
    ['an upgrade', { kind: 'upgraded', standing: {} }],
    ['silence', { kind: 'lost', since: 1 }],
    ['an abort', { kind: 'halted', reason: reason('aborted_mid_order'), standing: {}, cordoned: [] }],
    ['a stop', { kind: 'halted', reason: reason('order_stopped'), standing: {}, cordoned: [] }],
    [
      'an absent agent',
      { kind: 'halted', reason: reason('offline_failed', { deadline: 1 }), standing: {}, cordoned: [] },
    ],
  ])('%s has no fingerprint', (_, outcome) => {
    expect(fingerprintOf(cluster('a'), outcome)).toBeNull();
  });
});
