import type { DrainProgress } from '@wavegate/fleet';
import { blockerLine, countLine, waitLines } from './drain-lines.js';

export interface DrainScreen {
  show(progress: DrainProgress): void;
  /** The newest progress, also while nothing is shown. */
  last(): DrainProgress | null;
  close(): void;
}

const REDRAW_MS = 200;
/** A log gets the numbers this often; each blocker once, within a second. */
const LINE_MS = 10_000;
const SETTLE_MS = 1_000;

/** A screen that is redrawn on a terminal, lines elsewhere, nothing beside the end for a script. Speaks on stderr. */
export function openDrainScreen(node: string, output: 'text' | 'json' | 'csv'): DrainScreen {
  if (output !== 'text') return new Silent();
  return process.stderr.isTTY ? new Live() : new Lines(node);
}

class Silent implements DrainScreen {
  protected newest: DrainProgress | null = null;

  show(progress: DrainProgress): void {
    this.newest = progress;
  }

  last(): DrainProgress | null {
    return this.newest;
  }

  close(): void {
    // Nothing is held open.
  }
}

class Live extends Silent {
  private drawn = 0;
  private readonly timer = setInterval(() => this.draw(), REDRAW_MS);

  override close(): void {
    clearInterval(this.timer);
    this.wipe();
  }

  private draw(): void {
    if (!this.newest) return;
    // A terminal that does not know its size says 0.
    const columns = process.stderr.columns || 120;
    const rows = process.stderr.rows || 24;
    const lines = [countLine(this.newest), ...waitLines(this.newest, Date.now())];
    // What does not fit on the screen could not be wiped again.
    const fitting = lines.slice(0, Math.max(1, rows - 2)).map((line) => line.slice(0, columns - 1));
    this.wipe();
    process.stderr.write(fitting.map((line) => `${line}\n`).join(''));
    this.drawn = fitting.length;
  }

  private wipe(): void {
    if (this.drawn > 0) process.stderr.write(`\u001b[${this.drawn}A\u001b[J`);
    this.drawn = 0;
  }
}

class Lines extends Silent {
  private readonly named = new Set<string>();
  private saidAt = Date.now();
  /** A budget's numbers come a moment after its refusal: one line that has them says more than two. */
  private readonly timer = setInterval(() => this.nameBlockers(), SETTLE_MS);

  constructor(private readonly node: string) {
    super();
  }

  override show(progress: DrainProgress): void {
    super.show(progress);
    if (Date.now() - this.saidAt < LINE_MS) return;
    this.saidAt = Date.now();
    process.stderr.write(`${countLine(progress)}\n`);
  }

  override close(): void {
    clearInterval(this.timer);
    this.nameBlockers();
  }

  private nameBlockers(): void {
    const blocked = this.newest?.waits.filter(({ state }) => state === 'blocked') ?? [];
    for (const wait of blocked.filter(({ pod }) => !this.named.has(pod))) {
      this.named.add(wait.pod);
      process.stderr.write(`${blockerLine(this.node, wait)}\n`);
    }
  }
}
