/** So much longer than one asked alone: the server's own pause after two changes of one budget met is half a second. */
const SLOWER_MS = 400;
/** As wide as a lane grows: what may be under way at once in all. */
const WIDEST = 16;
const MOST_PATIENCE = 256;

/** How an eviction in a lane was answered: `calm`, or a budget's matter (refused, or two at once), or by nobody. */
export type LaneAnswer = 'calm' | 'crowded' | 'silent';

/**
 * Evictions of one workload, as many at once as do not get into each other's way. All of them change the same budget,
 * where one covers it: whoever comes second is paused by the server, for ten seconds in the end, and then sent away with
 * 504 (measured with 110 pods under one budget: a third of all). Without a budget they hinder nobody. Which of the two
 * it is, no answer says: a lane begins with one, grows by one with each calm answer, and is narrow again as soon as one
 * is not, and the longer, the more often that was so.
 */
export class EvictionLane {
  private limit = 1;
  private running = 0;
  private calm = 0;
  private patience = 1;
  /** How long the last one took that was alone. */
  private aloneMs = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly now: () => number) {}

  async through<T>(act: () => Promise<T>, read: (answer: T) => LaneAnswer): Promise<T> {
    if (this.running >= this.limit) await new Promise<void>((turn) => this.waiting.push(turn));
    else this.running += 1;
    const alone = this.running === 1;
    const begun = this.now();
    try {
      const answer = await act();
      this.note(read(answer), { ms: this.now() - begun, alone });
      return answer;
    } finally {
      this.leave();
    }
  }

  private note(answer: LaneAnswer, { ms, alone }: { readonly ms: number; readonly alone: boolean }): void {
    if (answer === 'silent') {
      // A server that is away is no crowd: behind one another, each would wait for the others' silence, too.
      this.limit = WIDEST;
    } else if (answer === 'crowded' || (!alone && ms > this.aloneMs + SLOWER_MS)) {
      this.patience = this.limit > 1 ? Math.min(MOST_PATIENCE, this.patience * 8) : this.patience;
      this.limit = 1;
      this.calm = 0;
    } else if ((this.calm += 1) >= this.patience) {
      this.limit = Math.min(WIDEST, this.limit + 1);
      this.calm = 0;
    }
    if (alone) this.aloneMs = ms;
  }

  /** Hands its place on, or gives it up where the lane has become narrower; where it is wider, lets more in. */
  private leave(): void {
    this.running -= 1;
    while (this.running < this.limit) {
      const turn = this.waiting.shift();
      if (!turn) return;
      this.running += 1;
      turn();
    }
  }
}

/** One lane for each workload. */
export class EvictionLanes {
  private readonly lanes = new Map<string, EvictionLane>();

  constructor(private readonly now: () => number) {}

  of(workload: string): EvictionLane {
    const lane = this.lanes.get(workload) ?? new EvictionLane(this.now);
    this.lanes.set(workload, lane);
    return lane;
  }
}
