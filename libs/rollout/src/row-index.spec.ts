import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { viewOf } from './plan-view.js';
import type { RolloutCluster } from './rollout.js';
import { RowIndex } from './row-index.js';
import { fleetOf, rolloutOf } from './testing/fleet-fixture.js';

const rollout = rolloutOf({ strategy: { waves: ['100%'], rings: ['env=dev'] } }, fleetOf(1));
const view = viewOf(rollout.head.plan);
const SINCE = 5_000;

function rowWith(patch: Partial<RolloutCluster>): RolloutCluster {
  const [row] = rollout.clusters.values();
  if (!row) throw new Error('the fleet has one cluster');
  return { ...row, since: SINCE, offlineSince: null, orderId: 'an-order', ...patch };
}

const running = reason('order_running', { kind: 'upgrade' });
const ended = { kind: 'upgraded' as const, standing: {} };

describe('where a row stands in the index', () => {
  it.each<[string, string, Partial<RolloutCluster>]>([
    ['not started', 'candidates@-Infinity', {}],
    ['its agent is busy', `candidates@${SINCE}`, { reason: reason('agent_busy', { order: 'other' }) }],
    ['its agent is silent', 'away@77', { offlineSince: 77 }],
    ['a rollback is asked for', 'rollbacks@0', { outcome: ended }],
    ['order out', `ordered@${SINCE}`, { phase: 'ordered', reason: reason('order_sent', { kind: 'upgrade' }) }],
    ['being taken back', '', { phase: 'ordered', reason: reason('order_expired', { startBy: 1 }) }],
    ['rollback order out', `ordered@${SINCE}`, { phase: 'rollingBack', reason: reason('order_sent', { kind: 'x' }) }],
    ['begun', `running@${SINCE}`, { phase: 'upgrading', reason: running }],
    [
      'begun, then silent before anybody says lost',
      `running@${SINCE}`,
      { phase: 'upgrading', offlineSince: 9, reason: running },
    ],
    ['asked to stop', `stopping@${SINCE}`, { phase: 'upgrading', reason: reason('rollout_aborted', { by: 'ada' }) }],
    ['past its deadline', 'overdue@0', { phase: 'rollingBack', reason: reason('deadline_passed', { deadline: 1 }) }],
    ['half-way', 'betweenHops@0', { phase: 'upgrading', orderId: null }],
    ['half-way and silent', 'hopAway@0', { phase: 'upgrading', orderId: null, offlineSince: 9 }],
    ['lost', 'lost@0', { phase: 'lost', offlineSince: 9 }],
    ['done', '', { phase: 'done', outcome: ended }],
  ])('%s: %s', (_situation, place, patch) => {
    const row = rowWith(patch);
    const index = RowIndex.of(view, [row]);
    const lists = index.contents().filter((text) => !text.startsWith('ring'));
    const found = lists.map((text) => /\((\w+),.*: \d+@(\S+)$/.exec(text)?.slice(1).join('@'));
    expect(found).toEqual(place === '' ? [] : [place]);
    expect(index.barrier).toBe(patch.phase === 'done' ? Infinity : row.ring);
  });

  it('a fork goes its own way', () => {
    const index = RowIndex.of(view, [rowWith({})]);
    const before = index.contents();
    const fork = index.fork();
    fork.move(rowWith({}), rowWith({ phase: 'done', outcome: ended }));
    expect(index.contents()).toEqual(before);
    expect(fork.contents()).toEqual([]);
  });
});
