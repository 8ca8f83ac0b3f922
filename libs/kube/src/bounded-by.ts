import { CancelSource, type AgentClock, type Cancel } from '@wavegate/runtime/agent';

/** Cancelled with the other, or when the time is up. */
export function boundedBy(clock: AgentClock, outer: Cancel, ms: number): CancelSource {
  const bound = new CancelSource();
  const forget = outer.onCancel(() => bound.cancel());
  void clock.sleep(ms, bound).then(() => {
    forget();
    bound.cancel();
  });
  return bound;
}
