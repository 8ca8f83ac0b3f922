import type { RolloutAction } from '@wavegate/rollout';
import type { LoopPorts } from './hub-loop.js';
import { runLoop } from './hub-loop.js';
import type { CrashPoints, Notifier, RolloutClaim, RolloutStore, WakeBell, WaveJudge } from './ports.js';
import type { Batch, Decide, HeldRollout } from './rollout-batch.js';
import { decideBatch, holdRollout } from './rollout-batch.js';
import { aboutCluster, logDecisions, logIgnored } from './rollout-lines.js';

export interface RolloutRunner extends LoopPorts {
  readonly store: RolloutStore;
  readonly decide: Decide;
  readonly judge: WaveJudge;
  readonly notifier: Notifier;
  /** Rung when an inbox row was committed. */
  readonly bell: WakeBell;
  /** Rung by the runner when it committed orders or withdrawals: the dispatcher's bell. */
  readonly orderBell: WakeBell;
  /** Unique per process start, not per machine: a restarted hub must not pass for the holder of its old lease. */
  readonly replica: string;
  readonly leaseMs?: number;
  readonly pollMs?: number;
  readonly crashPoints?: CrashPoints;
}

const BATCH = 100;
/** Rollouts kept in memory between passes; the rest are loaded again when their turn comes. */
const MOST_HELD = 8;

/**
 * Drives every rollout that this replica can lease, until cancelled. A pass is: claim → load (or what is held) →
 * inbox → decide → one commit.
 *
 * Several replicas may run this at once. What keeps them apart is not the lease (a paused process can outlive it) but
 * the commit: it asks for the revision and the lease epoch that the decision was made from, and answers `fenced` to
 * everybody else, who then forgets all and reads again.
 */
export function runRollouts(runner: RolloutRunner): Promise<void> {
  const held = new HeldRollouts();
  return runLoop(
    {
      name: 'rollout runner',
      pass: () => passOnce(runner, held),
      forget: () => held.clear(),
      pollMs: runner.pollMs ?? 1_000,
      bell: runner.bell,
    },
    runner,
  );
}

async function passOnce(runner: RolloutRunner, held: HeldRollouts): Promise<boolean> {
  const { store, log } = runner;
  const claim = await store.claim(runner.replica, runner.leaseMs ?? 10_000);
  if (!claim) return false;
  try {
    await passOver(runner, held, claim);
    return true;
  } catch (error) {
    // The loop says what went wrong and starts again; only here is it known over which rollout it stumbled.
    log.warn('a pass over a rollout failed', { rollout: claim.rolloutId, revision: claim.revision });
    throw error;
  }
}

async function passOver(runner: RolloutRunner, held: HeldRollouts, claim: RolloutClaim): Promise<void> {
  const { store, crashPoints, log } = runner;
  // Taken out while it is worked on: after a throw nothing half-decided may be found here again.
  const rollout = held.take(claim) ?? (await loadHeld(store, claim));
  const rows = await store.inbox(claim.rolloutId, BATCH);
  const batch = decideBatch({ held: rollout, rows, now: claim.at, decide: runner.decide, judge: runner.judge });
  logIgnored(log, rollout, rows, batch.ignored);
  await crashPoints?.reach('runner.beforeCommit');
  const { head, clusters, actions, audit, inboxDone } = batch;
  const result = await store.commit({ claim, head, clusters, actions, audit, inboxDone });
  if (result === 'fenced') {
    held.clear();
    log.warn('fenced: another replica went on with this rollout', { rollout: claim.rolloutId });
    return;
  }
  await crashPoints?.reach('runner.afterCommit');
  if (head.finishedAt === null) held.keep(claim, rollout);
  logDecisions(log, rollout, audit);
  await tell(runner, rollout, batch);
}

async function loadHeld(store: RolloutStore, claim: RolloutClaim): Promise<HeldRollout> {
  return holdRollout(await store.load(claim.rolloutId));
}

/** After the commit, and best effort: orders are found by polling, and the audit has what people were told. */
async function tell({ orderBell, notifier, log }: RolloutRunner, rollout: HeldRollout, batch: Batch): Promise<void> {
  if (batch.actions.some(({ kind }) => kind === 'sendOrder' || kind === 'withdrawOrder')) orderBell.ring();
  const words: readonly RolloutAction['kind'][] = ['notify', 'askApproval'];
  for (const action of batch.actions.filter(({ kind }) => words.includes(kind))) {
    try {
      await notifier.notify(rollout.head.id, action);
    } catch (error) {
      const cluster = 'clusterId' in action ? action.clusterId : null;
      const about = { rollout: rollout.head.id, ...aboutCluster(rollout, cluster) };
      log.warn('a notice was not delivered', { ...about, action: action.kind, error });
    }
  }
}

/** Copies that are known to equal the store's, by revision and lease epoch. Oldest first out. */
class HeldRollouts {
  private readonly byId = new Map<string, { rollout: HeldRollout; revision: number; leaseEpoch: number }>();

  take(claim: RolloutClaim): HeldRollout | null {
    const entry = this.byId.get(claim.rolloutId);
    this.byId.delete(claim.rolloutId);
    return entry?.revision === claim.revision && entry.leaseEpoch === claim.leaseEpoch ? entry.rollout : null;
  }

  /** After a commit: the store's revision is one higher than the claim's. */
  keep({ rolloutId, revision, leaseEpoch }: RolloutClaim, rollout: HeldRollout): void {
    this.byId.set(rolloutId, { rollout, revision: revision + 1, leaseEpoch });
    const [oldest] = this.byId.keys();
    if (this.byId.size > MOST_HELD && oldest !== undefined) this.byId.delete(oldest);
  }

  clear(): void {
    this.byId.clear();
  }
}
