import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { FROM, planOf, START, tell, TO, type Judge } from '../testing/story.js';
import { TinyCluster, type Faults } from '../testing/tiny-cluster.js';

const CUT_BEFORE = 'cut before';
const high = (faults: Faults) => new TinyCluster({ controlPlanes: 3, workers: 2, from: FROM, faults });
const runsOn = (cluster: TinyCluster, step: string) => cluster.effects.filter((effect) => effect.startsWith(step));

describe('a control-plane node that dies in the middle of its own step', () => {
  it.each(['cut before', 'cut half-way', 'cut at the end'] as const)(
    'power %s → the step is run again once the node has settled, and the order goes on',
    (cut) => {
      const cluster = high({ 'upgradeControlPlane/cp-1': [cut], 'upgradeControlPlane/cp-3': [cut] });
      const { outcome, log } = tell({ cluster });
      expect(outcome.kind).toBe('upgraded');
      expect(runsOn(cluster, 'upgradeControlPlane')).toEqual(
        ['cp-1', 'cp-1/2', 'cp-2', 'cp-3', 'cp-3/2'].map((run) => `upgradeControlPlane/${run}`),
      );
      const died = log.findIndex((line) => line.includes('failed: step_interrupted'));
      const again = log.findIndex((line) => line.endsWith('upgradeControlPlane/cp-1/2'));
      expect(
        log
          .slice(died, again)
          .some(
            (line) => line.includes('waits: node_not_ready node=cp-1') || line.includes('waits: settling node=cp-1'),
          ),
      ).toBe(true);
    },
  );

  it('the first node dies after its components are new → still the first, whom kubeadm "apply" belongs to', () => {
    const cluster = high({ 'upgradeControlPlane/cp-1': ['cut at the end'] });
    const firsts: Record<string, boolean> = {};
    tell({
      cluster,
      check: ({ decision }) => {
        for (const step of decision.kind === 'steps' ? decision.steps : []) {
          if (step.kind === 'upgradeControlPlane') firsts[step.name] = step.first;
        }
      },
    });
    expect(firsts).toEqual({
      'upgradeControlPlane/cp-1': true,
      'upgradeControlPlane/cp-1/2': true,
      'upgradeControlPlane/cp-2': false,
      'upgradeControlPlane/cp-3': false,
    });
  });

  it('it dies three times in a row → halted with what is known, no other node begun', () => {
    const cluster = high({ 'upgradeControlPlane/cp-1': ['cut before', 'cut half-way', 'cut before'] });
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'step_interrupted', params: { step: 'upgradeControlPlane/cp-1/3', node: 'cp-1' } },
    });
    expect(runsOn(cluster, 'upgradeControlPlane/cp-2')).toEqual([]);
  });

  it('it does not come back → halted(node_not_ready): nothing is run on a node that is away', () => {
    const cluster = high({ 'upgradeControlPlane/cp-1': [CUT_BEFORE] });
    const { outcome } = tell({
      cluster,
      before: () => {
        if (runsOn(cluster, 'upgradeControlPlane').length > 0) cluster.node('cp-1').readyFrom = Infinity;
      },
    });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'node_not_ready', params: { node: 'cp-1' } } });
    expect(runsOn(cluster, 'upgradeControlPlane')).toEqual(['upgradeControlPlane/cp-1']);
  });

  it('etcd can spare nobody meanwhile → waits for its quorum before the step is run again', () => {
    const cluster = high({ 'upgradeControlPlane/cp-1': ['cut half-way'] });
    let since = 0;
    const { log, outcome } = tell({
      cluster,
      before: (_pass, at) => {
        const died = runsOn(cluster, 'upgradeControlPlane').length === 1;
        since ||= died ? at : 0;
        cluster.etcdHealthy = died && at < since + 5 * 60_000 ? 2 : null;
      },
    });
    expect(log.some((line) => line.includes('waits: quorum_at_risk'))).toBe(true);
    expect(outcome.kind).toBe('upgraded');
  });

  it.each([
    ['cut before', FROM, 1],
    ['cut half-way', TO, 2],
    ['cut at the end', TO, 2],
  ] as const)(
    'power %s and the deadline passes meanwhile → ends at %s after %i runs, never half-way',
    (cut, version, runs) => {
      const cluster = high({ 'upgradeControlPlane/cp-1': [cut] });
      const order = { deadline: START + 4 * 60_000 };
      const { outcome } = tell({ cluster, order });
      expect(outcome).toMatchObject({
        kind: 'halted',
        reason: { code: 'deadline_passed' },
        standing: { 'apiserver/cp-1': version, 'apiserver/cp-2': FROM },
      });
      expect(runsOn(cluster, 'upgradeControlPlane')).toHaveLength(runs);
    },
  );

  it('hub away under hubAway=finishNode, nothing changed yet → waits for the hub as before any node', () => {
    const cluster = high({ 'upgradeControlPlane/cp-1': [CUT_BEFORE] });
    const { log } = tell({ cluster, plan: planOf({ hubAway: 'finishNode' }), hubAwayAt: START + 60_000 });
    expect(log.some((line) => line.includes('waits: hub_away'))).toBe(true);
    expect(runsOn(cluster, 'upgradeControlPlane')).toHaveLength(1);
  });

  it('a two-step upgrade dies while it lifts the emulation → lifted by the next run', () => {
    const plan = planOf({ upgrade: { controlPlane: { twoStep: true } } });
    const cluster = new TinyCluster({ controlPlanes: 3, workers: 1, from: FROM });
    const { outcome } = tell({
      ...{ cluster, plan },
      check: ({ decision }) => {
        if (decision.kind === 'note' && decision.note.kind === 'committed')
          cluster.breakNext('upgradeControlPlane/cp-2', CUT_BEFORE);
      },
    });
    expect(outcome.kind).toBe('upgraded');
    expect(cluster.nodes.map(({ emulates }) => emulates)).toEqual([null, null, null, null]);
    expect(cluster.effects).toContain('upgradeControlPlane/cp-2/3');
  });
});

