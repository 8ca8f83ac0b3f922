import { advance } from './advance.js';
import type { Decision } from './action.js';
import { abort, approve, pause, resume, retry, rollBack, skip } from './commands.js';
import { Draft } from './draft.js';
import type { RolloutEvent } from './event.js';
import { takeEnd, takeLoss, takeRefusal, takeReturn, takeStart, takeVerdict, takeWithdrawal } from './reports.js';
import type { Rollout } from './rollout.js';

/**
 * What follows from one event: changed rows, actions, and the next wake-up. Pure: the same rollout and event give the
 * same decision on every replica. An event that does not fit (old order, old attempt, finished rollout, unknown
 * cluster) changes nothing at all, not even the head, and `ignored` says why.
 *
 * Cost: what the changed rows cost, and their number does not grow with the fleet (abort and rollbacks of a whole wave
 * excepted). That holds for rows kept in `IndexedClusters`; with a plain map every event that fits also pays for a pass
 * over all rows, to index them. The decision is the same.
 */
export function decide(rollout: Rollout, event: RolloutEvent): Decision {
  const draft = new Draft(rollout, event.at);
  const ignored = whyOver(rollout, event) ?? apply(draft, event);
  if (ignored !== null) return { head: rollout.head, clusters: [], actions: [], ignored, cannot: [] };
  advance(draft);
  return draft.decision();
}

/** A rollout that is over hears only one thing: that it should be rolled back. */
function whyOver({ head }: Rollout, event: RolloutEvent): string | null {
  if (head.finishedAt === null || event.kind === 'rollbackAsked') return null;
  return `the rollout is over (${head.state})`;
}

/** Takes the event into the rows; the reason where it does not fit, null where it does. */
function apply(draft: Draft, event: RolloutEvent): string | null {
  switch (event.kind) {
    case 'started':
      return draft.allWaves[0] && draft.allWaves[0].openedAt !== null ? 'the rollout has started already' : null;
    case 'woke':
      return null;
    case 'orderStarted':
      return takeStart(draft, event);
    case 'orderRefused':
      return takeRefusal(draft, event);
    case 'orderWithdrawn':
      return takeWithdrawal(draft, event);
    case 'clusterEnded':
      return takeEnd(draft, event);
    case 'agentLost':
      return takeLoss(draft, event.clusterId);
    case 'agentReturned':
      return takeReturn(draft, event.clusterId);
    case 'waveJudged':
      return takeVerdict(draft, event.wave, event.verdict);
    case 'paused':
      return pause(draft, event.by);
    case 'resumed':
      return resume(draft, event);
    case 'aborted':
      return abort(draft, event.by);
    case 'approved':
      return approve(draft, event);
    case 'retried':
      return retry(draft, event);
    case 'skipped':
      return skip(draft, event);
    case 'rollbackAsked':
      return rollBack(draft, event);
  }
}
