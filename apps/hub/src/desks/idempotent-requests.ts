import { canonicalText, sha256Hex } from '@wavegate/fleet';
import type { IdempotencyStore } from '@wavegate/storage';
import { Problem } from '../rest/problem.js';

/**
 * A request that is sent again with the same `Idempotency-Key` is answered as the first time and takes effect once; the
 * key of one person says nothing to another. Without a key every request is a new one.
 */
export class IdempotentRequests {
  constructor(private readonly store: IdempotencyStore) {}

  async once<T>(request: { key: string | null; by: string; body: unknown }, act: () => Promise<T>): Promise<T> {
    const { key, by, body } = request;
    if (key === null) return act();
    const name = sha256Hex(canonicalText([by, key]));
    const answer = await this.store.begin(name, sha256Hex(canonicalText(body)));
    if (answer.kind === 'repeat') return answer.response as T;
    if (answer.kind !== 'begin') throw refused(answer.kind);
    try {
      const response = await act();
      await this.store.finish(name, response);
      return response;
    } catch (error) {
      // Refused requests took no effect: the same key may be tried again with what was missing.
      await this.store.forget(name);
      throw error;
    }
  }
}

function refused(kind: 'inFlight' | 'otherRequest'): Problem {
  return kind === 'inFlight'
    ? new Problem(409, 'request-in-flight', 'The request with this Idempotency-Key is still being worked on')
    : new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request', {
        detail: 'Send a new key with a new request.',
      });
}
