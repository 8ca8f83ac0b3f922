import { checkPlanAgainstFleet, type Cluster, type Plan } from '@wavegate/fleet';
import { plan as planRollout, type Planned } from '@wavegate/rollout';
import type { ClusterStore, InventoryCluster, PlanStore, StoredPlan } from '@wavegate/storage';
import type { z } from 'zod';
import { ROLES, type Permission } from '../auth/roles.js';
import type { Scope } from '../auth/scope.js';
import type { Principal } from '../auth/token.guard.js';
import { toFindingView } from '../rest/finding-view.js';
import { notFound, Problem } from '../rest/problem.js';
import type * as planShapes from '../rest/plan-shapes.js';
import type * as shapes from '../rest/shapes.js';
import { toTime } from '../rest/views.js';
import { toDrainPreview } from './drain-preview.js';
import type { FleetPreflight } from './fleet-preflight.js';
import { planFromBody, type ReadPlan } from './plan-body.js';
import { toPreview } from './preview.js';

type PlanView = z.infer<typeof shapes.PlanStoredShape>;

export class PlanDesk {
  constructor(
    private readonly plans: PlanStore,
    private readonly clusters: ClusterStore,
    private readonly now: () => number,
    private readonly preflights: FleetPreflight,
  ) {}

  async validate(body: unknown, scope: Scope): Promise<{ valid: true; name: string; digest: string }> {
    const { plan, digest } = this.checked(body, await this.fleetIn(scope));
    return { valid: true, name: plan.metadata.name, digest };
  }

  async preview(body: unknown, scope: Scope): Promise<z.infer<typeof shapes.PreviewShape>> {
    const { read, fleet, planned, at } = await this.planned(body, scope);
    return toPreview({ plan: read.plan, digest: read.digest, fleet, at, planned });
  }

  /** The preview, and what the preflight finds on every connected cluster that takes part. */
  async previewWithPreflight(body: unknown, who: Principal): Promise<z.infer<typeof shapes.PreviewShape>> {
    assertMayLook(who);
    const { read, fleet, planned, at } = await this.planned(body, who.scope);
    const preflight = await this.preflights.run(read, taking(fleet, planned), who.name);
    const preview = toPreview({ plan: read.plan, digest: read.digest, fleet, at, planned });
    const views = preflight.map((one) => ({ ...one, findings: one.findings.map(toFindingView) }));
    return { ...preview, preflight: views };
  }

  async drainPreview(body: unknown, who: Principal): Promise<z.infer<typeof planShapes.DrainPreviewShape>> {
    assertMayLook(who);
    const { read, fleet, planned } = await this.planned(body, who.scope);
    const preflight = await this.preflights.run(read, taking(fleet, planned), who.name);
    return toDrainPreview({ name: read.plan.metadata.name, digest: read.digest }, preflight);
  }

  async create(body: unknown, { name: by, scope }: Pick<Principal, 'name' | 'scope'>): Promise<PlanView> {
    const { plan } = this.checked(body, await this.fleetIn(scope));
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

  private async planned(body: unknown, scope: Scope) {
    const fleet = await this.fleetIn(scope);
    const read = this.checked(body, fleet);
    const at = this.now();
    if (scope.isLimited) {
      // A preview of the visible part alone would promise waves that the rollout does not have.
      const whole = planRollout(read.plan, await this.clusters.all(), at).taking;
      scope.assertCovers(
        whole.map(({ clusterName: name, labels }) => ({ name, labels })),
        'This plan',
      );
    }
    return { read, fleet, at, planned: planRollout(read.plan, fleet, at) };
  }

  private async fleetIn(scope: Scope): Promise<readonly InventoryCluster[]> {
    return (await this.clusters.all()).filter(({ labels }) => scope.covers(labels));
  }

  private checked(body: unknown, fleet: readonly Cluster[]): ReadPlan {
    const read = planFromBody(body, labelKeys(fleet));
    refuseUnfit(read.plan, fleet);
    return read;
  }
}

/** Looking makes orders: whoever may neither plan nor operate reads what others asked for. */
function assertMayLook({ role }: Principal): void {
  const may = ROLES[role] as readonly Permission[];
  if (may.includes('plan') || may.includes('operate')) return;
  throw new Problem(403, 'not-allowed', `The role "${role}" may not do this`, {
    detail: 'Running the preflight needs the permission "plan" or "operate"; the preview without it needs only "read".',
  });
}

function taking(fleet: readonly InventoryCluster[], planned: Planned): InventoryCluster[] {
  const ids = new Set(planned.taking.map(({ clusterId }) => clusterId));
  return fleet.filter(({ id, approved }) => approved && ids.has(id));
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
