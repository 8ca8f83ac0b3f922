import { z } from 'zod';
import { JudgedNowShape } from './judged-shape.js';
import { DrainShape } from './drain-shape.js';

/**
 * What the REST API takes and gives, once: validation, the OpenAPI document and the CLI's generated client all come
 * from these. Times are ISO 8601 in UTC; the rest of the product counts epoch milliseconds, and this is the border.
 */
const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });
const labels = z.record(z.string(), z.string());

export const ReasonShape = z
  .object({
    code: z.string(),
    params: z.record(z.string(), z.union([z.string(), z.number()])),
    text: z.string().meta({ description: 'One English sentence made from code and params; do not parse it' }),
  })
  .meta({ id: 'Reason' });

export const OutcomeShape = z
  .object({
    kind: z.enum(['upgraded', 'rolledBack', 'halted', 'completed', 'skipped', 'lost']),
    text: z.string(),
    reason: ReasonShape.nullable(),
    rung: z.int().nullable(),
    returned: z.array(z.string()),
    stays: z.array(z.string()),
    cordoned: z.array(z.string()),
    standing: z.record(z.string(), z.string()),
    fetched: z
      .array(
        z.object({
          ...{ node: z.string(), version: z.string(), images: z.int(), freeMib: z.int() },
          packages: z.string().meta({ description: 'Folder on the node' }),
        }),
      )
      .meta({ description: 'Of a prefetch: what lies on each node now' }),
  })
  .meta({ id: 'Outcome' });

export const ProblemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    errors: z
      .array(z.object({ pointer: z.string(), code: z.string(), detail: z.string(), example: z.unknown().optional() }))
      .optional(),
    requestId: z.string(),
  })
  .meta({ id: 'Problem' });

// ── clusters and joining ────────────────────────────────────────────────────────────────────────────────────────

export const NodeShape = z
  .object({
    name: z.string(),
    role: z.enum(['controlPlane', 'worker']),
    kubelet: z.string(),
    ready: z.boolean(),
    schedulable: z.boolean(),
    zone: z.string(),
  })
  .meta({ id: 'Node' });

export const LastBackupShape = z
  .object({
    order: z.string(),
    at: time,
    backup: z.string().meta({ description: 'etcd, velero or manifests' }),
    verified: z.enum(['restore', 'status']).meta({ description: 'restore: restored apart and compared' }),
    text: z.string(),
  })
  .meta({ id: 'LastBackup' });

export const ClusterShape = z
  .object({
    id: z.string(),
    name: z.string(),
    uid: z.string().nullable(),
    labels,
    approved: z.boolean(),
    driver: z.string().nullable(),
    provider: z.string().nullable(),
    controlPlane: z.array(z.string()).meta({ description: 'Distinct API server versions' }),
    nodes: z.array(NodeShape),
    pdbCount: z.int().nullable(),
    agent: z.object({
      connected: z.boolean(),
      version: z.string().nullable(),
      lastSeen: time.nullable(),
      generation: z.int(),
      replica: z.string().nullable(),
    }),
    factsAt: time.nullable(),
    lastBackup: LastBackupShape.nullable(),
    lastRestoreProof: LastBackupShape.nullable().meta({ description: 'When a restore last worked here' }),
  })
  .meta({ id: 'Cluster' });

export const ClusterListShape = z
  .object({ items: z.array(ClusterShape), nextCursor: z.string().nullable() })
  .meta({ id: 'ClusterList' });

