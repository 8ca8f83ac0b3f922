import { checkPlanAgainstFleet, type Cluster, type Plan } from '@wavegate/fleet';
import { plan as planRollout } from '@wavegate/rollout';
import type { ClusterStore, PlanStore, StoredPlan } from '@wavegate/storage';
import type { z } from 'zod';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import { toTime } from '../rest/views.js';
import { planFromBody, type ReadPlan } from './plan-body.js';
import { toPreview } from './preview.js';

type PlanView = z.infer<typeof shapes.PlanStoredShape>;

export class PlanDesk {
  constructor(
    private readonly plans: PlanStore,
    private readonly clusters: ClusterStore,
    private readonly now: () => number,
  ) {}

  async validate(body: unknown): Promise<{ valid: true; name: string; digest: string }> {
    const { plan, digest } = this.checked(body, await this.clusters.all());
    return { valid: true, name: plan.metadata.name, digest };
  }

  async preview(body: unknown): Promise<z.infer<typeof shapes.PreviewShape>> {
    const fleet = await this.clusters.all();
    const { plan, digest } = this.checked(body, fleet);
    const at = this.now();
    return toPreview({ plan, digest, fleet, at, planned: planRollout(plan, fleet, at) });
  }

  async create(body: unknown, by: string): Promise<PlanView> {
    const { plan } = this.checked(body, await this.clusters.all());
    const { digest } = await this.plans.put(plan, by);
    return this.get(digest);
  }

  async get(plan: string): Promise<PlanView> {
    const found = await this.plans.get(plan);
    if (!found) throw notFound('plan', plan);
    return toPlanView(found);
  }

  async list(): Promise<z.infer<typeof shapes.PlanListShape>> {
    return { items: (await this.plans.list({ limit: 100 })).items.map(toPlanView) };
  }

  private checked(body: unknown, fleet: readonly Cluster[]): ReadPlan {
    const read = planFromBody(body, labelKeys(fleet));
    refuseUnfit(read.plan, fleet);
    return read;
  }
}

/** Problems that only the fleet can show: nothing selected, a downgrade, a minor without its `via`. */
export function refuseUnfit(plan: Plan, fleet: readonly Cluster[]): void {
  const problems = checkPlanAgainstFleet(plan, fleet);
  if (problems.length === 0) return;
  throw new Problem(422, 'plan-does-not-fit', 'The plan does not fit the fleet', { errors: problems });
}

/** Label keys that some cluster carries: a selector over any other key is a slip of the pen. */
function labelKeys(fleet: readonly Cluster[]): string[] {
  return [...new Set(fleet.flatMap((cluster) => Object.keys(cluster.labels)))].sort();
}

function toPlanView(stored: StoredPlan): PlanView {
  const { name, digest, createdBy } = stored;
  return { name, digest, createdBy, createdAt: toTime(stored.createdAt), plan: stored.plan };
}
