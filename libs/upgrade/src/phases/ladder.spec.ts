import { describe, expect, it } from '@jest/globals';
import { reason, type Reason } from '@wavegate/fleet';
import { decide } from '../decide.js';
import { beginStep } from '../journal-changes.js';
import { planOf, tell } from '../testing/story.js';
import { TinyCluster } from '../testing/tiny-cluster.js';

const kindOf = (effect: string): string => effect.split('/')[0] ?? '';
const kinds = (cluster: TinyCluster): string[] => [...new Set(cluster.effects.map(kindOf))];

/** A cluster whose control plane is ahead of where an order is to bring it back. */
function ahead(of: { readonly planes: string; readonly kubelets: string; readonly emulates?: string }): TinyCluster {
  const cluster = new TinyCluster({ controlPlanes: 3, workers: 2, from: of.kubelets });
  for (const node of cluster.nodes) {
    node.components = of.planes;
    node.emulates = of.emulates ?? null;
  }
  return cluster;
}

const back = (from: string, to: string, approvedRungs: readonly number[]) => ({
  ...{ kind: 'rollback' as const, hop: { index: 1, of: 1, from, to }, approvedRungs },
});

describe('rung 3: an older patch of the control plane', () => {
  it('approved, and only the patch differs → workers first, then each control-plane node, settled in between', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.35.4' });
    const { outcome } = tell({ cluster, order: back('1.35.2', '1.35.4', [2, 3]) });
    expect(outcome).toMatchObject({
      kind: 'rolledBack',
      rung: 3,
      extent: { returned: ['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2'] },
    });
    const last = cluster.effects.findLastIndex((effect) => effect.startsWith('rollbackKubelet'));
    const plane = cluster.effects.findIndex((effect) => effect.startsWith('rollbackControlPlane'));
    expect(last).toBeLessThan(plane);
    expect(cluster.effects.filter((effect) => effect.startsWith('rollbackControlPlane'))).toEqual([
      'rollbackControlPlane/cp-1',
      'rollbackControlPlane/cp-2',
      'rollbackControlPlane/cp-3',
    ]);
  });

  it('no receipt → a snapshot is taken and checked behind the workers and before the first control-plane node', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.35.4' });
    const { journal } = tell({ cluster, order: back('1.35.2', '1.35.4', [2, 3]) });
    expect(journal.receipt).toMatchObject({ verified: 'restore' });
    const at = (kind: string): number[] => cluster.effects.flatMap((effect, n) => (effect.startsWith(kind) ? [n] : []));
    const [snapshot, second] = at('snapshotEtcd');
    expect(second).toBeUndefined();
    expect(snapshot).toBeGreaterThan(Math.max(...at('rollbackKubelet')));
    expect(snapshot).toBeLessThan(Math.min(...at('rollbackControlPlane')));
  });

  it('the snapshot fails → no control-plane node is touched; halted, in the words of the backup', () => {
    const why = reason('backup_failed', { detail: 'the disk is full' });
    const cluster = new TinyCluster({
      ...{ controlPlanes: 3, workers: 1, from: '1.35.2' },
      faults: { 'snapshotEtcd/cp-1': [{ kind: 'failed', reason: why }] },
    });
    for (const node of cluster.nodes) node.components = '1.35.4';
    const { outcome } = tell({ cluster, order: back('1.35.2', '1.35.4', [3]) });
    expect(outcome).toMatchObject({ kind: 'halted', reason: why });
    expect(kinds(cluster)).toEqual(['snapshotEtcd']);
  });

  it('only workers go back → no snapshot: nothing of the control plane changes', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.35.4' });
    tell({ cluster, order: back('1.35.2', '1.35.4', [2]) });
    expect(kinds(cluster)).not.toContain('snapshotEtcd');
  });

  it('etcd is said to stay; workers that were never moved are not', () => {
    const { outcome } = tell({
      cluster: ahead({ planes: '1.35.4', kubelets: '1.35.2' }),
      order: back('1.35.2', '1.35.4', [3]),
    });
    expect(outcome).toMatchObject({ extent: { stays: ['etcd 3.6.5'] } });
  });

  it('the kubelets of the control-plane nodes were newer already → they stay, and each is named', () => {
    const { outcome } = tell({
      cluster: ahead({ planes: '1.35.4', kubelets: '1.35.4' }),
      order: back('1.35.2', '1.35.4', [3]),
    });
    const kubelets = ['cp-1', 'cp-2', 'cp-3'].map((name) => `kubelet of ${name} 1.35.4`);
    expect(outcome).toMatchObject({ extent: { stays: ['etcd 3.6.5', ...kubelets] } });
  });

  it('not approved → workers alone go back, the control plane is named as staying', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.35.4' });
    const { outcome } = tell({ cluster, order: back('1.35.2', '1.35.4', [2]) });
    expect(outcome).toMatchObject({ kind: 'rolledBack', rung: 2 });
    expect(kinds(cluster)).not.toContain('rollbackControlPlane');
  });

  it('a minor lies between → refused by name, nothing touched', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.34.4' });
    const { outcome } = tell({ cluster, order: back('1.34.4', '1.35.4', [3]) });
    expect(outcome).toEqual({ kind: 'skipped', reason: reason('no_rung_applies', { committed: '1.35.4' }) });
    expect(cluster.effects).toEqual([]);
  });

  it('it fails on a node → halted there, no further node begun', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.35.2' });
    const why = reason('half_upgraded', { node: 'cp-1', stands: 'kube-apiserver 1.35.2', detail: 'killed' });
    const faulty = new TinyCluster({
      ...{ controlPlanes: 3, workers: 2, from: '1.35.2' },
      faults: { 'rollbackControlPlane/cp-1': [{ kind: 'failed', reason: why }] },
    });
    faulty.nodes.forEach((node, n) => (node.components = cluster.nodes[n]?.components ?? ''));
    const { outcome } = tell({ cluster: faulty, order: back('1.35.2', '1.35.4', [3]) });
    expect(outcome).toMatchObject({ kind: 'halted', reason: why });
    expect(faulty.effects).toEqual(['snapshotEtcd/cp-1', 'rollbackControlPlane/cp-1']);
  });
});

