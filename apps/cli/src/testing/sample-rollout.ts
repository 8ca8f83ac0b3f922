import { describeOutcome, describeReason, reason, type Outcome, type Reason as FleetReason } from '@wavegate/fleet';
import type * as api from '../gen/types.gen.js';

/** The story of the design's scenes: wave 2 is blocked, one cluster was rolled back, one halted, one is held by a PDB. */

export const NOW = Date.parse('2026-10-07T12:30:00Z');

export function ago(minutes: number): string {
  return new Date(NOW - minutes * 60_000).toISOString();
}

export function viewOf(made: FleetReason): api.Reason {
  return { code: made.code, params: { ...made.params }, text: describeReason(made) };
}

export function outcomeOf(outcome: Outcome): api.Outcome {
  const none = { reason: null, rung: null, returned: [], stays: [], cordoned: [], standing: {}, fetched: [] };
  const text = describeOutcome(outcome);
  if (outcome.kind === 'rolledBack') {
    const { rung, extent } = outcome;
    return { ...none, kind: outcome.kind, text, rung, returned: [...extent.returned], stays: [...extent.stays] };
  }
  return { ...none, kind: outcome.kind, text };
}

export function sampleWave(index: number, change: Partial<api.Wave>): api.Wave {
  const counts = { waiting: 0, inFlight: 0, upgraded: 0, failures: 0, skipped: 0, lost: 0, tolerated: 1, allowed: 0 };
  return { index, share: '5%', size: 2, phase: 'waiting', since: ago(192), ...counts, gates: [], ...change };
}

export function sampleRollout(change: Partial<api.Rollout> = {}): api.Rollout {
  const exceeded = viewOf(reason('budget_exceeded', { wave: 2, failures: 2, tolerated: 1 }));
  const block = { gate: 'budget', answer: 'block' as const, reason: exceeded, until: null };
  const need = viewOf(reason('approval_missing', { wave: 3, have: 0, need: 2 }));
  const approval = { gate: 'approval', answer: 'wait' as const, reason: need, until: null };
  return {
    id: '7f3c01aa',
    name: 'k135-autumn',
    planDigest: '3fd8'.repeat(16),
    target: '1.35.4',
    state: 'blocked',
    reason: exceeded,
    since: ago(14),
    startedBy: 'ada',
    startedAt: ago(192),
    finishedAt: null,
    currentWave: 2,
    maxInFlight: 10,
    size: 38,
    done: 7,
    waves: [
      sampleWave(1, { share: '5%', size: 2, phase: 'passed', upgraded: 2, tolerated: 0 }),
      sampleWave(2, {
        share: '25%',
        size: 8,
        phase: 'open',
        upgraded: 3,
        failures: 2,
        inFlight: 2,
        waiting: 1,
        gates: [block],
      }),
      sampleWave(3, { share: '50%', size: 9, waiting: 9, gates: [approval] }),
      sampleWave(4, { share: '100%', size: 19, waiting: 19 }),
    ],
    wakeAt: null,
    asks: exceeded,
    ...change,
  };
}

export function sampleCluster(name: string, change: Partial<api.RolloutCluster> = {}): api.RolloutCluster {
  return {
    id: `id-${name}`,
    name,
    wave: 2,
    position: 0,
    phase: 'waiting',
    reason: viewOf(reason('waiting_for_wave', { wave: 1 })),
    since: ago(4),
    attempt: 1,
    hop: '1.34.4 → 1.35.4 (1 of 1)',
    versions: '1.34.4 / 1.34.4 ×4',
    connected: true,
    progress: null,
    outcome: null,
    ...change,
  };
}

const standing = { 'apiserver/cp-1': '1.35.4', 'kubelet/w-1': '1.34.4' };

export function sampleClusters(): api.RolloutCluster[] {
  const drain = {
    ...{ node: 'w-3', pod: 'payments/cart-1', pdb: 'cart', owner: 'team-cart' },
    ...{ since: Date.parse(ago(9)), until: Date.parse(ago(-6)) },
  };
  const burned = reason('slo_burned', { objective: 'checkout-availability', consumedPercent: '2.4', minutes: 6 });
  const committed = reason('no_rung_applies', { committed: 'control plane 1.35.4' });
  const rolledBack: Outcome = {
    ...{ kind: 'rolledBack', rung: 2, reason: burned, standing },
    extent: { returned: ['w-1'], stays: ['control plane 1.35.4'] },
  };
  const halted: Outcome = { kind: 'halted', reason: committed, standing, cordoned: ['w-9'] };
  const upgraded: Outcome = { kind: 'upgraded', standing: { 'apiserver/cp-1': '1.35.4' } };
  const done = { phase: 'done' as const, reason: viewOf(reason('verified', { version: '1.35.4' })) };
  return [
    sampleCluster('dev-fra-1', { ...done, wave: 1, versions: '1.35.4 / 1.35.4 ×3', outcome: outcomeOf(upgraded) }),
    sampleCluster('dev-muc-2', {
      ...{ position: 3, phase: 'upgrading', since: ago(31), versions: '1.35.4 / 1.34.4 ×3' },
      reason: viewOf(reason('order_running', { kind: 'upgrade' })),
      progress: {
        ...{ phase: 'workers', since: ago(12), nodesDone: 1, nodesTotal: 4 },
        reason: viewOf(reason('drain_blocked', drain)),
      },
    }),
    sampleCluster('dev-sin-4', {
      ...{ ...done, position: 4, since: ago(31), versions: '1.35.4 / 1.34.4 ×5' },
      outcome: outcomeOf(rolledBack),
    }),
    sampleCluster('stg-iad-2', {
      ...{ ...done, position: 5, since: ago(14), versions: '1.35.4 / 1.34.4 ×9' },
      outcome: outcomeOf(halted),
    }),
    sampleCluster('stg-iad-3', {
      ...{ position: 6, phase: 'lost', since: ago(8), connected: false, versions: '1.35.4+1.34.4 / 1.34.4 ×3' },
      reason: viewOf(reason('agent_lost', { since: Date.parse(ago(8)) })),
    }),
    sampleCluster('stg-fra-3', {
      ...{ position: 7 },
      reason: viewOf(reason('budget_exceeded', { wave: 2, failures: 2, tolerated: 1 })),
    }),
    sampleCluster('prd-fra-1', { position: 11, wave: 3 }),
    sampleCluster('prd-fra-2', { position: 12, wave: 3 }),
  ];
}
