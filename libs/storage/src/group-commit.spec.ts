import { describe, expect, it } from '@jest/globals';
import { GroupCommit, type GroupCommitting } from './group-commit.js';

interface Item {
  readonly key: string;
  readonly text: string;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const item = (key: string, text = key): Item => ({ key, text });

/** A store that writes down its transactions; a group stays under way until `finish` is called. */
function played(change: Partial<GroupCommitting<Item, string>> = {}) {
  const groups: (readonly string[])[] = [];
  const alone: string[] = [];
  const finishers: (() => void)[] = [];
  const commit = new GroupCommit<Item, string>({
    keyOf: ({ key }) => key,
    together: async (items) => {
      groups.push(items.map(({ text }) => text));
      await new Promise<void>((resolve) => finishers.push(resolve));
      return items.map(({ text }) => `group ${text}`);
    },
    alone: async ({ text }) => {
      alone.push(text);
      return `alone ${text}`;
    },
    mayBeOneItemsFault: () => true,
    ...change,
  });
  const finish = async (): Promise<void> => {
    for (const resolve of finishers.splice(0)) resolve();
    await settle();
    await settle();
  };
  return { commit, groups, alone, finish };
}

describe('group commit', () => {
  it('what comes while two groups are under way → shares the next one, and is answered after its commit', async () => {
    const { commit, groups, finish } = played();
    const first = commit.add(item('a'));
    await settle();
    void commit.add(item('b'));
    await settle();
    const answered: string[] = [];
    for (const key of ['c', 'd', 'e']) void commit.add(item(key)).then((text) => answered.push(text));
    await settle();
    expect(groups).toEqual([['a'], ['b']]);
    await finish();
    expect([await first, groups[2], answered]).toEqual(['group a', ['c', 'd', 'e'], []]);
    await finish();
    expect(answered).toEqual(['group c', 'group d', 'group e']);
  });

  it('two items of one key → never at the same time, and in the order they came', async () => {
    const { commit, groups, finish } = played();
    for (const text of ['a1', 'a2', 'a3']) void commit.add(item('a', text));
    void commit.add(item('b', 'b1'));
    await settle();
    expect(groups).toEqual([['a1', 'b1']]);
    await finish();
    await finish();
    await finish();
    expect(groups).toEqual([['a1', 'b1'], ['a2'], ['a3']]);
  });

  it('one that would have to wait for a lock → is taken alone, the others are answered with their group', async () => {
    const { commit, alone } = played({
      together: async (items) => items.map(({ text }) => (text === 'b' ? null : `group ${text}`)),
    });
    const answers = await Promise.all(['a', 'b', 'c'].map((key) => commit.add(item(key))));
    expect([answers, alone]).toEqual([['group a', 'alone b', 'group c'], ['b']]);
  });

  it('a group fails by one item’s fault → all are tried alone, and only that one fails', async () => {
    const { commit } = played({
      together: async () => Promise.reject(new TypeError('one is bad')),
      alone: async ({ text }) => (text === 'b' ? Promise.reject(new TypeError('b is bad')) : text),
    });
    const answers = await Promise.allSettled(['a', 'b', 'c'].map((key) => commit.add(item(key))));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('the store is away → everybody in the group is told at once, and the next group is tried', async () => {
    let away = true;
    const { commit, alone } = played({
      together: async (items) => {
        if (away) throw new Error('away');
        return items.map(({ text }) => text);
      },
      mayBeOneItemsFault: () => false,
    });
    const answers = await Promise.allSettled(['a', 'b'].map((key) => commit.add(item(key))));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    away = false;
    expect([await commit.add(item('a')), alone]).toEqual(['a', []]);
  });

  it('a thousand at once → groups of at most 64, every one answered', async () => {
    const sizes: number[] = [];
    const { commit } = played({
      together: async (items) => {
        sizes.push(items.length);
        await settle();
        return items.map(({ text }) => text);
      },
    });
    const keys = Array.from({ length: 1_000 }, (_, n) => `c${n}`);
    expect(await Promise.all(keys.map((key) => commit.add(item(key))))).toEqual(keys);
    expect(Math.max(...sizes)).toBe(64);
    expect(sizes.length).toBeLessThanOrEqual(17);
  });
});
