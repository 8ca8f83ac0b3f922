import type { Rollout, RolloutAction, WaveState } from '@wavegate/rollout';
import type { RolloutCommit } from '@wavegate/runtime/hub';
import type { Complain } from './effect-oracle.js';

type SendOrder = Extract<RolloutAction, { kind: 'sendOrder' }>;

/** Watches what the hub commits: no promise about order and permission may be broken by any commit, whoever made it. */
export class CommitOracle {
  private abortedAt: number | null = null;
  private readonly orders = new Map<string, SendOrder>();

  constructor(private readonly complain: Complain) {}

  see(before: Rollout, commit: RolloutCommit, after: Rollout): void {
    this.forwardOnly(before, after);
    const sends = commit.actions.filter((action): action is SendOrder => action.kind === 'sendOrder');
    for (const send of sends) this.seeOrder(before, after, send);
    if (after.head.state === 'aborted') this.abortedAt ??= after.head.at;
    this.counts(after);
  }

  private seeOrder(before: Rollout, after: Rollout, send: SendOrder): void {
    const name = after.clusters.get(send.clusterId)?.clusterName ?? send.clusterId;
    const twin = this.orders.get(send.orderId);
    if (twin) this.complain('I3', `${name}: order ${send.orderId.slice(0, 8)} was decided twice`);
    this.orders.set(send.orderId, send);
    if (send.orderKind === 'rollback') return this.seeRollback(name, send);
    if (this.abortedAt !== null) this.complain('I16', `${name}: an order after the rollout was aborted`);
    if (before.head.state === 'paused' && after.head.state === 'paused') {
      this.complain('I16', `${name}: an order while the rollout is paused`);
    }
    const wave = after.clusters.get(send.clusterId)?.wave ?? 0;
    const open = after.head.waves.filter(({ index, phase }) => index < wave && phase !== 'passed');
    if (open.length > 0) this.complain('I2', `${name} of wave ${wave}: an order before wave ${open[0]?.index} passed`);
    const own = after.head.waves[wave - 1];
    if (own && failed(own) > own.tolerated + own.allowed) {
      this.complain(
        'I12',
        `${name}: an order in wave ${wave} with ${failed(own)} failures, ${own.tolerated} tolerated`,
      );
    }
  }

  /** At most one rollback per cluster and attempt. */
  private seeRollback(name: string, send: SendOrder): void {
    const same = [...this.orders.values()].filter(
      ({ clusterId, attempt, orderKind }) =>
        orderKind === 'rollback' && clusterId === send.clusterId && attempt === send.attempt,
    );
    if (same.length > 1) this.complain('I15', `${name}: rolled back ${same.length} times in attempt ${send.attempt}`);
  }

  private forwardOnly(before: Rollout, after: Rollout): void {
    if (after.head.at < before.head.at) this.complain('time', `${before.head.at} → ${after.head.at}`);
    if (before.head.finishedAt !== null && after.head.state !== before.head.state) {
      this.complain('I3', `a finished rollout went from ${before.head.state} to ${after.head.state}`);
    }
    for (const [id, row] of after.clusters) {
      const was = before.clusters.get(id);
      if (was && row.attempt < was.attempt)
        this.complain('I3', `${row.clusterName}: attempt ${was.attempt} → ${row.attempt}`);
    }
  }

  private counts({ head, clusters }: Rollout): void {
    for (const wave of head.waves) {
      const rows = [...clusters.values()].filter((row) => row.wave === wave.index);
      const waiting = rows.filter(({ phase }) => phase === 'waiting').length;
      const done = rows.filter(({ phase }) => phase === 'done').length;
      const inFlight = rows.length - waiting - done;
      if (wave.size !== rows.length || wave.waiting !== waiting || wave.inFlight !== inFlight) {
        const counted = `${waiting} waiting, ${inFlight} in flight, ${done} done of ${rows.length}`;
        this.complain(
          'counters',
          `wave ${wave.index} says ${wave.waiting}/${wave.inFlight} of ${wave.size}; ${counted}`,
        );
      }
    }
  }
}

function failed(wave: WaveState): number {
  return wave.failures + wave.lost;
}
