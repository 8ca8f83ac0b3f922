import { describe, expect, it } from '@jest/globals';
import { canonicalText, sha256Hex } from './canonical.js';
import type { ClusterFacts } from './cluster.js';
import type { Order } from './order.js';
import { PlanSchema } from './plan.js';
import { approvalProblem, isApproved, planRecovery, type Recovery, type RecoveryAsked } from './recovery.js';
import { runbookOf } from './recovery-runbook.js';
import { verifyRecovery } from './recovery-verdict.js';

const AT = Date.UTC(2026, 10, 21, 12);
const node = (name: string, role: 'controlPlane' | 'worker', kubelet = '1.34.4', ready = true) =>
  ({ name, role, kubelet, ready, schedulable: true, zone: '', uid: `uid-${name}` }) as const;
const planes = (...ready: boolean[]) =>
  ready.map((good, index) => node(`cp-${index + 1}`, 'controlPlane', '1.35.4', good));
const facts = (nodes: ClusterFacts['nodes']): ClusterFacts => ({
  ...{ schema: 1, uid: 'uid-1', driver: 'kubeadm', apiServers: ['1.35.4'], pdbCount: 0, provider: '', observedAt: AT },
  nodes,
});
const receipt = {
  node: 'cp-1',
  path: 'p',
  sha256: 'a',
  revision: 1,
  totalKeys: 1,
  sizeBytes: 1,
  takenAt: AT - 3_600_000,
};

function staged(spec: object = { rollback: { stageRestore: true } }): Order {
  const plan = canonicalText(
    PlanSchema.parse({
      ...{ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } },
      spec: { target: { kubernetes: '1.35.4' }, ...spec },
    }),
  );
  const hop = { index: 1, of: 1, from: '1.34.4', to: '1.35.4' };
  return { id: 'o-1', kind: 'upgrade', clusterId: 'c-1', hop, plan, planDigest: sha256Hex(plan) } as unknown as Order;
}

function asked(of: Partial<RecoveryAsked> & { readonly nodes?: ClusterFacts['nodes'] } = {}): RecoveryAsked {
  const nodes = of.nodes ?? [...planes(true, true, true), node('w-1', 'worker', '1.35.4'), node('w-2', 'worker')];
  return {
    ...{ id: 'r-1', rung: 6, node: '', by: 'ops', at: AT, cluster: { id: 'c-1', name: 'fra', facts: facts(nodes) } },
    staged: { order: staged(), receipts: [{ ...receipt, verified: 'restore' }] },
    ...of,
  };
}

function made(of: Parameters<typeof asked>[0] = {}): Recovery {
  const recovery = planRecovery(asked(of));
  if ('problems' in recovery) throw new Error(recovery.problems[0]?.detail);
  return recovery;
}

const problemOf = (of: Parameters<typeof asked>[0]): string => {
  const answer = planRecovery(asked(of));
  return 'problems' in answer ? (answer.problems[0]?.code ?? '') : 'none';
};

describe('rung 6, etcd from the staged snapshot', () => {
  it('three control-plane nodes → copied from one, stopped, restored, started on all, then the newer workers', () => {
    const recovery = made();
    expect(recovery).toMatchObject({ version: '1.34.4', planes: ['cp-1', 'cp-2', 'cp-3'], takenAt: receipt.takenAt });
    const stages = runbookOf(recovery);
    const folder = '/var/lib/wavegate/restore/o-1';
    const of = (line: string) => stages.findIndex(({ lines }) => lines.some((one) => one.includes(line)));
    const order = [
      'scp ',
      `${folder}/restore.sh stop`,
      'restore.sh restore',
      'restore.sh start',
      '1.34.4/*.deb',
      'verify r-1',
    ];
    expect(order.map(of)).toEqual([...order.map(of)].sort((a, b) => a - b));
    expect(order.map(of)).not.toContain(-1);
    expect(stages[of('scp ')]).toMatchObject({ on: ['cp-2', 'cp-3'] });
    expect(stages[of('restore.sh stop')]).toMatchObject({ on: ['cp-1', 'cp-2', 'cp-3'] });
    expect(stages[of('packages/1.34.4')]).toMatchObject({ on: ['w-1'] });
  });

  it('one control-plane node → nothing is copied', () => {
    const stages = runbookOf(made({ nodes: [...planes(true), node('w-1', 'worker')] }));
    expect(stages.flatMap(({ lines }) => lines).some((line) => line.startsWith('scp'))).toBe(false);
  });

  it.each<[string, Parameters<typeof asked>[0]]>([
    ['no order', { staged: null }],
    ['a plan that stages nothing', { staged: { order: staged({}), receipts: [{ ...receipt, verified: 'restore' }] } }],
    ['an order that ended before its snapshot', { staged: { order: staged(), receipts: [] } }],
    [
      'a backup of something else',
      { staged: { order: staged(), receipts: [{ ...receipt, backup: 'velero', verified: 'status' }] } },
    ],
  ])('%s → not offered', (_name, of) => expect(problemOf(of)).toBe('nothing_staged'));
});

