import { lengthOf } from './screens/columns.js';
import { plainText } from './screens/paint.js';
import type { Session } from './session.js';

/** Draws again in place: up over what was drawn before, then everything anew. Never higher than the terminal. */
export class LiveDrawing {
  private drawn = 0;

  constructor(private readonly session: Session) {}

  /** Lines that fit: a drawing that is higher than the window could not be drawn over. */
  get height(): number {
    return this.session.world.out.rows - 1;
  }

  draw(text: string): void {
    const { out } = this.session.world;
    const lines = text.split('\n').slice(0, this.height);
    const back = this.drawn > 0 ? `\u001b[${this.drawn}A\r\u001b[0J` : '';
    out.write(`${back}${lines.join('\n')}\n`);
    this.drawn = linesTaken(lines, out.columns);
  }

  /** A message to stderr: what stands above it stays there, and the next drawing begins below it. */
  tell(text: string): void {
    this.session.tell(text);
    this.drawn = 0;
  }
}

/** A line that is longer than the window is wide takes several of the terminal's; going back must count them all. */
function linesTaken(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(lengthOf(plainText(line)) / columns)), 0);
}
