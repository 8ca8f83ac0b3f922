import { eventually } from './eventually.js';
import type { SeenReason } from './fleet-world.js';
import type { HubProcess } from './hub-process.js';

/** An order that a person asked for, as the hub's REST API shows it. */
export interface AskedOrder {
  readonly id: string;
  readonly state: string;
  readonly ended: boolean;
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly object: string;
    readonly message: string;
  }[];
  readonly receipts: readonly {
    readonly backup: string;
    readonly path: string;
    readonly verified: string;
    readonly checks?: readonly string[];
  }[];
  readonly outcome: { readonly kind: string; readonly text: string; readonly reason: SeenReason | null } | null;
}

/** Asks the agent of that cluster for something, through the hub, and waits for the order's end. */
export async function orderEnded(hub: HubProcess, cluster: string, body: unknown): Promise<AskedOrder> {
  const { id } = await hub.call<AskedOrder>('POST', `/clusters/${cluster}/orders`, body);
  return eventually(
    `order ${id} to be at its end`,
    async () => {
      const order = await hub.call<AskedOrder>('GET', `/orders/${id}`);
      if (order.ended) return order;
      throw new Error(`it is ${order.state}`);
    },
    { withinMs: 180_000, everyMs: 200 },
  );
}