describe('rung 4: the old binaries, while the new ones only emulate them', () => {
  it('still emulating → every control-plane node goes back a minor', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.34.4', emulates: '1.34' });
    const { outcome } = tell({ cluster, order: back('1.34.4', '1.35.4', [4]) });
    expect(outcome).toMatchObject({ kind: 'rolledBack', rung: 4, extent: { returned: ['cp-1', 'cp-2', 'cp-3'] } });
  });

  it('one API server is itself already → refused: its storage may be of the new minor', () => {
    const cluster = ahead({ planes: '1.35.4', kubelets: '1.34.4', emulates: '1.34' });
    cluster.node('cp-2').emulates = null;
    const { outcome } = tell({ cluster, order: back('1.34.4', '1.35.4', [4]) });
    expect(outcome).toEqual({ kind: 'skipped', reason: reason('no_rung_applies', { committed: '1.35.4' }) });
  });
});

describe('the two-step upgrade', () => {
  const plan = planOf({ upgrade: { controlPlane: { twoStep: true } } });

  it('promoted → emulates first, is judged, commits, and then every API server is itself before any kubelet', () => {
    const cluster = new TinyCluster({ controlPlanes: 3, workers: 2, from: '1.34.4' });
    const seen: string[] = [];
    const { outcome } = tell({
      ...{ cluster, plan },
      check: ({ decision }) => {
        if (decision.kind === 'note' && decision.note.kind === 'committed') {
          seen.push(
            ...cluster.nodes.filter(({ role }) => role === 'controlPlane').map(({ emulates }) => `${emulates}`),
          );
        }
      },
    });
    expect(outcome.kind).toBe('upgraded');
    expect(seen).toEqual(['1.34', '1.34', '1.34']);
    expect(cluster.nodes.map(({ emulates }) => emulates)).toEqual([null, null, null, null, null]);
    const kubelet = cluster.effects.findIndex((effect) => effect.startsWith('upgradeKubelet'));
    expect(cluster.effects.indexOf('upgradeControlPlane/cp-3/2')).toBeLessThan(kubelet);
  });

  it('not promoted → halted while emulating: the way back is open', () => {
    const cluster = new TinyCluster({ controlPlanes: 1, workers: 2, from: '1.34.4' });
    const { outcome } = tell({ cluster, plan, judge: () => 'rollback' });
    expect(outcome.kind).toBe('halted');
    expect(cluster.node('cp-1').emulates).toBe('1.34');
  });

  it('only a patch lies between → nothing is emulated', () => {
    const cluster = new TinyCluster({ controlPlanes: 1, workers: 2, from: '1.35.2' });
    tell({ cluster, plan, order: { hop: { index: 1, of: 1, from: '1.35.2', to: '1.35.4' } } });
    expect(cluster.effects.filter((effect) => effect.startsWith('upgradeControlPlane'))).toEqual([
      'upgradeControlPlane/cp-1',
    ]);
  });
});

