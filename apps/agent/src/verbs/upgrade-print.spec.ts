import { describe, expect, it } from '@jest/globals';
import { PlanSchema, type Plan } from '@wavegate/fleet';
import type { Observed, ObservedNode } from '@wavegate/runtime/agent';
import { printedUpgrade } from './upgrade-print.js';

const planOf = (spec: object = {}): Plan =>
  PlanSchema.parse({
    ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'by-hand' } },
    spec: { target: { kubernetes: '1.35.4' }, ...spec },
  });

function node(name: string, role: ObservedNode['role'], version = '1.34.4'): ObservedNode {
  const pod = { version, ready: true, since: 1 };
  const planes = { 'kube-apiserver': pod, 'kube-controller-manager': pod, 'kube-scheduler': pod };
  return {
    ...{ name, role, zone: '', uid: `uid-${name}`, labels: {}, kubelet: version, ready: true, readySince: 1 },
    ...{ cordoned: false, cordonedBy: null, podsToEvict: 0 },
    staticPods: role === 'controlPlane' ? { ...planes, etcd: { ...pod, version: '3.6.5-0' } } : {},
  };
}

const observed = (...nodes: ObservedNode[]): Observed => ({
  ...{ at: 1, uid: 'uid', reachable: true, reachableSince: 0, nodes },
  etcd: { members: nodes.filter(({ role }) => role === 'controlPlane').length, healthy: 1 },
});
const AT = 1_000_000_000;
const SINGLE = observed(node('cp-1', 'controlPlane'), node('w-1', 'worker'));

describe('the printed upgrade', () => {
  it('one control plane and one worker → every command, every wait and the point of no return, in order', () => {
    expect(printedUpgrade({ plan: planOf(), observed: SINGLE, systems: {}, at: AT })).toMatchSnapshot();
  });

  it('a worker managed by dnf → its own commands', () => {
    const text = printedUpgrade({ plan: planOf(), observed: SINGLE, systems: { 'w-1': 'Rocky Linux 9.5' }, at: AT });
    expect(text).toContain('dnf install -y kubelet-1.35.4 kubectl-1.35.4 --disableexcludes=kubernetes');
    expect(text).toContain("apt-get install -y kubeadm='1.35.4-*'");
  });

  it('two hops → two full passes, each with its own point of no return', () => {
    const old = observed(node('cp-1', 'controlPlane', '1.33.13'), node('w-1', 'worker', '1.33.13'));
    const plan = planOf({ target: { kubernetes: '1.35.4', via: { '1.34': '1.34.4' } } });
    const text = printedUpgrade({ plan, observed: old, systems: {}, at: AT });
    expect(text.match(/POINT OF NO RETURN/g)).toHaveLength(2);
    expect(text.indexOf('==== 1.33.13 → 1.34.4')).toBeLessThan(text.indexOf('==== 1.34.4 → 1.35.4'));
  });

  it('the plan’s words count: kubeadm’s checks, consent of the drain, two steps', () => {
    const plan = planOf({
      upgrade: { ignorePreflightErrors: ['SystemVerification'], controlPlane: { twoStep: true } },
      drain: { timeout: '30m', deleteEmptyDir: { namespaces: ['ci'] } },
    });
    const text = printedUpgrade({ plan, observed: SINGLE, systems: {}, at: AT });
    expect(text).toContain('ignorePreflightErrors: [SystemVerification]');
    expect(text).toContain('wavegate-agent drain w-1 --timeout 1800s --delete-emptydir-data ci');
    expect(text).toContain('--emulated-version=1.34');
    expect(text.indexOf('--emulated-version=1.34')).toBeLessThan(text.indexOf('POINT OF NO RETURN'));
    expect(text).toContain('the new binaries are themselves from here on');
  });

  it('where the agent would not begin → printed with its reason, and no command', () => {
    const two = observed(node('cp-1', 'controlPlane'), node('cp-2', 'controlPlane'), node('w-1', 'worker'));
    const text = printedUpgrade({ plan: planOf(), observed: two, systems: {}, at: AT });
    expect(text).toContain('Wavegate would not go on from here: etcd has');
    expect(text).not.toContain('kubeadm upgrade');
  });

  it('a target that is older → refused with the reason', () => {
    const plan = planOf({ target: { kubernetes: '1.33.1' } });
    expect(() => printedUpgrade({ plan, observed: SINGLE, systems: {}, at: AT })).toThrow(/1\.33\.1/);
  });
});
