import { renderRollout } from '../../apps/cli/src/screens/rollout-screen.js';
import type { ClusterView, RolloutView } from './hub-client.js';

type Rendered = Parameters<typeof renderRollout>;

/** A terminal is redrawn in place; anywhere else, lines appear when something has changed. */
export class Screen {
  private shown = 0;
  private last = '';
  private readonly startedAt = Date.now();

  constructor(private readonly out: NodeJS.WriteStream) {}

  say(text: string): void {
    this.clear();
    this.out.write(text.startsWith('✂') ? `${this.clock()}  ${text}\n` : `${text}\n`);
  }

  show(rollout: RolloutView, clusters: readonly ClusterView[]): void {
    if (this.out.isTTY) this.draw(rollout, clusters);
    else this.tell(rollout);
  }

  private draw(rollout: RolloutView, clusters: readonly ClusterView[]): void {
    const options = { width: this.out.columns || 120, color: true, now: Date.now() };
    // Clusters that rest are in the wave lines; the table is for those at work and those that need a word.
    const active = clusters.filter(
      ({ phase, outcome }) => !['waiting', 'done'].includes(phase) || (outcome !== null && outcome.kind !== 'upgraded'),
    );
    const text = renderRollout(
      rollout as unknown as Rendered[0],
      active.slice(0, 24) as unknown as Rendered[1],
      options,
    );
    this.clear();
    this.out.write(text.endsWith('\n') ? text : `${text}\n`);
    this.shown = text.trimEnd().split('\n').length;
  }

  private tell(rollout: RolloutView): void {
    const waves = rollout.waves.map(
      ({ index, phase, size, upgraded, failures, skipped }) =>
        `wave ${index} ${phase} ${upgraded + failures + skipped}/${size}`,
    );
    const line = `${rollout.done}/${rollout.size} clusters · ${rollout.state} · ${waves.join(' · ')}`;
    if (line !== this.last) this.out.write(`${this.clock()}  ${line}\n`);
    this.last = line;
  }

  /** Seconds since the start, as the lines of a log carry them. */
  private clock(): string {
    return `${((Date.now() - this.startedAt) / 1000).toFixed(1).padStart(5)} s`;
  }

  private clear(): void {
    if (this.shown > 0) this.out.write(`\x1b[${this.shown}A\x1b[0J`);
    this.shown = 0;
  }
}
