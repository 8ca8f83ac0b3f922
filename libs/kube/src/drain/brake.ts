import { CancelSource, type Cancel } from '@wavegate/runtime/agent';

/** A Cancel that can be pulled here, or by the one above it. `release` forgets the one above. */
export class Brake extends CancelSource {
  private readonly forget: () => void;

  constructor(above: Cancel) {
    super();
    this.forget = above.onCancel(() => this.cancel());
  }

  release(): void {
    this.forget();
  }
}
