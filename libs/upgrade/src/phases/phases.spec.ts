import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { FROM, planOf, START, tell, TO, type Judge } from '../testing/story.js';
import { TinyCluster } from '../testing/tiny-cluster.js';

const finding = { severity: 'block', object: 'payments/ledger', message: '', remedy: '', owner: '' } as const;

describe('before anything is touched', () => {
  it('a blocking finding → skipped(preflight_blocked), no other step', () => {
    const findings = [{ ...finding, code: 'pdb_never_allows' }];
    const cluster = new TinyCluster({ from: FROM, faults: { 'preflight/cluster': [{ kind: 'succeeded', findings }] } });
    expect(tell({ cluster }).outcome).toMatchObject({
      kind: 'skipped',
      reason: { code: 'preflight_blocked', params: { findings: 1, first: 'pdb_never_allows' } },
    });
    expect(cluster.effects).toEqual(['preflight/cluster']);
  });

  it('what blocks may pass by itself, and does → looked at again, then upgraded', () => {
    const findings = [{ ...finding, code: 'node_not_ready' }];
    const cluster = new TinyCluster({ from: FROM, faults: { 'preflight/cluster': [{ kind: 'succeeded', findings }] } });
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({ kind: 'upgraded' });
    expect(cluster.effects.slice(0, 3)).toEqual(['preflight/cluster', 'preflight/cluster/2', 'snapshotEtcd/cp-1']);
  });

  it('it does not pass → skipped after the third look', () => {
    const findings = [{ ...finding, code: 'api_server_not_ready' }];
    const blocks = { kind: 'succeeded', findings } as const;
    const cluster = new TinyCluster({ from: FROM, faults: { 'preflight/cluster': [blocks, blocks, blocks] } });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'skipped', reason: { code: 'preflight_blocked' } });
    expect(cluster.effects).toEqual(['', '/2', '/3'].map((run) => `preflight/cluster${run}`));
  });

  it('beside it something that a person must mend → skipped at once', () => {
    const findings = ['node_not_ready', 'pdb_never_allows'].map((code) => ({ ...finding, code }));
    const cluster = new TinyCluster({ from: FROM, faults: { 'preflight/cluster': [{ kind: 'succeeded', findings }] } });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'skipped' });
    expect(cluster.effects).toEqual(['preflight/cluster']);
  });

  it.each([
    ['the control plane is at neither end of the hop', '1.34.1', {}, 'version_mismatch'],
    ['the hop skips a minor', '1.33.4', { hop: { index: 1, of: 1, from: '1.33.4', to: TO } }, 'skew_violation'],
    ['the order is for another cluster', FROM, { clusterUid: 'uid-2' }, 'cluster_uid_mismatch'],
    ['the kind is not carried out', FROM, { kind: 'teleport' as never }, 'order_unknown_kind'],
  ])('%s → skipped before the first step', (_situation, from, order, code) => {
    const cluster = new TinyCluster({ from });
    expect(tell({ cluster, order }).outcome).toMatchObject({ kind: 'skipped', reason: { code } });
    expect(cluster.effects).toEqual([]);
  });

  it('two etcd members can never spare one → skipped(quorum_at_risk)', () => {
    const cluster = new TinyCluster({ from: FROM, controlPlanes: 2 });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'skipped', reason: { code: 'quorum_at_risk' } });
  });

  it('a single node without consent → skipped; with topology singleNode → upgraded and nothing drained', () => {
    const alone = () => new TinyCluster({ from: FROM, workers: 0 });
    expect(tell({ cluster: alone() }).outcome).toMatchObject({
      kind: 'skipped',
      reason: { code: 'preflight_blocked' },
    });
    const cluster = alone();
    expect(tell({ cluster, plan: planOf({ topology: 'singleNode' }) }).outcome.kind).toBe('upgraded');
    expect(cluster.effects.some((effect) => effect.startsWith('drainNode'))).toBe(false);
  });

  it('everything is at the target already → upgraded without a snapshot and without judging', () => {
    const cluster = new TinyCluster({ from: TO });
    expect(tell({ cluster }).outcome.kind).toBe('upgraded');
    expect(cluster.effects).toEqual(['preflight/cluster', 'validate/cluster']);
  });

  it('the snapshot fails → halted(backup_failed), no control-plane step', () => {
    const failed = { kind: 'failed', reason: reason('backup_failed', { detail: 'no space' }) } as const;
    const cluster = new TinyCluster({ from: FROM, faults: { 'snapshotEtcd/cp-1': [failed] } });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'halted', reason: { code: 'backup_failed' } });
    expect(cluster.effects.some((effect) => effect.startsWith('upgradeControlPlane'))).toBe(false);
  });

  it('the snapshot was not restored for proof though the plan asks for it → taken again, then halted', () => {
    const taken = { node: 'cp-1', path: 'p', sha256: 's', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: START };
    const weak = { kind: 'succeeded', receipt: { ...taken, verified: 'status' } } as const;
    const cluster = new TinyCluster({ from: FROM, faults: { 'snapshotEtcd/cp-1': [weak, weak, weak] } });
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'halted', reason: { code: 'backup_failed' } });
    expect(cluster.effects).toEqual(['preflight/cluster', ...['', '/2', '/3'].map((run) => `snapshotEtcd/cp-1${run}`)]);
  });

  it('restored, but no Secret was read back → halted in the words of the proof, no control-plane step', () => {
    const why = 'not proven by a restore: nothing was read back of what is encrypted at rest (9 by aescbc key1)';
    const taken = { node: 'cp-1', path: 'p', sha256: 's', revision: 1, totalKeys: 1, sizeBytes: 1, takenAt: START };
    const receipt = { ...taken, verified: 'status', checks: ['the SHA-256 agrees', why] } as const;
    const weak = { kind: 'succeeded', receipt } as const;
    const cluster = new TinyCluster({ from: FROM, faults: { 'snapshotEtcd/cp-1': [weak, weak, weak] } });
    const reason = { code: 'backup_failed', params: { detail: `the snapshot was ${why}` } };
    expect(tell({ cluster }).outcome).toMatchObject({ kind: 'halted', reason });
    expect(cluster.effects.some((effect) => effect.startsWith('upgradeControlPlane'))).toBe(false);
  });
});

