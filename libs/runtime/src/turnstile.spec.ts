import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

describe('the turnstile', () => {
  it('many come at once → never more than so many inside, all get through, in order', async () => {
    const turnstile = new Turnstile(3);
    const begun: number[] = [];
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        turnstile.through(async () => {
          begun.push(index);
          most = Math.max(most, ++inside);
          await Promise.resolve();
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(3);
    expect(begun).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it('one inside throws → its turn goes on to the next', async () => {
    const turnstile = new Turnstile(1);
    const failing = turnstile.through(() => Promise.reject(new Error('the store is away')));
    const next = turnstile.through(() => Promise.resolve('taken'));
    await expect(failing).rejects.toThrow('away');
    await expect(next).resolves.toBe('taken');
  });
});