export const ClusterQuery = z.strictObject({
  labelSelector: z.string().optional(),
  connected: z.enum(['true', 'false']).optional(),
  version: z.string().optional().meta({ description: 'Minor of the control plane, for example 1.34' }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

export const LabelsChange = z
  .strictObject({ labels: z.record(z.string(), z.string().nullable()) })
  .meta({ id: 'LabelsChange', description: 'Sets labels; null removes one' });

export const JoinTokenRequest = z
  .strictObject({
    cluster: z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'lower-case letters, digits, - and .'),
    labels: labels.default({}),
    minutes: z.int().min(1).max(60).default(60),
    approved: z
      .boolean()
      .default(true)
      .meta({ description: 'False: an admin approves the cluster after it has joined' }),
  })
  .meta({ id: 'JoinTokenRequest' });

export const JoinTokenShape = z
  .object({
    id: z.string(),
    cluster: z.string(),
    expiresAt: time,
    token: z.string().meta({ description: 'Shown this once' }),
    caSha256: z.string(),
    helm: z.string().meta({ description: 'The line that installs the agent in the cluster, by helm' }),
    command: z.string().meta({ description: 'The line that runs the agent by hand, with a kubeconfig' }),
    warnings: z.array(z.string()).readonly().meta({ description: 'What would keep the lines from working' }),
  })
  .meta({ id: 'JoinToken' });

export const ApiTokenRequest = z
  .strictObject({
    name: z.string().min(1).max(100),
    role: z.enum(['viewer', 'operator', 'planner', 'approver', 'admin']),
    scope: z.string().max(1_000).default('').meta({
      description: 'Label selector of the clusters it may see and touch, e.g. `env in (dev,stg)`; empty: all',
    }),
  })
  .meta({ id: 'ApiTokenRequest' });
export const ApiTokenShape = z
  .object({ id: z.string(), name: z.string(), role: z.string(), scope: z.string(), token: z.string() })
  .meta({ id: 'ApiToken' });

export const ApiTokenListShape = z
  .object({
    items: z.array(
      z.object({
        id: z.string().meta({ description: 'The part of the token before the dot' }),
        name: z.string(),
        role: z.string(),
        scope: z.string(),
        createdBy: z.string(),
        createdAt: time,
        lastUsedAt: time.nullable().meta({ description: 'To the minute' }),
        revokedAt: time.nullable(),
      }),
    ),
  })
  .meta({ id: 'ApiTokenList' });

// ── plans ───────────────────────────────────────────────────────────────────────────────────────────────────────

export const PlanStoredShape = z
  .object({ name: z.string(), digest: z.string(), createdAt: time, createdBy: z.string(), plan: z.unknown() })
  .meta({ id: 'StoredPlan' });
export const PlanListShape = z.object({ items: z.array(PlanStoredShape) }).meta({ id: 'PlanList' });

export const PreviewWaveShape = z
  .object({
    index: z.int(),
    share: z.string(),
    clusters: z.array(z.object({ name: z.string(), hops: z.array(z.string()), nodes: z.int(), canary: z.boolean() })),
    nodes: z.int(),
    startsAt: time.nullable(),
    endsAt: time.nullable(),
    gates: z.array(z.string()),
    tolerated: z.int(),
  })
  .meta({ id: 'PreviewWave' });

export const FindingPodShape = z
  .object({
    pod: z.string().meta({ description: 'namespace/name' }),
    node: z.string(),
    pdb: z.string().meta({ description: "The budgets that guard it, namespace/name; '' for none" }),
  })
  .meta({ id: 'FindingPod' });

export const FindingShape = z
  .object({
    code: z.string(),
    severity: z.string().meta({ description: 'block, warn or info' }),
    object: z.string(),
    message: z.string(),
    remedy: z.string(),
    owner: z.string(),
    phase: z.literal('after').optional().meta({ description: 'after: found by the validation after an upgrade' }),
    pods: z.array(FindingPodShape).optional().meta({ description: 'The pods that it is about; a bounded number' }),
  })
  .meta({ id: 'Finding' });

export const PREFLIGHT_STATES = ['checked', 'running', 'offline', 'busy', 'failed'] as const;

export const ClusterPreflightShape = z
  .object({
    cluster: z.string(),
    state: z.enum(PREFLIGHT_STATES).meta({ description: 'checked has its findings; running: ask again' }),
    why: z.string().nullable(),
    order: z.string().nullable(),
    findings: z.array(FindingShape),
  })
  .meta({ id: 'ClusterPreflight' });

export const PreviewShape = z
  .object({
    name: z.string(),
    digest: z.string(),
    matched: z.int(),
    taking: z.int(),
    left: z.array(z.object({ cluster: z.string(), reason: ReasonShape })),
    waves: z.array(PreviewWaveShape),
    maxInFlight: z.int(),
    proves: z.array(z.string()).meta({ description: 'What a clean wave proves, in words' }),
    undo: z.array(z.string()).meta({ description: 'What can be taken back, and until when, in words' }),
    warnings: z.array(z.string()),
    preflight: z.array(ClusterPreflightShape).optional().meta({ description: 'Only where it was asked for' }),
  })
  .meta({ id: 'PlanPreview' });

// ── rollouts ────────────────────────────────────────────────────────────────────────────────────────────────────

export const GateShape = z
  .object({ gate: z.string(), answer: z.enum(['pass', 'wait', 'block']), reason: ReasonShape, until: time.nullable() })
  .meta({ id: 'Gate' });

export const WaveShape = z
  .object({
    index: z.int(),
    share: z.string(),
    size: z.int(),
    phase: z.enum(['waiting', 'open', 'soaking', 'passed']),
    since: time,
    waiting: z.int(),
    inFlight: z.int(),
    upgraded: z.int(),
    failures: z.int(),
    skipped: z.int(),
    lost: z.int(),
    tolerated: z.int(),
    allowed: z.int(),
    gates: z.array(GateShape),
  })
  .meta({ id: 'Wave' });

export const RolloutShape = z
  .object({
    id: z.string(),
    name: z.string(),
    planDigest: z.string(),
    target: z.string(),
    state: z.enum(['running', 'paused', 'blocked', 'aborted', 'finished']),
    reason: ReasonShape,
    since: time,
    startedBy: z.string(),
    startedAt: time,
    finishedAt: time.nullable(),
    currentWave: z.int(),
    maxInFlight: z.int(),
    size: z.int(),
    done: z.int(),
    waves: z.array(WaveShape),
    wakeAt: time.nullable(),
    asks: ReasonShape.nullable(),
  })
  .meta({ id: 'Rollout' });
export const RolloutListShape = z.object({ items: z.array(RolloutShape) }).meta({ id: 'RolloutList' });

export const RolloutClusterShape = z
  .object({
    id: z.string(),
    name: z.string(),
    wave: z.int(),
    position: z.int(),
    phase: z.enum(['waiting', 'ordered', 'upgrading', 'lost', 'rollingBack', 'done']),
    reason: ReasonShape,
    since: time,
    attempt: z.int(),
    hop: z.string().meta({ description: '"1.34.4 → 1.35.4 (1 of 1)"' }),
    versions: z.string().meta({ description: 'control plane / nodes, as seen now: "1.35.4 / 1.34.4 ×3"' }),
    connected: z.boolean(),
    progress: z
      .object({ phase: z.string(), reason: ReasonShape, since: time, nodesDone: z.int(), nodesTotal: z.int() })
      .nullable(),
    outcome: OutcomeShape.nullable(),
  })
  .meta({ id: 'RolloutCluster' });
export const RolloutClusterListShape = z
  .object({ items: z.array(RolloutClusterShape), nextCursor: z.string().nullable() })
  .meta({ id: 'RolloutClusterList' });

export const RolloutClusterQuery = z.strictObject({
  wave: z.coerce.number().int().min(1).optional(),
  phase: z.enum(['waiting', 'ordered', 'upgrading', 'lost', 'rollingBack', 'done']).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

export const ResumeRequest = z
  .strictObject({ allow: z.int().min(0).max(10_000).default(0) })
  .meta({ id: 'ResumeRequest' });
export const ApproveRequest = z
  .strictObject({
    wave: z.int().min(1),
    planDigest: z.string().meta({ description: 'What is approved: the plan by its digest' }),
  })
  .meta({ id: 'ApproveRequest' });
export const ClusterRequest = z.strictObject({ cluster: z.string().min(1) }).meta({ id: 'ClusterRequest' });
export const RollbackRequest = z
  .strictObject({
    scope: z.enum(['cluster', 'wave', 'rollout']),
    cluster: z.string().optional(),
    wave: z.int().min(1).optional(),
    approveRungs: z.array(z.int().min(3).max(7)).default([]),
  })
  .refine((request) => request.scope !== 'cluster' || request.cluster !== undefined, {
    message: 'scope "cluster" needs the cluster',
    path: ['cluster'],
  })
  .refine((request) => request.scope !== 'wave' || request.wave !== undefined, {
    message: 'scope "wave" needs the wave',
    path: ['wave'],
  })
  .meta({ id: 'RollbackRequest' });

export const CommandShape = z
  .object({
    rollout: RolloutShape,
    cannot: z.array(z.object({ cluster: z.string(), reason: ReasonShape })),
  })
  .meta({ id: 'CommandAnswer' });

export const ExplainShape = z
  .object({
    rollout: z.string(),
    cluster: z.string(),
    sentence: z.string(),
    phase: z.string(),
    since: time,
    gates: z.array(GateShape),
    next: z.string(),
    agent: z.string().nullable(),
    drains: z.array(DrainShape).meta({ description: 'Nodes under drain right now, pod by pod' }),
    judged: JudgedNowShape.nullable().meta({ description: 'While a phase is judged: its newest samples' }),
  })
  .meta({ id: 'Explanation' });

// ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────

export const EventShape = z
  .object({
    seq: z.int(),
    at: time,
    actor: z.string(),
    action: z.string(),
    object: z.string(),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' });
export const EventListShape = z
  .object({ items: z.array(EventShape), nextCursor: z.string().nullable() })
  .meta({ id: 'EventList' });
export const EventQuery = z.strictObject({
  object: z.string().optional().meta({ description: 'For example rollout/7f3c or cluster/stg-fra-1' }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional(),
});