describe('rung 5, a node replaced', () => {
  const replace = (name: string, nodes?: ClusterFacts['nodes']) => ({
    rung: 5 as const,
    node: name,
    staged: null,
    ...(nodes ? { nodes } : {}),
  });

  it('a control-plane node → its member leaves etcd before the node goes, and it joins with a certificate key', () => {
    const lines = runbookOf(made(replace('cp-2'))).flatMap((stage) => stage.lines);
    const at = (text: string) => lines.findIndex((line) => line.includes(text));
    expect(at('member remove')).toBeLessThan(at('kubectl delete node cp-2'));
    expect(lines[at('member remove')]).toContain('$3 == "cp-2"');
    expect(lines[at('member remove')]).toContain('etcd-cp-1');
    expect(lines.join('\n')).toContain('--control-plane --certificate-key KEY');
  });

  it('a worker → its kubelet is stopped before its object goes, and the fresh host gets the version of the cluster', () => {
    const stages = runbookOf(made(replace('w-2', [...planes(true), node('w-1', 'worker'), node('w-2', 'worker')])));
    const of = (text: string) => stages.find(({ lines }) => lines.some((line) => line.includes(text)));
    const at = (text: string) => stages.findIndex((stage) => stage === of(text));
    expect(of('systemctl disable --now kubelet')?.on).toEqual(['w-2']);
    expect(at('systemctl disable')).toBeLessThan(at('kubectl delete node w-2'));
    expect(of('token create')?.on).toEqual(['cp-1']);
    expect(of('kubeadm join …')?.lines[0]).toContain("'kubeadm=1.35.4-*' 'kubelet=1.35.4-*' 'kubectl=1.35.4-*'");
  });

  it.each<[string, string, ClusterFacts['nodes'] | undefined, string]>([
    ['an unknown node', 'w-9', undefined, 'node_unknown'],
    ['the only control-plane node', 'cp-1', [...planes(true), node('w-1', 'worker')], 'etcd_quorum_at_risk'],
    ['one of two control-plane nodes', 'cp-1', planes(true, true), 'etcd_quorum_at_risk'],
    ['one of three while another is away', 'cp-1', planes(true, true, false), 'etcd_quorum_at_risk'],
    ['the last node that takes pods', 'w-1', [node('w-1', 'worker')], 'last_schedulable_node'],
    [
      'a worker beside a control plane that takes no pods',
      'w-1',
      [{ ...node('cp-1', 'controlPlane'), reserved: true }, node('w-1', 'worker')],
      'last_schedulable_node',
    ],
    [
      'one of three such control planes',
      'cp-1',
      planes(true, true, true).map((one) => ({ ...one, reserved: true as const })),
      'none',
    ],
    ['one of three, the others well', 'cp-1', planes(true, true, true), 'none'],
    ['a broken one of three', 'cp-3', planes(true, true, false), 'none'],
  ])('%s → %s %s', (_name, name, nodes, code) => expect(problemOf(replace(name, nodes))).toBe(code));
});

describe('approvals', () => {
  it('rung 6 needs two different persons, rung 5 one; none counts after a day or after the last', () => {
    const recovery = made();
    const once = { ...recovery, approvals: [{ by: 'ada', at: AT }] };
    expect([isApproved(recovery), isApproved(once), isApproved({ ...once, rung: 5 })]).toEqual([false, false, true]);
    expect(isApproved({ ...once, approvals: [...once.approvals, { by: 'ada', at: AT }] })).toBe(false);
    expect(isApproved({ ...once, approvals: [...once.approvals, { by: 'bob', at: AT }] })).toBe(true);
    expect(approvalProblem(once, 'ada', AT)).toContain('another person');
    expect(approvalProblem(once, 'bob', AT)).toBeNull();
    expect(approvalProblem(once, 'bob', AT + 25 * 3_600_000)).toContain('more than a day');
    expect(approvalProblem({ ...once, epoch: 7 }, 'bob', AT)).toContain('already');
  });
});

describe('what the agent saw afterwards', () => {
  const good = { standing: { 'apiserver/cp-1': '1.34.4', 'kubelet/w-1': '1.34.4' }, findings: [] };
  const well = facts([node('cp-1', 'controlPlane'), node('w-1', 'worker')]);

  it('the old version, every node Ready, etcd well → good', () => {
    expect(verifyRecovery(made(), { ...good, facts: well })).toMatchObject({ good: true });
  });

  it.each<[string, Partial<Parameters<typeof verifyRecovery>[1]>, RegExp]>([
    [
      'an API server at the newer version',
      { standing: { 'apiserver/cp-1': '1.34.4', 'apiserver/cp-2': '1.35.4' } },
      /cp-2 1\.35\.4/,
    ],
    ['none seen', { standing: {} }, /no API server/],
    ['a node that is away', { facts: facts([node('w-1', 'worker', '1.34.4', false)]) }, /not Ready: w-1/],
    ['a kubelet that stayed newer', { facts: facts([node('w-1', 'worker', '1.35.4')]) }, /w-1 1\.35\.4/],
    [
      'etcd without its quorum',
      {
        findings: [
          {
            code: 'etcd_quorum_at_risk',
            severity: 'block',
            object: '',
            message: 'two of three',
            remedy: '',
            owner: '',
          },
        ],
      },
      /two of three/,
    ],
  ])('%s → named', (_name, change, words) => {
    const verdict = verifyRecovery(made(), { ...good, facts: well, ...change });
    expect(verdict.good).toBe(false);
    expect(
      verdict.checks
        .filter((check) => !check.good)
        .map(({ text }) => text)
        .join(),
    ).toMatch(words);
  });
});
