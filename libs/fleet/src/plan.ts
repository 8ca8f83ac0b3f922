import { z } from 'zod';

/**
 * The plan: what a person asks for. This file is its *shape* only; what a shape cannot say (waves must grow, a
 * downgrade is refused, a label key must be known) is in plan-problems.ts. Unknown fields are refused, so that a
 * misspelt policy never silently means its default. Every default is written out here and so into the stored plan.
 */
const percentOrCount = z.union([z.int(), z.string().regex(/^\d{1,3}(\.\d+)?%$/)]);
const duration = z.string().regex(/^\d+(ms|s|m|h|d)$/);
const version = z.string().min(1);
const minor = z.string().regex(/^\d+\.\d+$/);

const windowShape = z.strictObject({
  /** RFC 5545 recurrence of the days on which the window opens, without DTSTART: "FREQ=WEEKLY;BYDAY=MO,TU". */
  rrule: z.string().min(1),
  /** Wall-clock opening time in `timeZone`, "HH:MM". */
  start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  duration,
  timeZone: z.string().min(1).default('UTC'),
  /** Label selector of the clusters it binds; empty = all. */
  selector: z.string().default(''),
});
const freezeShape = z.strictObject({
  name: z.string().min(1),
  /** ISO 8601 instants with offset or Z. */
  from: z.string().min(1),
  until: z.string().min(1),
  selector: z.string().default(''),
});
const approvalShape = z.strictObject({ beforeWave: z.int().min(1), count: z.int().min(1).max(10).default(1) });

const strategyShape = z.strictObject({
  /** Cumulative shares of the taking part, in per cent, growing, ending at 100 %. */
  waves: z
    .array(z.string().regex(/^\d{1,3}(\.\d+)?%$/))
    .min(1)
    .default(['5%', '25%', '50%', '100%']),
  canaries: z.string().default(''),
  rings: z.array(z.string().min(1)).default([]),
  spreadBy: z.array(z.string().min(1)).default([]),
  maxInFlight: percentOrCount.default(10),
  budget: z
    .strictObject({ firstWave: percentOrCount.default(0), laterWaves: percentOrCount.default('5%') })
    .prefault({}),
  /** For a cluster that has not started: how long to wait for its agent, then what. */
  offline: z
    .strictObject({ deadline: duration.default('4h'), then: z.enum(['wait', 'skip', 'fail']).default('skip') })
    .prefault({}),
  lateJoiners: z.enum(['nextRollout']).default('nextRollout'),
});

const gatesShape = z.strictObject({
  /** "default" and label selectors ("env=prod") → duration. The longest that matches any cluster of the wave counts. */
  soak: z.record(z.string(), duration).default({ default: '30m' }),
  approvals: z.array(approvalShape).default([]),
  windows: z.array(windowShape).default([]),
  freezes: z.array(freezeShape).default([]),
});

const drainShape = z.strictObject({
  timeout: duration.default('15m'),
  onTimeout: z.enum(['pause', 'skipNode', 'failCluster']).default('pause'),
  /** Nodes of one cluster worked on at once. */
  maxUnavailable: percentOrCount.default(1),
  pace: z
    .string()
    .regex(/^\d+\/s$/)
    .default('5/s'),
  deleteEmptyDir: z.strictObject({ namespaces: z.array(z.string()).default([]) }).prefault({}),
  evictUnmanaged: z.strictObject({ namespaces: z.array(z.string()).default([]) }).prefault({}),
});

const backupShape = z.strictObject({
  etcd: z
    .strictObject({ verify: z.enum(['status', 'restore']).default('restore'), maxAge: duration.default('1h') })
    .prefault({}),
  velero: z.strictObject({ maxAge: duration }).optional(),
});

const verdictShape = z.strictObject({
  /** Names of objectives known to the agents. Empty: hard gates only. */
  objectives: z.array(z.string().min(1)).default([]),
  /** How long a phase is judged at most before it is inconclusive. */
  window: duration.default('30m'),
  period: duration.default('1m'),
  /** Least soak of a judged phase before it may be promoted. */
  minSoak: duration.default('5m'),
  /** Disruption that the change is allowed to cost, per phase: taken off before the budget is charged. */
  allowance: z.strictObject({ controlPlane: duration.default('3m'), workers: duration.default('0s') }).prefault({}),
  noData: z.enum(['hold', 'ignoreAdvisory']).default('hold'),
});

const rollbackShape = z.strictObject({
  automatic: z
    .strictObject({
      /** Highest rung taken without a person: none | revertManifests (1) | worker (2). */
      upTo: z.enum(['none', 'revertManifests', 'worker']).default('worker'),
      gradual: z.boolean().default(true),
    })
    .prefault({}),
  onRegression: z.enum(['hold', 'rollback']).default('hold'),
  onBurn: z.enum(['hold', 'rollback']).default('rollback'),
});

export const PlanSchema = z
  .strictObject({
    apiVersion: z.literal('wavegate.dev/v1'),
    kind: z.literal('UpgradePlan'),
    metadata: z.strictObject({
      name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
      labels: z.record(z.string(), z.string()).default({}),
    }),
    spec: z.strictObject({
      target: z.strictObject({ kubernetes: version, via: z.record(minor, version).default({}) }),
      clusters: z
        .strictObject({ selector: z.string().default(''), exclude: z.array(z.string()).default([]) })
        .prefault({}),
      strategy: strategyShape.prefault({}),
      gates: gatesShape.prefault({}),
      topology: z.enum(['standard', 'singleNode']).default('standard'),
      drain: drainShape.prefault({}),
      backup: backupShape.prefault({}),
      verdict: verdictShape.prefault({}),
      rollback: rollbackShape.prefault({}),
      hubAway: z.enum(['finish', 'finishNode']).default('finish'),
      /** How long after it was sent an order may still start, and how long one cluster's hop may take. */
      startWithin: duration.default('10m'),
      deadline: duration.default('12h'),
    }),
  })
  .meta({ id: 'UpgradePlan' });

/** A plan with every default filled in. */
export type Plan = z.infer<typeof PlanSchema>;
export type PlanSpec = Plan['spec'];
/** A plan as a person writes it. */
export type PlanInput = z.input<typeof PlanSchema>;

/** Milliseconds of a plan's duration text ("30m", "24h"); throws RangeError on a text the schema would refuse. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const unit = units[match?.[2] ?? ''];
  if (!match || unit === undefined) throw new RangeError(`"${text}" is not a duration such as 30m or 24h`);
  return Number(match[1]) * unit;
}
