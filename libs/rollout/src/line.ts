/** A part of the trie: 32 times, or 32 smaller parts. Never changed once made; it knows the extremes of its times. */
interface Part {
  readonly earliest: number;
  readonly latest: number;
  /** At the bottom: the time of each position, NaN where the line does not have it. */
  readonly times: readonly number[] | null;
  readonly parts: readonly (Part | null)[] | null;
}

const BITS = 5;
const WIDTH = 1 << BITS;
/** A thousand million positions: what bitwise arithmetic counts, and no fleet comes near. */
const MOST_HEIGHT = 5;
const SPANS = Array.from({ length: MOST_HEIGHT + 1 }, (_, height) => WIDTH ** (height + 1));

/** Which members are asked for: those of `from ≤ position < to`, with a time later than `after`. */
export interface Stretch {
  readonly after?: number;
  readonly from?: number;
  readonly to?: number;
}

/**
 * Positions in their order, each with a time: who is next, who is due, when the next one will be. Immutable: changing it
 * gives another line, and costs the depth of the trie, whatever its size. So a decision may change its own lines as it
 * goes while the holder's stay what they were, and nothing is copied for that.
 *
 * A trie of 32-way nodes over the position (three levels for 32,768 clusters): positions are small, whole and frozen.
 */
export class Line {
  static readonly EMPTY = new Line(null, 0);

  private constructor(
    private readonly root: Part | null,
    private readonly height: number,
  ) {}

  /** All members at once, in any order: a fraction of what adding them one by one would cost. */
  static of(members: readonly (readonly [position: number, time: number])[]): Line {
    let height = 0;
    for (const [position] of members) while (position >= spanOf(height)) height += 1;
    if (height > MOST_HEIGHT) throw new Error('a position is beyond what a line holds');
    let level = new Map<number, Part | null>();
    for (const [slot, some] of Map.groupBy(members, ([position]) => position >>> BITS)) {
      const times = emptyTimes();
      for (const [position, time] of some) times[position % WIDTH] = time;
      level.set(slot, bottom(times));
    }
    for (let depth = 0; depth < height; depth += 1) {
      const above = new Map<number, Part | null>();
      for (const [slot, some] of Map.groupBy(level, ([index]) => index >>> BITS)) {
        const parts = emptyParts();
        for (const [index, part] of some) parts[index % WIDTH] = part;
        above.set(slot, branch(parts));
      }
      level = above;
    }
    return new Line(level.get(0) ?? null, height);
  }

  get isEmpty(): boolean {
    return this.root === null;
  }

  /** The line with this member at this time; itself where it has it. `time` may be -Infinity: always due. */
  with(position: number, time: number): Line {
    let { root, height } = this;
    if (position < spanOf(height) && timeIn(root, height, position) === time) return this;
    while (position >= spanOf(height)) {
      height += 1;
      if (height > MOST_HEIGHT) throw new Error(`position ${position} is beyond what a line holds`);
      root = root && branch([root, ...emptyParts().slice(1)]);
    }
    return new Line(replaced(root, height, { position, time }), height);
  }

  without(position: number): Line {
    if (position >= spanOf(this.height)) return this;
    return new Line(replaced(this.root, this.height, { position, time: NaN }), this.height);
  }

  /** The first position from `from` on whose time is at most `dueBy`; Infinity when there is none. */
  next(from = 0, dueBy = Infinity): number {
    return from < spanOf(this.height) ? nextIn(this.root, this.height, { from, dueBy }) : Infinity;
  }

  /**
   * The earliest time of a stretch; Infinity when it has no member. Asked for times after a moment it looks closer only
   * at parts that have times on both sides of it.
   */
  earliest({ after = -Infinity, from = 0, to = Infinity }: Stretch = {}): number {
    return earliestIn(this.root, this.height, { after, from, to, best: Infinity });
  }

  /** Every member in order, with its time. */
  *[Symbol.iterator](): Generator<readonly [position: number, time: number]> {
    for (let position = this.next(); position < Infinity; position = this.next(position + 1)) {
      yield [position, timeIn(this.root, this.height, position)];
    }
  }
}

/** The positions of several lines as one order, of those due by then. The lines are as they were when it began. */
export function* inOrder(lines: readonly Line[], from = 0, dueBy = Infinity): Generator<number> {
  const heads = lines.map((line) => line.next(from, dueBy));
  for (let position = Math.min(Infinity, ...heads); position < Infinity; position = Math.min(...heads)) {
    yield position;
    const first = heads.indexOf(position);
    heads[first] = lines[first]?.next(position + 1, dueBy) ?? Infinity;
  }
}