describe('the control plane', () => {
  it('etcd cannot spare a member now → waits, goes on when it can', () => {
    const cluster = new TinyCluster({ from: FROM, controlPlanes: 3 });
    cluster.etcdHealthy = 2;
    const before = (_pass: number, at: number) => {
      if (at > START + 5 * 60_000) cluster.etcdHealthy = null;
    };
    const { log, outcome } = tell({ cluster, before });
    expect(log.some((line) => line.includes('waits: quorum_at_risk healthy=2 members=3'))).toBe(true);
    expect(outcome.kind).toBe('upgraded');
  });

  it('the control plane burns → halted: nothing undoes a control plane by itself', () => {
    const { outcome } = tell({ cluster: new TinyCluster({ from: FROM }), judge: () => 'rollback' });
    expect(outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'slo_burned' },
      standing: { 'apiserver/cp-1': TO },
    });
  });

  it('no verdict comes within the window → halted(verdict_inconclusive)', () => {
    const { outcome } = tell({ cluster: new TinyCluster({ from: FROM }), judge: () => 'hold' });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'verdict_inconclusive' } });
  });

  it('kubeadm succeeded and the API stays away → halted(api_unreachable), not silence', () => {
    const cluster = new TinyCluster({ from: FROM });
    const { outcome } = tell({ cluster, before: () => (cluster.apiAway &&= [cluster.apiAway[0], Infinity]) });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'api_unreachable' } });
  });
});

describe('stopping', () => {
  it('the hub is away under hubAway=finishNode → no further node until the deadline', () => {
    const cluster = new TinyCluster({ from: FROM });
    const hubAwayAt = START + 11 * 60_000;
    const { log, outcome } = tell({ cluster, plan: planOf({ hubAway: 'finishNode' }), hubAwayAt });
    expect(log.some((line) => line.includes('waits: hub_away'))).toBe(true);
    expect(outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'deadline_passed' },
      standing: { 'kubelet/w-2': FROM },
    });
  });

  it('the hub is away under hubAway=finish → the order is finished', () => {
    expect(tell({ cluster: new TinyCluster({ from: FROM }), hubAwayAt: START }).outcome.kind).toBe('upgraded');
  });

  it('rollback is not automatic → a burning canary halts the order', () => {
    const plan = planOf({ rollback: { automatic: { upTo: 'none' } } });
    const judge: Judge = (phase) => (phase === 'judgeCanary' ? 'rollback' : 'promote');
    const { outcome } = tell({ cluster: new TinyCluster({ from: FROM }), plan, judge });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'slo_burned' } });
  });
});

describe('a rollback order', () => {
  const rolledForward = () => {
    const cluster = new TinyCluster({ from: TO });
    cluster.node('w-3').kubelet = FROM;
    return cluster;
  };

  it('workers at the new version → they go back without judging, the control plane stays', () => {
    const cluster = rolledForward();
    const { outcome, log } = tell({ cluster, order: { kind: 'rollback' } });
    expect(outcome).toMatchObject({
      kind: 'rolledBack',
      rung: 2,
      reason: { code: 'rollback_asked' },
      extent: { returned: ['w-1', 'w-2'], stays: [`control plane ${TO}`] },
    });
    expect(log.some((line) => line.includes('judging'))).toBe(false);
    expect(cluster.effects.some((effect) => effect.includes('cp-1'))).toBe(false);
  });

  it('the kubelet would be too old for the API server → skipped, nothing touched', () => {
    const cluster = new TinyCluster({ from: TO });
    const hop = { index: 1, of: 1, from: '1.31.4', to: TO };
    const { outcome } = tell({ cluster, order: { kind: 'rollback', hop } });
    expect(outcome).toMatchObject({ kind: 'skipped', reason: { code: 'skew_violation' } });
    expect(cluster.effects).toEqual([]);
  });
});
