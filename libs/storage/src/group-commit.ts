import { Turnstile } from '@wavegate/runtime/hub';

export interface GroupCommitting<Item, Result> {
  /** Items of one key take turns: they never share a group, nor are they in two groups at once. */
  keyOf(item: Item): string;
  /** One transaction for all of them. `null` for an item that it would have had to wait for. */
  together(items: readonly Item[]): Promise<readonly (Result | null)[]>;
  /** A transaction of its own, which may wait for locks. */
  alone(item: Item): Promise<Result>;
  /** False: the store is away, and nobody would fare better alone. */
  mayBeOneItemsFault(error: unknown): boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly key: string;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Two transactions at once keep both sides busy; more only make smaller groups. */
const LANES = 2;
/** Short enough that a group holds its locks for some milliseconds. */
const MOST_IN_GROUP = 64;
/** With the lanes, half of the pool's connections. */
const ALONE_AT_ONCE = 3;

/**
 * What arrives while a transaction is under way shares the next one. Nothing waits for a group to fill: with one item
 * at a time it costs a turn of the event loop, with a thousand at once it saves most of the round trips (measured: a
 * thousand acceptances cost six thousand of them one by one).
 *
 * Each item is answered after the commit that holds it. One that cannot be taken together with others — its row is
 * locked, or the group's transaction failed for a reason that may be its own — is taken alone, so that nobody pays for
 * his neighbour.
 */
export class GroupCommit<Item, Result> {
  private waiting: Waiting<Item, Result>[] = [];
  private readonly busy = new Set<string>();
  private readonly singles = new Turnstile(ALONE_AT_ONCE);
  private lanes = LANES;
  private due = false;

  constructor(private readonly committing: GroupCommitting<Item, Result>) {}

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, key: this.committing.keyOf(item), resolve, reject });
      if (this.due) return;
      this.due = true;
      // Everything that the same turn of the event loop reads from the sockets comes along.
      setImmediate(() => {
        this.due = false;
        this.start();
      });
    });
  }

  private start(): void {
    while (this.lanes > 0) {
      const group = this.nextGroup();
      if (group.length === 0) return;
      this.lanes -= 1;
      void this.commit(group);
    }
  }

  private nextGroup(): readonly Waiting<Item, Result>[] {
    const group: Waiting<Item, Result>[] = [];
    const later: Waiting<Item, Result>[] = [];
    for (const one of this.waiting) {
      const fits = group.length < MOST_IN_GROUP && !this.busy.has(one.key);
      (fits ? group : later).push(one);
      if (fits) this.busy.add(one.key);
    }
    this.waiting = later;
    return group;
  }

  /** Never rejects: every item of the group is answered, here or alone. */
  private async commit(group: readonly Waiting<Item, Result>[]): Promise<void> {
    const { together, mayBeOneItemsFault } = this.committing;
    let apart: readonly Waiting<Item, Result>[] = [];
    try {
      const results = await together(group.map(({ item }) => item));
      apart = group.filter((one, index) => {
        const result = results[index] ?? null;
        if (result !== null) this.answer(one, () => one.resolve(result));
        return result === null;
      });
    } catch (error) {
      if (mayBeOneItemsFault(error)) apart = group;
      else for (const one of group) this.answer(one, () => one.reject(error));
    }
    this.lanes += 1;
    for (const one of apart) void this.commitAlone(one);
    this.start();
  }

  private async commitAlone(one: Waiting<Item, Result>): Promise<void> {
    try {
      const result = await this.singles.through(() => this.committing.alone(one.item));
      this.answer(one, () => one.resolve(result));
    } catch (error) {
      this.answer(one, () => one.reject(error));
    }
    this.start();
  }

  private answer({ key }: Waiting<Item, Result>, say: () => void): void {
    this.busy.delete(key);
    say();
  }
}
