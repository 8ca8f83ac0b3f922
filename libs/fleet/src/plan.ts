import { z } from 'zod';
import { gaugeShape, MOST_GAUGES } from './gauge.js';
import { alertsShape, objectiveShape } from './objective.js';
import { silenceShape } from './silence.js';

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
  /** Two clusters that fail alike: stop at once (the next would fail like them), or spend the budget as any failures do. */
  sameFailure: z.enum(['stop', 'budget']).default('stop'),
  /**
   * Waves no larger than what went well before them proves: at 95 % confidence, no more than `mayLose` clusters of a
   * wave fail. The shares of `waves` stay the upper bound; a wave that proves too little is followed by smaller ones.
   */
  adaptive: z.boolean().default(false),
  mayLose: z.int().min(1).max(1000).default(2),
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

const drainConsent = z
  .strictObject({
    /** Namespaces by name; "*" is all of them. */
    namespaces: z.array(z.string()).default([]),
    /** Values of the pods' label wavegate.dev/owner (or owner, or team, where that is not set). */
    owners: z.array(z.string()).default([]),
  })
  .prefault({});

const drainShape = z.strictObject({
  timeout: duration.default('15m'),
  onTimeout: z.enum(['pause', 'skipNode', 'failCluster']).default('pause'),
  /** Nodes of one cluster, or of each pool of it, worked on at once. */
  maxUnavailable: percentOrCount.default(1),
  /** Label of nodes whose value names their pool: each pool has its own maxUnavailable. Empty: one pool. */
  poolLabel: z.string().default(''),
  /** Label selector of the nodes that go first and are judged before the others; empty: one node, any. */
  nodeCanaries: z.string().default(''),
  /** Nodes of several zones at once. */
  acrossZones: z.boolean().default(false),
  /** Evictions a second after a burst of ten, or "unlimited". */
  pace: z
    .string()
    .regex(/^(\d+\/s|unlimited)$/)
    .default('5/s'),
  /** Growing priorities, each the first of a new group; pods of a lower group are evicted before those of a higher. */
  priorityGroups: z.array(z.int()).default([]),
  /** How long a group waits at most for the pods of the one before it to be gone. */
  waitBetween: duration.default('0s'),
  deleteEmptyDir: drainConsent,
  evictUnmanaged: drainConsent,
});

const severityShape = z.strictObject({
  /** A code of docs/preflight.md. */
  code: z.string().regex(/^[a-z][a-z0-9_]*$/),
  /** Label selector of the clusters it is for; empty = all. */
  selector: z.string().default(''),
  set: z.enum(['block', 'warn', 'info', 'waive']),
  /** Why: kept in the audit log and shown with every finding that the rule changed. */
  reason: z.string().min(1),
  /** ISO 8601 instant; must be there where the rule lowers or waives. */
  until: z.string().min(1).optional(),
  /** Who asked for it, for the screens. */
  by: z.string().default(''),
});
const preflightShape = z.strictObject({ severities: z.array(severityShape).default([]) });

const backupShape = z.strictObject({
  etcd: z
    .strictObject({ verify: z.enum(['status', 'restore']).default('restore'), maxAge: duration.default('1h') })
    .prefault({}),
  velero: z
    .strictObject({
      /** Older than this, the newest Velero backup is a finding. */
      maxAge: duration.default('24h'),
      /** Namespace that a Velero backup is proven by: restored into a scratch namespace and compared. '' = none. */
      canary: z
        .string()
        .regex(/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$/)
        .default(''),
    })
    .optional(),
});

const verdictShape = z.strictObject({
  /** Service levels by name, or in their long form (objective.ts). Empty: hard gates only. */
  objectives: z.array(objectiveShape).default([]),
  /** Alerts that block while they fire, if they began with the change. */
  alerts: z.array(alertsShape).default([]),
  /** Alerts of the node under work that wake nobody meanwhile, by silences that expire. Left out: nothing is silenced. */
  silences: z.array(silenceShape).min(1).optional(),
  /** What is measured and not counted (memory, queues), by name or in the long form: compared, shown, never decisive. */
  gauges: z.array(gaugeShape).min(1).max(MOST_GAUGES).optional(),
  /** How long a phase is judged at most before it is inconclusive. */
  window: duration.default('30m'),
  period: duration.default('1m'),
  /** Least soak of a judged phase before it may be promoted. */
  minSoak: duration.default('5m'),
  /** Longest that the change may take the API server away, per phase: what the agent's probe saw down is not charged. */
  allowance: z.strictObject({ controlPlane: duration.default('3m'), workers: duration.default('0s') }).prefault({}),
  /** Without effect, and kept for plans that say it: missing data always holds, and what is advisory never decides. */
  noData: z.enum(['hold', 'ignoreAdvisory']).default('hold'),
  /** Fewer than three clusters not yet upgraded have fresh samples: judge against the own past alone, or hold. */
  withoutControls: z.enum(['judge', 'hold']).default('judge'),
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
  /**
   * An exceeded failure budget takes back the wave that exceeded it, or the whole rollout, as far as goes without a
   * person (workers). Left out: it stops, and a person decides.
   */
  onBudget: z.enum(['wave', 'rollout']).optional(),
  /** Rollbacks that a person asks for: at once, or in the plan's windows and outside its freezes like any change. */
  windows: z.enum(['override', 'respect']).default('override'),
  /** Before the commit, lay on each control-plane host what a restore of etcd would need; persons run it (rung 6). */
  stageRestore: z.boolean().default(false),
});

const upgradeShape = z.strictObject({
  /**
   * Where nodes take packages from: the repository they have, switched to the target's minor · pkgs.k8s.io · the mirror
   * that the cluster's own admin told its agent of · only what lies on the node already.
   */
  packages: z.enum(['node', 'upstream', 'mirror', 'offline']).default('node'),
  /** kubeadm's own checks that are passed over, by kubeadm's names: "SystemVerification". */
  ignorePreflightErrors: z.array(z.string().regex(/^(?!all$)[A-Za-z][A-Za-z0-9-]{0,62}$/i)).default([]),
  /** How long a phase of a node's step may take; `manifests` is kubeadm's own wait for each static pod. */
  limits: z
    .strictObject({
      packages: duration.default('10m'),
      images: duration.default('15m'),
      manifests: duration.default('5m'),
      kubeadm: duration.default('25m'),
      kubelet: duration.default('5m'),
    })
    .prefault({}),
  controlPlane: z
    .strictObject({
      /** New binaries emulate the old minor until the control plane is judged: until then they can go back (rung 4). */
      twoStep: z.boolean().default(false),
    })
    .prefault({}),
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
      preflight: preflightShape.prefault({}),
      upgrade: upgradeShape.prefault({}),
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
