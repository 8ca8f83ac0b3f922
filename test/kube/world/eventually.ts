export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Thrown by a question to say that waiting longer is in vain. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/**
 * Asks again and again until the answer is something, and says what it waited for when time runs out. A thrown error
 * counts as "not yet": servers of this world are stopped and started while they are asked.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { withinMs = 120_000, everyMs = 100 } = {},
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  let last: unknown = 'nothing yet';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      last = error;
    }
    if (Date.now() > giveUpAt) {
      const why = last instanceof Error ? last.message : String(last);
      throw new Error(`waited ${withinMs / 1000} s in vain for ${what} (last: ${why})`);
    }
    await pause(everyMs);
  }
}
