import type { AgentClock } from '@wavegate/runtime/agent';

/**
 * A clock that runs `factor` times faster than the one it is made from, and agrees with it at the moment it is made.
 * Demo agents live by it together with their clusters: settling, judging and soaking then take their usual times, in
 * a tenth of the audience's.
 */
export function acceleratedClock(real: AgentClock, factor: number): AgentClock {
  if (!(factor > 0)) throw new RangeError(`a clock cannot run ${factor} times as fast`);
  const begun = real.now();
  return {
    now: () => begun + (real.now() - begun) * factor,
    sleep: (ms, signal) => real.sleep(ms / factor, signal),
  };
}
