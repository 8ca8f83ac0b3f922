import { z } from 'zod';
import { sha256Hex } from './canonical.js';
import { OrderArgsShape } from './order-args.js';
import { ORDER_KINDS, ORDER_SCHEMA, type Order, type OrderKind } from './order.js';
import { PlanSchema, type Plan } from './plan.js';
import { semanticProblems } from './plan-semantics.js';
import { selectorProblems } from './plan-selectors.js';
import { reason, type Reason } from './reason.js';
import { parseVersion } from './version.js';

const PLAN_VERSION = 'wavegate.dev/v1';
const KEPT_PLANS = 64;

const version = z.string().refine((text) => parseVersion(text) !== null);

/** Unknown fields are left out, not refused: a newer hub may add some within the same schema number. */
const OrderShape = z.object({
  schema: z.literal(ORDER_SCHEMA),
  // Becomes part of Kubernetes names on the agent, so nothing but what such a name may hold.
  id: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  kind: z.enum(ORDER_KINDS),
  parent: z.object({ kind: z.enum(['rollout', 'schedule', 'request']), id: z.string().min(1) }),
  clusterId: z.string().min(1),
  clusterUid: z.string().min(1),
  attempt: z.int().min(1),
  hop: z.object({ index: z.int().min(1), of: z.int().min(1), from: version, to: version }),
  args: OrderArgsShape.optional(),
  epoch: z.int().min(0),
  plan: z.string(),
  planDigest: z.string(),
  approvedRungs: z.array(z.int()),
  labels: z.record(z.string(), z.string()).optional(),
  startBy: z.number(),
  deadline: z.number(),
});

/** Tells a refusal from what was read. */
export function isReason(read: object): read is Reason {
  return 'code' in read && 'params' in read;
}

/**
 * Reads an order as it came off the wire or out of a journal, or says why it is refused: a newer schema, an unknown
 * kind, a field that is not as it must be, a plan that is not the one its digest names or that cannot be read.
 */
export function readOrder(input: unknown): Order | Reason {
  const newer = newerSchema(input);
  if (newer) return newer;
  const shaped = OrderShape.safeParse(input);
  if (!shaped.success) return malformed(input, shaped.error.issues[0]);
  const order: Order = shaped.data;
  if (!argsFit(order)) return reason('order_malformed', { field: 'args' });
  const found = sha256Hex(order.plan);
  if (found !== order.planDigest) return reason('plan_digest_mismatch', { expected: order.planDigest, found });
  const plan = readPlanText(order.plan);
  return isReason(plan) ? plan : order;
}

const WITHOUT_ARGS: ReadonlySet<OrderKind> = new Set(['upgrade', 'rollback', 'preflight']);

/** Arguments of another kind would be an order that says two things. */
function argsFit({ kind, args }: Order): boolean {
  return args ? args.kind === kind : WITHOUT_ARGS.has(kind);
}

/** The number is looked at first: of a newer order nothing else can be trusted to mean what it meant. */
function newerSchema(input: unknown): Reason | null {
  const schema = typeof input === 'object' && input !== null && 'schema' in input ? input.schema : undefined;
  if (typeof schema !== 'number' || schema <= ORDER_SCHEMA) return null;
  return reason('schema_too_new', { schema, known: ORDER_SCHEMA });
}

function malformed(input: unknown, issue: z.core.$ZodIssue | undefined): Reason {
  const field = issue?.path.map(String).join('.') || 'order';
  if (field !== 'kind') return reason('order_malformed', { field });
  const kind = (input as { readonly kind?: unknown }).kind;
  return typeof kind === 'string'
    ? reason('order_unknown_kind', { kind: kind.slice(0, 64) })
    : reason('order_malformed', { field });
}

// Every pass of every loop reads the same few plans; one frozen object per text also keeps the calendar compiled.
const plans = new Map<string, Plan>();

/** The plan of a canonical text (an order's, a rollout's), or why it cannot be read. The plan is frozen and shared. */
export function readPlanText(text: string): Plan | Reason {
  const known = plans.get(text);
  if (known) return known;
  const plan = parsePlan(text);
  if (isReason(plan)) return plan;
  if (plans.size >= KEPT_PLANS) plans.clear();
  plans.set(text, freeze(plan));
  return plan;
}

function parsePlan(text: string): Plan | Reason {
  const input = parseJson(text);
  const newer = newerPlan(input);
  if (newer) return newer;
  const shaped = PlanSchema.safeParse(input);
  if (!shaped.success) return planRefused(shaped.error.issues);
  const problem = [...semanticProblems(shaped.data), ...selectorProblems(shaped.data)][0];
  return problem ? reason('order_malformed', { field: `plan${problem.pointer}` }) : shaped.data;
}

/**
 * A field that this release does not know may be the one that says "never touch production": it is refused, never
 * passed over. A newer hub writes such a field only where the plan uses it (docs/adr/0011).
 */
function planRefused(issues: readonly z.core.$ZodIssue[]): Reason {
  const unknown = issues.find((issue) => issue.code === 'unrecognized_keys');
  if (unknown) return reason('plan_field_unknown', { field: [...unknown.path, unknown.keys[0]].join('.') });
  return reason('order_malformed', { field: ['plan', ...(issues[0]?.path ?? [])].join('/') });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function newerPlan(input: unknown): Reason | null {
  const given = typeof input === 'object' && input !== null && 'apiVersion' in input ? input.apiVersion : undefined;
  if (typeof given !== 'string' || given === PLAN_VERSION) return null;
  return reason('schema_too_new', { schema: given.slice(0, 64), known: PLAN_VERSION });
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}
