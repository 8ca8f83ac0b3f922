import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What happened in a world, line by line; kept whole, shown at its end, written out when the world failed. */
export class Trace {
  private readonly lines: string[] = [];
  private readonly start: number;

  constructor(private readonly now: () => number) {
    this.start = now();
  }

  /** `who` is "hub-1", "agent stg-fra-2", "person", "world". */
  say(who: string, what: string): void {
    const seconds = ((this.now() - this.start) / 1000).toFixed(3).padStart(10);
    this.lines.push(`${seconds}s  ${who.padEnd(18)} ${what}`);
  }

  get length(): number {
    return this.lines.length;
  }

  last(count: number): string {
    return this.lines.slice(-count).join('\n');
  }

  text(): string {
    return this.lines.join('\n');
  }

  /** Writes the whole trace beside the machine's other temporary files; returns where. */
  write(seed: number): string {
    const folder = join(tmpdir(), 'wavegate-simulation');
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `seed-${seed}.trace`);
    writeFileSync(path, `${this.lines.join('\n')}\n`);
    return path;
  }
}
