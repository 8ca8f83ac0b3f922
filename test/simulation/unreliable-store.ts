import type { InMemoryHubStore } from '@wavegate/simulator';

/** The database did not answer, or the answer was lost after it had done its work: the caller cannot know which. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}

/** How the store fails right now. */
export interface StoreTrouble {
  /** Chance that a call fails before anything was done. */
  refused: number;
  /** Chance that a call is done and its answer is lost. */
  answerLost: number;
}

/** The in-memory store as a database behind a network: each call may fail on the way there or on the way back. */
export function unreliable(store: InMemoryHubStore, trouble: StoreTrouble, next: () => number): InMemoryHubStore {
  return new Proxy(store, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        if (next() < trouble.refused) throw new StoreAway(`${String(key)}: no connection`);
        const answer: unknown = await Reflect.apply(member, target, args);
        if (next() < trouble.answerLost) throw new StoreAway(`${String(key)}: the answer was lost`);
        return answer;
      };
    },
  });
}
