const EVERY_MS = 120;

/**
 * One line on a terminal that says what is being read in each cluster, rewritten in place and gone at the end. Nothing
 * at all where standard error is no terminal: a log must not fill with it.
 */
export class LiveTick {
  private readonly doing = new Map<string, string>();
  private readonly timer: NodeJS.Timeout | null;
  private done = 0;

  constructor(
    private readonly total: number,
    private readonly out: NodeJS.WriteStream = process.stderr,
  ) {
    this.timer = out.isTTY ? setInterval(() => this.draw(), EVERY_MS) : null;
  }

  note(cluster: string, what: string): void {
    this.doing.set(cluster, what.split('?')[0] ?? '');
  }

  finish(cluster: string): void {
    this.doing.delete(cluster);
    this.done += 1;
  }

  stop(): void {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.out.write('\r\u001b[K');
  }

  private draw(): void {
    const each = [...this.doing].map(([cluster, what]) => `${cluster} ${what}`).join(' · ');
    const line = `${this.done} of ${this.total} read   ${each}`;
    this.out.write(`\r\u001b[K${line.slice(0, Math.max(20, this.out.columns - 1))}`);
  }
}
