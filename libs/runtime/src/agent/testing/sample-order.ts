import { canonicalText, PlanSchema, sha256Hex, type Order } from '@wavegate/fleet';

export const START = 1_000_000_000;
export const FROM = '1.34.4';
export const TO = '1.35.4';

/** An order as the hub makes it; `spec` overrides the plan's. */
export function sampleOrder(changes: Partial<Order> = {}, spec: object = {}): Order {
  const plan = PlanSchema.parse({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'autumn' },
    spec: { target: { kubernetes: TO }, ...spec },
  });
  const text = canonicalText(plan);
  const epoch = changes.epoch ?? 1;
  return {
    ...{
      schema: 1,
      id: epoch.toString(16).padStart(32, '0'),
      kind: 'upgrade',
      parent: { kind: 'rollout', id: '7f3c' },
    },
    ...{ clusterId: 'c-1', clusterUid: 'uid-1', attempt: 1, hop: { index: 1, of: 1, from: FROM, to: TO }, epoch },
    ...{ plan: text, planDigest: sha256Hex(text), approvedRungs: [] },
    ...{ startBy: START + 600_000, deadline: START + 12 * 3_600_000 },
    ...changes,
  } as Order;
}
