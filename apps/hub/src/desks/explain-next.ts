import { describeReason, type Reason } from '@wavegate/fleet';
import type { Explanation } from '@wavegate/rollout';
import { toTime } from '../rest/views.js';

/** What happens next, and by whom: the last line of `explain`. Never "nothing" without saying so. */
export function explainNext(next: Explanation['next'], rolloutId: string, orderWaits: Reason | null = null): string {
  if (orderWaits?.code === 'waiting_for_order') {
    const order = String(orderWaits.params.order).slice(0, 8);
    return `Its order ${describeReason(orderWaits)}; look at that one: wavegate orders get ${order}.`;
  }
  switch (next.kind) {
    case 'wake':
      return `By itself, looked at again at ${toTime(next.at)}.`;
    case 'person':
      return `${personWords(next.reason.code, rolloutId)} Asked because: ${describeReason(next.reason)}. Nothing will start by itself.`;
    case 'agent':
      return `Its agent works at order ${next.orderId} since ${toTime(next.since)}.`;
    case 'clusters':
      return `Other clusters come first (wave ${next.waves.join(', ')}).`;
    case 'nothing':
      return 'Nothing: it has ended.';
  }
}

function personWords(code: string, id: string): string {
  switch (code) {
    case 'budget_exceeded':
      return `A person resumes with "wavegate rollout resume ${id} --allow 1" (audited), rolls back, or aborts.`;
    case 'same_failure':
      return `A person looks for the common cause, then resumes with "wavegate rollout resume ${id}" (audited; the next cluster that fails alike stops it again), rolls back, or aborts.`;
    case 'verdict_undecided':
      return `A person looks at the cluster, then resumes with "wavegate rollout resume ${id}" (audited), rolls back, or aborts.`;
    case 'wave_upgraded_nothing':
      return `A person mends what refused them and retries those clusters ("wavegate rollout retry ${id} --cluster NAME", then resume), or goes on without them: "wavegate rollout resume ${id} --allow 1" (audited).`;
    case 'approval_missing':
      return `A person approves: "wavegate rollout approve ${id} --wave N".`;
    case 'rollout_paused':
      return `A person resumes: "wavegate rollout resume ${id}".`;
    default:
      return `A person resumes ("wavegate rollout resume ${id}"), retries, skips, rolls back or aborts.`;
  }
}