/** Positions that a trie of this height has room for. */
function spanOf(height: number): number {
  return SPANS[height] ?? Infinity;
}

function emptyTimes(): number[] {
  return new Array<number>(WIDTH).fill(NaN);
}

function emptyParts(): (Part | null)[] {
  return new Array<Part | null>(WIDTH).fill(null);
}

function bottom(times: readonly number[]): Part | null {
  let [earliest, latest, some] = [Infinity, -Infinity, false];
  for (const time of times) {
    if (Number.isNaN(time)) continue;
    some = true;
    if (time < earliest) earliest = time;
    if (time > latest) latest = time;
  }
  return some ? { earliest, latest, times, parts: null } : null;
}

function branch(parts: readonly (Part | null)[]): Part | null {
  let [earliest, latest, some] = [Infinity, -Infinity, false];
  for (const part of parts) {
    if (part === null) continue;
    some = true;
    if (part.earliest < earliest) earliest = part.earliest;
    if (part.latest > latest) latest = part.latest;
  }
  return some ? { earliest, latest, times: null, parts } : null;
}

/** Copies the nodes on the way to one position, and nothing else. */
function replaced(part: Part | null, height: number, at: { position: number; time: number }): Part | null {
  const slot = (at.position >>> (BITS * height)) % WIDTH;
  if (height === 0) {
    const times = part?.times ? [...part.times] : emptyTimes();
    times[slot] = at.time;
    return bottom(times);
  }
  const parts = part?.parts ? [...part.parts] : emptyParts();
  parts[slot] = replaced(parts[slot] ?? null, height - 1, at);
  return branch(parts);
}

function timeIn(part: Part | null, height: number, position: number): number {
  const slot = (position >>> (BITS * height)) % WIDTH;
  if (height === 0) return part?.times?.[slot] ?? NaN;
  return timeIn(part?.parts?.[slot] ?? null, height - 1, position);
}

/** Positions are counted from the part's own first one. At most one child per level is looked into in vain. */
function nextIn(part: Part | null, height: number, { from, dueBy }: { from: number; dueBy: number }): number {
  if (part === null || part.earliest > dueBy) return Infinity;
  if (part.parts === null) return nextOf(part.times ?? [], from, dueBy);
  const width = spanOf(height - 1);
  const first = Math.floor(from / width);
  for (let slot = first; slot < WIDTH; slot += 1) {
    const inside = slot === first ? from % width : 0;
    const found = nextIn(part.parts[slot] ?? null, height - 1, { from: inside, dueBy });
    if (found < Infinity) return slot * width + found;
  }
  return Infinity;
}

function nextOf(times: readonly number[], from: number, dueBy: number): number {
  for (let slot = from; slot < WIDTH; slot += 1) if ((times[slot] ?? NaN) <= dueBy) return slot;
  return Infinity;
}

interface Search {
  readonly after: number;
  readonly from: number;
  readonly to: number;
  readonly best: number;
}

function earliestIn(part: Part | null, height: number, search: Search): number {
  const { after, from, to, best } = search;
  const span = spanOf(height);
  if (part === null || isInVain(part, span, search)) return best;
  if (part.parts === null) return earliestOf(part.times ?? [], search);
  if (from <= 0 && to >= span && part.earliest > after) return part.earliest;
  const width = spanOf(height - 1);
  let found = best;
  for (let slot = 0; slot < WIDTH; slot += 1) {
    const start = slot * width;
    const inside = { after, from: from - start, to: to - start, best: found };
    found = earliestIn(part.parts[slot] ?? null, height - 1, inside);
  }
  return found;
}

/** Nothing in this part can be the answer: its times are too early, not better, or elsewhere. */
function isInVain({ earliest, latest }: Part, span: number, { after, from, to, best }: Search): boolean {
  return latest <= after || earliest >= best || from >= span || to <= 0;
}

function earliestOf(times: readonly number[], { after, from, to, best }: Search): number {
  let found = best;
  for (let slot = Math.max(0, from); slot < Math.min(WIDTH, to); slot += 1) {
    const time = times[slot] ?? NaN;
    if (time > after && time < found) found = time;
  }
  return found;
}
