import { describeReason } from '@wavegate/fleet';
import type { Explanation } from '@wavegate/rollout';
import { toTime } from '../rest/views.js';

/** What happens next, and by whom: the last line of `explain`. Never "nothing" without saying so. */
export function explainNext(next: Explanation['next'], rolloutId: string): string {
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
    case 'approval_missing':
      return `A person approves: "wavegate rollout approve ${id} --wave N".`;
    case 'rollout_paused':
      return `A person resumes: "wavegate rollout resume ${id}".`;
    default:
      return `A person resumes ("wavegate rollout resume ${id}"), retries, skips, rolls back or aborts.`;
  }
}
