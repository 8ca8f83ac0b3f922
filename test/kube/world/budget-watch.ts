import { pause } from './eventually.js';
import type { KubeObject } from './kube-api.js';
import type { RealCluster } from './real-cluster.js';

interface BudgetStatus {
  readonly currentHealthy?: number;
  readonly desiredHealthy?: number;
}

/** Looks at a PodDisruptionBudget again and again: how few healthy pods there were, and whether that was ever too few. */
export class BudgetWatch {
  private looks = 0;
  private least = Infinity;
  private broken = 0;
  private over = false;

  constructor(
    private readonly cluster: RealCluster,
    private readonly namespace: string,
    private readonly name: string,
  ) {
    void this.watch();
  }

  end(): { readonly looks: number; readonly least: number; readonly broken: number } {
    this.over = true;
    return { looks: this.looks, least: this.least, broken: this.broken };
  }

  private async watch(): Promise<void> {
    const path = `/apis/policy/v1/namespaces/${this.namespace}/poddisruptionbudgets/${this.name}`;
    while (!this.over) {
      const found = await this.cluster.api.get<KubeObject<unknown, BudgetStatus>>(path).catch(() => null);
      if (found) this.note(found.status);
      await pause(200);
    }
  }

  private note({ currentHealthy = 0, desiredHealthy = 0 }: BudgetStatus): void {
    this.looks += 1;
    this.least = Math.min(this.least, currentHealthy);
    if (currentHealthy < desiredHealthy) this.broken += 1;
  }
}