describe('rung 6, staged', () => {
  const plan = planOf({ rollback: { stageRestore: true } });

  it('the plan asks for it → laid on every control-plane host before the first is changed', () => {
    const cluster = new TinyCluster({ controlPlanes: 3, workers: 1, from: '1.34.4' });
    expect(tell({ cluster, plan }).outcome.kind).toBe('upgraded');
    expect(cluster.effects.slice(0, 6).map(kindOf)).toEqual([
      ...['preflight', 'snapshotEtcd', 'stageRestore', 'stageRestore', 'stageRestore', 'upgradeControlPlane'],
    ]);
  });

  it('it cannot be laid there → halted before anything is changed', () => {
    const why = reason('step_refused', { step: 'stageRestore/cp-1', node: 'cp-1', code: 'disk_full', detail: 'full' });
    const cluster = new TinyCluster({
      ...{ controlPlanes: 1, workers: 1, from: '1.34.4' },
      faults: {
        'stageRestore/cp-1': [
          { kind: 'failed', reason: why },
          { kind: 'failed', reason: why },
        ],
      },
    });
    expect(tell({ cluster, plan }).outcome).toMatchObject({ kind: 'halted', reason: why });
    expect(kinds(cluster)).toEqual(['preflight', 'snapshotEtcd', 'stageRestore']);
  });
});

describe('what a host says of its own failure', () => {
  it.each([
    ['step_refused', { step: 'upgradeControlPlane/cp-1', node: 'cp-1', code: 'image_missing', detail: 'none' }],
    ['kubeadm_left_behind', { node: 'cp-1', version: '1.34.4', detail: 'timed out', left: 'etcd stays at 3.6.6' }],
  ] as const)('%s → the outcome, in its words', (code, params) => {
    const why = { code, params };
    const cluster = new TinyCluster({
      ...{ controlPlanes: 1, workers: 1, from: '1.34.4' },
      faults: { 'upgradeControlPlane/cp-1': [{ kind: 'failed', reason: why }] },
    });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'halted', reason: why });
  });
});

describe('a single control plane that restarts', () => {
  it.each([
    [1, 'api_away_as_declared'],
    [3, 'control_plane_upgrading'],
  ])('%i control-plane nodes, no API during a step → shown as %s', (controlPlanes, code) => {
    const plan = planOf();
    const cluster = new TinyCluster({ controlPlanes, workers: 1, from: '1.34.4' });
    const shown: Reason[] = [];
    tell({
      ...{ cluster, plan },
      check: ({ decision, at, journal, observed }) => {
        const step = decision.kind === 'steps' ? decision.steps[0] : undefined;
        if (step?.kind !== 'upgradeControlPlane') return;
        const during = beginStep(journal, step, at);
        const away = { ...observed, reachable: false, reachableSince: at + 40_000 };
        const input = {
          order: journal.order,
          plan,
          journal: during,
          observed: away,
          verdict: null,
          hubAwaySince: null,
        };
        const next = decide({ ...input, at: at + 60_000 });
        if (next.kind === 'steps') shown.push(next.reason);
      },
    });
    expect(shown[0]?.code).toBe(code);
    // The plan's allowance of three minutes counts from when the API went away.
    if (controlPlanes === 1) expect(Number(shown[0]?.params.until)).toBe(Number(shown[0]?.params.since) + 180_000);
  });
});
