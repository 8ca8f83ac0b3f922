import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { Cluster, Explanation, PlanPreview } from '../gen/types.gen.js';
import { golden } from '../testing/golden.js';
import { sampleOrder } from '../testing/sample-order.js';
import { ago, NOW, sampleClusters, sampleRollout, viewOf } from '../testing/sample-rollout.js';
import { renderCluster, renderClusters } from './cluster-table.js';
import { cutText, printColumns, wrapText } from './columns.js';
import { renderEvent } from './event-line.js';
import { renderExplanation } from './explain-screen.js';
import { clockText, durationText, reasonText } from './moment.js';
import { paintOf } from './paint.js';
import { renderPreview } from './preview-screen.js';
import { renderRollouts } from './rollout-table.js';

const screen = { width: 130, color: false, now: NOW, timeZone: 'UTC' };

const backup = (kind: string, minutes: number) => ({
  ...{ order: 'o-1', at: ago(minutes), backup: kind, verified: 'restore' as const },
  text: `${kind} on cp-1: 10230 keys at revision 88213, restored for proof`,
});

function sample(name: string, change: Partial<Cluster> = {}): Cluster {
  const node = { role: 'worker' as const, kubelet: '1.34.4', ready: true, schedulable: true, zone: 'a' };
  return {
    ...{ id: `id-${name}`, name, uid: `uid-${name}`, labels: { region: 'fra', env: 'prod' }, approved: true },
    ...{ driver: 'kubeadm', provider: 'metal', controlPlane: ['1.34.4'], pdbCount: 3, factsAt: ago(2) },
    ...{ lastBackup: backup('manifests', 180), lastRestoreProof: backup('etcd', 2 * 1440) },
    nodes: [
      { ...node, name: 'cp-1', role: 'controlPlane' },
      { ...node, name: 'w-1', schedulable: false },
      { ...node, name: 'w-2', ready: false, zone: '' },
    ],
    agent: { connected: true, version: '0.1.0', lastSeen: ago(0), generation: 3, replica: 'hub-1' },
    ...change,
  };
}

const fleet = [
  sample('prd-fra-1'),
  sample('stg-iad-2', {
    controlPlane: ['1.34.4', '1.35.4'],
    agent: { connected: false, version: '0.1.0', lastSeen: ago(190), generation: 9, replica: null },
  }),
  sample('new-1', {
    ...{ approved: false, driver: null, provider: null, controlPlane: [], nodes: [], pdbCount: null, factsAt: null },
    ...{ lastBackup: null, lastRestoreProof: null },
    ...{
      labels: {},
      uid: null,
      agent: { connected: false, version: null, lastSeen: null, generation: 0, replica: null },
    },
  }),
];

describe('the cluster table', () => {
  it('connected, silent, waiting for approval, half upgraded → each is said', () => {
    const text = renderClusters(fleet, false, screen);
    expect(text).toBe(golden('clusters', text));
    const wide = renderClusters(fleet, true, { ...screen, width: Infinity });
    expect(wide).toBe(golden('clusters-wide', wide));
    expect(renderClusters([], false, screen)).toBe('No cluster matches.');
  });

  it('one cluster → its nodes, the odd ones marked', () => {
    const text = renderCluster(fleet[0] ?? sample('x'), screen);
    expect(text).toBe(golden('cluster', text));
  });
});

describe('the preview', () => {
  const preview: PlanPreview = {
    ...{ name: 'k135-autumn', digest: '3fd8'.repeat(16), matched: 6, taking: 3, maxInFlight: 10 },
    left: [
      { cluster: 'b', reason: viewOf(reason('already_at_target', { version: '1.35.4' })) },
      { cluster: 'a', reason: viewOf(reason('already_at_target', { version: '1.35.4' })) },
      { cluster: 'edge-7', reason: viewOf(reason('driver_missing')) },
    ],
    waves: [
      {
        ...{
          index: 1,
          share: '50%',
          nodes: 4,
          startsAt: ago(-60),
          endsAt: ago(-160),
          gates: ['soak 30m'],
          tolerated: 0,
        },
        clusters: [{ name: 'dev-fra-1', hops: ['1.34.4 → 1.35.4'], nodes: 4, canary: true }],
      },
      {
        ...{ index: 2, share: '100%', nodes: 9, startsAt: ago(-1500), endsAt: null, tolerated: 1 },
        gates: ['2 approvals', 'window', 'soak 24h (env=prod)'],
        clusters: ['prd-1', 'prd-2', 'prd-3'].map((name, at) => ({
          ...{ name, nodes: 3, canary: false },
          hops: at === 0 ? ['1.33.9 → 1.34.4', '1.34.4 → 1.35.4'] : ['1.34.4 → 1.35.4'],
        })),
      },
    ],
    proves: ['After a clean wave 1 (1 cluster): at 95 % confidence, at most 95 % of clusters like these fail.'],
    undo: [
      'Before the control plane is touched: everything. After it: worker nodes by themselves (rung 2); the control plane only with data loss (rung 6, by hand, two persons).',
    ],
    warnings: ['No agent is connected for edge-9: the offline policy applies to them.'],
  };

  it('a plan over a small fleet → waves, gates, proof, undo, who is left out', () => {
    const text = renderPreview(preview, screen);
    expect(text).toBe(golden('preview', text));
  });
});