describe('what says that kubeadm went back by itself', () => {
  const failed = (code: 'step_failed' | 'step_timed_out') => ({
    ...{ kind: 'failed' as const },
    reason: reason(code, { step: 'upgradeControlPlane/cp-1', node: 'cp-1', detail: 'the API server took no Job' }),
  });

  it.each(['step_failed', 'step_timed_out'] as const)(
    '%s, and no component ever moved → halted in these words',
    (code) => {
      const { outcome } = tell({ cluster: high({ 'upgradeControlPlane/cp-1': [failed(code)] }) });
      expect(outcome).toMatchObject({ kind: 'halted', reason: { code } });
    },
  );

  it('components restarted since the step began and are old → halted(kubeadm_reverted)', () => {
    const { outcome } = tell({ cluster: high({ 'upgradeControlPlane/cp-1': ['reverted'] }) });
    expect(outcome).toMatchObject({ kind: 'halted', reason: { code: 'kubeadm_reverted' } });
  });
});

describe('other steps on a host that dies', () => {
  it.each([
    ['w-1', 'cut before'],
    ['w-1', 'cut at the end'],
    ['w-2', 'cut before'],
    ['cp-2', 'cut before'],
    ['cp-2', 'cut at the end'],
  ] as const)('the kubelet step of %s, power %s → run again when the node is back, still cordoned', (node, cut) => {
    const cluster = high({ [`upgradeKubelet/${node}`]: [cut] });
    const seen: (string | null)[] = [];
    const { outcome } = tell({
      cluster,
      check: ({ decision, observed }) => {
        const again =
          decision.kind === 'steps' && decision.steps.some(({ name }) => name === `upgradeKubelet/${node}/2`);
        const now = observed.nodes.find(({ name }) => name === node);
        if (again && now) seen.push(now.ready ? now.cordonedBy : 'not ready');
      },
    });
    expect(outcome.kind).toBe('upgraded');
    expect(seen).toEqual(['a'.repeat(32)]);
  });

  it('a worker dies three times in a row → halted, the node stays out and is named; no other is begun', () => {
    const cluster = high({ 'upgradeKubelet/w-1': ['cut before', 'cut before', 'cut at the end'] });
    const { outcome } = tell({ cluster });
    expect(outcome).toMatchObject({
      kind: 'halted',
      reason: { code: 'step_interrupted', params: { node: 'w-1' } },
      cordoned: ['w-1'],
    });
    expect(runsOn(cluster, 'upgradeKubelet/w-2')).toEqual([]);
  });

  it('it fails by its own word once and dies twice → both counts are kept apart, and it gets through', () => {
    const word = {
      kind: 'failed' as const,
      reason: reason('step_failed', { step: 's', node: 'w-1', detail: 'disk full' }),
    };
    const cluster = high({ 'upgradeKubelet/w-1': ['cut before', word, 'cut before'] });
    expect(tell({ cluster }).outcome.kind).toBe('upgraded');
    expect(runsOn(cluster, 'upgradeKubelet/w-1')).toHaveLength(4);
  });

  it('the snapshot dies with its host → taken anew, its receipt used; three times → halted(backup_failed)', () => {
    const once = high({ 'snapshotEtcd/cp-1': [CUT_BEFORE] });
    expect(tell({ cluster: once }).outcome.kind).toBe('upgraded');
    expect(runsOn(once, 'snapshotEtcd')).toEqual(['snapshotEtcd/cp-1', 'snapshotEtcd/cp-1/2']);
    const thrice = high({ 'snapshotEtcd/cp-1': [CUT_BEFORE, CUT_BEFORE, CUT_BEFORE] });
    expect(tell({ cluster: thrice }).outcome).toMatchObject({ kind: 'halted', reason: { code: 'backup_failed' } });
    expect(runsOn(thrice, 'upgradeControlPlane')).toEqual([]);
  });

  it('what a restore needs is being laid there → laid again', () => {
    const cluster = high({ 'stageRestore/cp-2': [CUT_BEFORE, CUT_BEFORE] });
    expect(tell({ cluster, plan: planOf({ rollback: { stageRestore: true } }) }).outcome.kind).toBe('upgraded');
    expect(runsOn(cluster, 'stageRestore/cp-2')).toHaveLength(3);
  });

  it('the way back dies with its host, kubelet and control plane alike → run again', () => {
    const judge: Judge = (phase) => (phase === 'judgeCanary' ? 'rollback' : 'promote');
    const workers = high({ 'rollbackKubelet/w-1': [CUT_BEFORE] });
    expect(tell({ cluster: workers, judge }).outcome).toMatchObject({
      kind: 'rolledBack',
      extent: { returned: ['w-1'] },
    });
    const planes = new TinyCluster({
      controlPlanes: 3,
      workers: 1,
      from: '1.35.2',
      faults: { 'rollbackControlPlane/cp-2': [CUT_BEFORE] },
    });
    for (const node of planes.nodes) node.components = '1.35.4';
    const order = {
      kind: 'rollback' as const,
      hop: { index: 1, of: 1, from: '1.35.2', to: '1.35.4' },
      approvedRungs: [3],
    };
    expect(tell({ cluster: planes, order }).outcome).toMatchObject({ kind: 'rolledBack', rung: 3 });
    expect(runsOn(planes, 'rollbackControlPlane/cp-2')).toHaveLength(2);
  });
});
