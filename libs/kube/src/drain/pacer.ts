/** Evictions per second after a burst, as kubectl's client limit does it (burst 10, then 5/s): registries and caches live too. */
export interface Pacer {
  /** Milliseconds to wait before the next eviction may go; takes the slot. */
  take(now: number): number;
}

/** `perSecond` Infinity: never a wait. */
export function openPacer(perSecond: number, burst: number): Pacer {
  if (perSecond === Infinity) return { take: () => 0 };
  let tokens = burst;
  let at: number | null = null;
  return {
    take: (now) => {
      tokens = Math.min(burst, tokens + ((now - (at ?? now)) * perSecond) / 1000);
      at = now;
      tokens -= 1;
      return tokens >= 0 ? 0 : Math.ceil((-tokens * 1000) / perSecond);
    },
  };
}
