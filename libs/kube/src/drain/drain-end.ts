import { reason, type Reason } from '@wavegate/fleet';
import { StepInterrupted } from '@wavegate/runtime/agent';

export function interrupted(): StepInterrupted {
  return new StepInterrupted('the drain was left: the agent is stopping, or will begin it again');
}

/** A drain that no patience mends. */
export function failure(node: string, detail: string): Reason {
  return reason('step_failed', { step: 'drainNode', node, detail: detail.slice(0, 300) });
}
