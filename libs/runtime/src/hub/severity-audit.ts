import { canonicalText, isReason, readPlanText, rulesApplied, type Finding, type Order } from '@wavegate/fleet';
import type { AuditEntry } from './ports.js';

/** Objects named in one line of the audit; the rest is counted. */
const MOST_OBJECTS = 20;

export interface FindingsTold {
  readonly order: Pick<Order, 'id' | 'clusterId' | 'plan' | 'labels' | 'parent'>;
  /** What the order's row held until now. */
  readonly before: readonly Finding[];
  readonly findings: readonly Finding[];
  readonly at: number;
}

/**
 * A line for each rule of the plan (a waiver, another severity) that bore on what an agent found: who waived what, for
 * which cluster, with what reason and until when. Told again with nothing new, it gives none.
 */
export function severityAudit({ order, before, findings, at }: FindingsTold): AuditEntry[] {
  const plan = readPlanText(order.plan);
  if (isReason(plan) || plan.spec.preflight.severities.length === 0) return [];
  const context = { labels: order.labels ?? null, at };
  const used = (list: readonly Finding[]) => rulesApplied(list, plan.spec.preflight.severities, context);
  const known = new Set(used(before).map(canonicalText));
  return used(findings)
    .filter((one) => !known.has(canonicalText(one)))
    .map(({ rule, objects }) => {
      const { code, set, reason, by, selector, until = null } = rule;
      const rest = Math.max(0, objects.length - MOST_OBJECTS);
      const about = { order: order.id, cluster: order.clusterId, [order.parent.kind]: order.parent.id };
      const which = { code, set, reason, by, selector, until, objects: objects.slice(0, MOST_OBJECTS), more: rest };
      return {
        ...{ actor: `agent/${order.clusterId}`, action: 'preflight.severityChanged', object: `order/${order.id}` },
        detail: { ...about, ...which },
      };
    });
}
