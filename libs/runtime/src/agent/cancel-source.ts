import type { Cancel } from './ports.js';

/** The side of a Cancel that cancels. Cancelling twice is cancelling once. */
export class CancelSource implements Cancel {
  private done = false;
  private readonly acts = new Set<() => void>();

  get cancelled(): boolean {
    return this.done;
  }

  cancel(): void {
    if (this.done) return;
    this.done = true;
    const acts = [...this.acts];
    this.acts.clear();
    for (const act of acts) act();
  }

  onCancel(act: () => void): () => void {
    if (this.done) {
      act();
      return () => {};
    }
    this.acts.add(act);
    return () => this.acts.delete(act);
  }
}
