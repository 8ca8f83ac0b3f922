import type { Cancel } from '@wavegate/runtime/agent';

/** A Cancel that can be pulled here, or by the one above it. `release` forgets the one above. */
export class Brake implements Cancel {
  private readonly acts = new Set<() => void>();
  private readonly forget: () => void;
  private pulled = false;

  constructor(above: Cancel) {
    this.forget = above.onCancel(() => this.pull());
  }

  get cancelled(): boolean {
    return this.pulled;
  }

  onCancel(act: () => void): () => void {
    if (this.pulled) {
      act();
      return () => undefined;
    }
    this.acts.add(act);
    return () => this.acts.delete(act);
  }

  pull(): void {
    if (this.pulled) return;
    this.pulled = true;
    for (const act of [...this.acts]) act();
    this.acts.clear();
  }

  release(): void {
    this.forget();
  }
}