describe('explain', () => {
  const explanation: Explanation = {
    ...{ rollout: '7f3c01aa', cluster: 'stg-fra-3', phase: 'waiting', since: ago(4), agent: null, drains: [] },
    judged: null,
    sentence: 'stg-fra-3: wave 2 has 2 failures and tolerates 1',
    gates: [
      {
        ...{ gate: 'budget', answer: 'block', until: null },
        reason: viewOf(reason('budget_exceeded', { wave: 2, failures: 2, tolerated: 1 })),
      },
      { gate: 'window', answer: 'pass', reason: viewOf(reason('gate_passed')), until: ago(-108) },
    ],
    next: 'A person resumes with "wavegate rollout resume 7f3c01aa --allow 1" (audited), rolls back, or aborts.',
  };

  it('a blocked cluster → the sentence, every gate, and who moves next', () => {
    const text = renderExplanation(explanation, null, screen);
    expect(text).toBe(golden('explain', text));
  });

  it('a phase under judgement → each objective and gauge as a sparkline, a gap as a blank', () => {
    const sli = { name: 'checkout', decisive: true, objective: 0.999 };
    const before: [number, number][] = [
      [1, 1000],
      [0, 1000],
    ];
    const since: ([number, number] | null)[] = [[1, 1000], null, [8, 1000]];
    const memory = { name: 'memory', before: [100, 100], since: [300, null, 800] };
    const judged = { periodSeconds: 60, slis: [{ ...sli, before, since }], gauges: [memory] };
    const text = renderExplanation({ ...explanation, phase: 'upgrading', judged }, null, screen);
    expect(text).toContain('▂▁│▂ █  checkout: 0.45 % bad since the change, 0.05 % bad before');
    expect(text).toContain('▁▁│▃ █  memory (gauge, never decisive): mean 550 since the change, 100 before');
  });

  it('a node under drain → its pods in numbers, and who is waited for by name, budget and owner', () => {
    const drains = sampleOrder().progress?.drains ?? [];
    const text = renderExplanation({ ...explanation, phase: 'upgrading', drains }, null, screen);
    expect(text).toContain('node w-1: 3 kept, 1 blocked, 1 terminating, 12 gone');
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(
      /payments\/cart-1 blocked 9m Deployment payments\/cart PDB payments\/cart:/,
    );
  });

  it('an ended cluster → how it ended and what stays', () => {
    const outcome = sampleClusters().find(({ name }) => name === 'dev-sin-4')?.outcome ?? null;
    const text = renderExplanation({ ...explanation, phase: 'done' }, outcome, screen);
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(/how it ended: rolled back .*stays: control plane 1\.35\.4/);
  });
});

describe('lists', () => {
  it('rollouts → one line each with what failed', () => {
    const text = renderRollouts([sampleRollout(), sampleRollout({ id: 'aa01', state: 'finished' })], screen);
    expect(text).toBe(golden('rollouts', text));
  });

  it('an event → one line; long details are cut on a terminal and whole elsewhere', () => {
    const changes = [1, 2, 3, 4].map((n) => ({ name: `c-${n}`, phase: 'ordered', reason: { code: 'order_sent' } }));
    const detail = { rollout: '7f3c01aa', state: 'running', changes };
    const event = { seq: 7, at: ago(3), actor: 'ada', action: 'rollout.started', object: 'rollout/7f3c01aa', detail };
    expect(renderEvent(event, { ...screen, width: Infinity })).toBe(
      '7  12:27  ada  rollout.started  rollout/7f3c01aa  state=running c-1 ordered (order_sent), c-2 ordered (order_sent), c-3 ordered (order_sent) and 1 more',
    );
    expect(renderEvent(event, { ...screen, width: 70 })).toHaveLength(70);
  });
});

describe('columns and times', () => {
  it('a row wider than the terminal → cut with an ellipsis, never wrapped by the terminal', () => {
    const rows = [[{ text: 'a'.repeat(10) }, { text: 'b'.repeat(50) }]];
    const lines = printColumns(['ONE', 'TWO'], rows, { width: 30, paint: paintOf(false) });
    expect(lines[1]).toBe(`${'a'.repeat(10)}  ${'b'.repeat(17)}…`);
    expect(printColumns(['ONE', 'TWO'], rows, { width: 8, paint: paintOf(false) })[1]).toBe('aaaaaaa…');
    expect(cutText('abc', 0)).toBe('');
    expect(wrapText('aaaa bb cccccccc d', 7)).toEqual(['aaaa bb', 'cccccccc', 'd']);
  });

  it('durations and clocks → two units at most, the day where it is not today', () => {
    expect([0, 59_999, 61_000, 11_520_000, 7_200_000, 187_200_000].map(durationText)).toEqual([
      ...['0s', '59s', '1m', '3h 12m', '2h', '2d 4h'],
    ]);
    expect(clockText(NOW + 3_600_000, screen)).toBe('13:30');
    expect(clockText(NOW + 86_400_000, screen)).toBe('Thu 12:30');
    expect(clockText(NOW + 8 * 86_400_000, screen)).toBe('2026-10-15 12:30');
    expect(clockText(NOW, { ...screen, timeZone: 'Europe/Berlin' })).toBe('14:30');
  });

  it('a reason of a newer hub → its own words', () => {
    expect(reasonText({ code: 'moon_phase', params: {}, text: 'the moon is full' }, screen)).toBe('the moon is full');
    const soak = viewOf(reason('soak_running', { wave: 1, until: NOW + 1_800_000 }));
    expect(reasonText(soak, screen)).toBe('wave 1 soaks until 13:00 (in 30m)');
  });
});
