import { describe, expect, it } from '@jest/globals';
import type { Order, Outcome } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { OrderReport, OrderStanding } from './order-answer.js';
import { answerReport, commandFor, withdraw } from './order-answer.js';
import type { OrderState } from './ports.js';

const NOW = 1_000;
const why = reason('rollout_aborted', { by: 'ada' });
const outcome: Outcome = { kind: 'upgraded', standing: {} };
const standing = (state: OrderState, change: Partial<OrderStanding> = {}): OrderStanding => ({
  orderId: 'o1',
  clusterId: 'c1',
  rolloutId: 'r1',
  epoch: 7,
  state,
  startBy: 2_000,
  begun: false,
  withdrawAcknowledged: false,
  withdrawReason: null,
  ...change,
});
const accepted: OrderReport = { kind: 'orderAccepted', orderId: 'o1', epoch: 7 };
const refused: OrderReport = { kind: 'orderRefused', orderId: 'o1', reason: why };
const stopped: OrderReport = { kind: 'orderWithdrawn', orderId: 'o1', started: false };
const stopping: OrderReport = { kind: 'orderWithdrawn', orderId: 'o1', started: true };
const ended: OrderReport = { kind: 'outcome', orderId: 'o1', epoch: 7, outcome };

describe('the life of an order', () => {
  // state × report → state (or − where nothing changes), event, commands
  it.each([
    ['open', accepted, 'confirmed', 'orderStarted', ['confirm']],
    ['open', refused, 'refused', 'orderRefused', []],
    ['open', stopped, 'withdrawn', 'orderWithdrawn', []],
    ['open', ended, 'done', 'clusterEnded', []],
    ['confirmed', accepted, '−', null, ['confirm']],
    ['confirmed', refused, 'refused', 'orderRefused', []],
    ['confirmed', stopped, 'withdrawn', 'orderWithdrawn', []],
    ['confirmed', ended, 'done', 'clusterEnded', []],
    ['withdrawing', accepted, '−', null, ['withdraw']],
    ['withdrawing', refused, 'withdrawn', 'orderWithdrawn', []],
    ['withdrawing', stopped, 'withdrawn', 'orderWithdrawn', []],
    ['withdrawing', ended, 'done', 'clusterEnded', []],
    ['withdrawn', accepted, '−', null, ['withdraw']],
    ['withdrawn', refused, '−', null, []],
    ['withdrawn', stopped, '−', null, []],
    ['withdrawn', ended, 'done', 'clusterEnded', []],
    ['refused', accepted, '−', null, ['withdraw']],
    ['refused', refused, '−', null, []],
    ['refused', ended, 'done', 'clusterEnded', []],
    ['done', accepted, '−', null, []],
    ['done', ended, '−', null, []],
    ['done', stopped, '−', null, []],
  ] as const)('%s, %j → %s', (state, report, after, event, commands) => {
    const answer = answerReport(standing(state), report, NOW);
    expect(answer.kind).toBe(after === '−' ? 'duplicate' : 'taken');
    expect(answer.change?.state ?? '−').toBe(after);
    expect(answer.event?.kind ?? null).toBe(event);
    expect(answer.commands.map(({ kind }) => kind)).toEqual(commands);
  });

  it('accepted after startBy → withdrawn, never confirmed', () => {
    const answer = answerReport(standing('open'), accepted, 2_000);
    expect(answer).toMatchObject({ change: { state: 'withdrawn' }, event: { kind: 'orderWithdrawn' } });
    expect(answer.commands).toMatchObject([{ kind: 'withdraw', reason: { code: 'order_expired' } }]);
    expect(commandFor(standing('open'), {} as Order, 2_000)).toBeNull();
  });

  it('another epoch → neither confirmed nor ended, and the agent is told to drop it', () => {
    const old = answerReport(standing('open'), { kind: 'orderAccepted', orderId: 'o1', epoch: 6 }, NOW);
    expect(old).toMatchObject({ kind: 'duplicate', change: null, event: null });
    expect(old.commands).toMatchObject([{ kind: 'withdraw', epoch: 6, reason: { code: 'order_superseded' } }]);
    expect(answerReport(standing('confirmed'), { ...ended, epoch: 6 } as OrderReport, NOW).change).toBeNull();
  });

  it('an order that the hub does not know → the agent drops it, what it reports changes nothing', () => {
    expect(answerReport(null, accepted, NOW).commands).toMatchObject([{ kind: 'withdraw', orderId: 'o1' }]);
    expect(answerReport(null, ended, NOW)).toEqual({ kind: 'duplicate', change: null, event: null, commands: [] });
  });

  it('begun, then taken back → the withdrawal is said until the agent stops, its outcome still counts', () => {
    const begun = standing('confirmed', { begun: true });
    expect(withdraw(begun, why)).toEqual({ change: { state: 'withdrawing', withdrawReason: why }, event: null });
    const leaving = standing('withdrawing', { begun: true, withdrawReason: why });
    expect(commandFor(leaving, {} as Order, NOW)).toMatchObject({ kind: 'withdraw', reason: why });
    const answer = answerReport(leaving, stopping, NOW);
    expect(answer).toMatchObject({ kind: 'taken', event: null });
    const told = { ...leaving, ...answer.change };
    expect(commandFor(told, {} as Order, NOW)).toBeNull();
    expect(answerReport(told, stopping, NOW).kind).toBe('duplicate');
    expect(answerReport(told, ended, NOW).event?.kind).toBe('clusterEnded');
  });

  it('taken back unconfirmed → certain at once; ended or taken back before → nothing', () => {
    expect(withdraw(standing('open'), why)?.event).toEqual({ kind: 'orderWithdrawn', clusterId: 'c1', orderId: 'o1' });
    for (const state of ['withdrawing', 'withdrawn', 'refused', 'done'] as const) {
      expect(withdraw(standing(state), why)).toBeNull();
    }
  });
});
