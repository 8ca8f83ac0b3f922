import { BackupArgsShape, DrainArgsShape, PrefetchArgsShape, REQUEST_KINDS, RestoreArgsShape } from '@wavegate/fleet';
import { z } from 'zod';
import { DrainShape } from './drain-shape.js';
import { FindingShape, OutcomeShape, ReasonShape } from './shapes.js';

/** Orders that a person or a schedule asks for, as the REST API takes and gives them. */
const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });

// ── what is asked ───────────────────────────────────────────────────────────────────────────────────────────────

const drain = DrainArgsShape.shape;
const backup = BackupArgsShape.shape;
const restore = RestoreArgsShape.shape;

const preflightArgs = z.strictObject({});
const drainArgs = z.strictObject({
  node: drain.node,
  nodeUid: drain.nodeUid
    .default('')
    .meta({ description: 'UID of the node that is meant; as the hub knows it if left out' }),
  uncordonAfter: z.boolean().default(false),
});
const backupArgs = z.strictObject({
  what: backup.what,
  namespaces: backup.namespaces.default([]).meta({ description: 'Empty: all. Not for etcd' }),
  selector: backup.selector.default(''),
  ttlMs: backup.ttlMs.default(0).meta({ description: 'How long it is kept; 0 = as its store keeps such things' }),
  name: backup.name.default('').meta({ description: 'Named from the order if left out' }),
  prove: backup.prove.meta({ description: 'latest: a restore drill on the newest stored backup; none is taken' }),
});
const restoreArgs = z.strictObject({
  from: restore.from.meta({ description: 'Name of a Velero backup' }),
  namespaceMapping: restore.namespaceMapping.default({}),
  preview: z.boolean().default(false).meta({ description: 'Only say what would be restored' }),
});

const prefetchArgs = z.strictObject({
  nodes: PrefetchArgsShape.shape.nodes.default([]).meta({ description: 'Empty: every node' }),
});

/** Read by the plan's own reader, whose problems name field, value and what would be right. */
const asInPlan = (field: string) =>
  z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: `As spec.${field} of a plan; what is left out has its default` });

/** The policies of the order, beside its arguments; with `plan` they are the plan's alone. */
const policies = {
  plan: z.string().min(1).optional().meta({ description: 'Digest or name of a stored plan whose policies hold' }),
  drain: asInPlan('drain'),
  backup: asInPlan('backup'),
  topology: z.string().optional().meta({ description: 'standard or singleNode' }),
};

export const OrderRequest = z
  .discriminatedUnion('kind', [
    z.strictObject({
      ...{ kind: z.literal('preflight'), args: preflightArgs.default({}), ...policies },
      target: z.string().optional().meta({ description: 'Version to look ahead to; its own if left out' }),
      via: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({ kind: z.literal('drain'), args: drainArgs, ...policies }),
    z.strictObject({ kind: z.literal('backup'), args: backupArgs, ...policies }),
    z.strictObject({ kind: z.literal('restore'), args: restoreArgs, ...policies }),
    z.strictObject({
      ...{ kind: z.literal('prefetch'), args: prefetchArgs.default({ nodes: [] }), plan: policies.plan },
      upgrade: asInPlan('upgrade'),
      target: z.string().optional().meta({ description: 'Version to go to; the next hop towards it is fetched' }),
      via: z.record(z.string(), z.string()).optional(),
    }),
  ])
  .superRefine((request, context) => {
    if (request.plan === undefined) return;
    const own = ['drain', 'backup', 'topology', 'upgrade', 'target', 'via'].filter((field) =>
      Object.hasOwn(request, field),
    );
    for (const field of own) {
      const message = `the plan says it already: leave out "${field}", or leave out "plan"`;
      context.addIssue({ code: 'custom', path: [field], message });
    }
  })
  .meta({ id: 'OrderRequest' });

// ── what is answered ────────────────────────────────────────────────────────────────────────────────────────────

export const ReceiptShape = z
  .object({
    backup: z.string().meta({ description: 'etcd, velero or manifests' }),
    text: z.string(),
    node: z.string(),
    path: z.string(),
    sha256: z.string(),
    revision: z.number(),
    totalKeys: z.number(),
    sizeBytes: z.number(),
    takenAt: time,
    provenAt: time.meta({ description: 'As takenAt, unless it was proven later: by a drill, or a restore' }),
    verified: z.enum(['restore', 'status']).meta({ description: 'restore: restored apart and compared' }),
    checks: z.array(z.string()).meta({ description: 'What was proven, a sentence each' }),
    encryptedTo: z.array(z.string()),
  })
  .meta({ id: 'Receipt' });

export const OrderShape = z
  .object({
    id: z.string(),
    kind: z.string(),
    cluster: z.string(),
    clusterId: z.string(),
    parent: z.object({ kind: z.string(), id: z.string() }),
    args: z.record(z.string(), z.unknown()).nullable(),
    hop: z.string().meta({ description: '"1.34.4 → 1.35.4"; one version where nothing is to change' }),
    planDigest: z.string(),
    state: z.enum(['open', 'confirmed', 'withdrawing', 'withdrawn', 'refused', 'done']),
    ended: z.boolean(),
    reason: ReasonShape.nullable().meta({ description: 'Why it was refused or taken back' }),
    waits: ReasonShape.nullable().meta({
      description: 'What an order not yet ended waits for, of what its agent cannot tell: an earlier order, the agent',
    }),
    createdAt: time,
    startBy: time,
    deadline: time,
    confirmedAt: time.nullable(),
    endedAt: time.nullable(),
    progress: z
      .object({
        phase: z.string(),
        reason: ReasonShape,
        since: time,
        nodesDone: z.int(),
        nodesTotal: z.int(),
        drains: z.array(DrainShape),
      })
      .nullable(),
    findings: z.array(FindingShape),
    receipts: z.array(ReceiptShape),
    outcome: OutcomeShape.nullable(),
  })
  .meta({ id: 'Order' });
export const OrderListShape = z
  .object({ items: z.array(OrderShape), nextCursor: z.string().nullable() })
  .meta({ id: 'OrderList' });

export const OrderQuery = z.strictObject({
  kind: z.enum(['preflight', 'upgrade', 'rollback', 'backup', 'drain', 'restore', 'prefetch']).optional(),
  active: z.enum(['true', 'false']).optional(),
  requested: z.enum(['true', 'false']).optional().meta({ description: 'true: leave out the orders of rollouts' }),
  rollout: z.string().min(1).optional().meta({ description: 'Only the orders of this rollout, by its whole id' }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().optional(),
});

// ── schedules ───────────────────────────────────────────────────────────────────────────────────────────────────

export const ScheduleRequest = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'lower-case letters, digits and dashes'),
    selector: z.string().default('').meta({ description: 'Label selector of the clusters; empty = all' }),
    rrule: z.string().min(1).meta({ description: 'Days by RFC 5545, without DTSTART: FREQ=WEEKLY;BYDAY=SU' }),
    start: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as "03:00"'),
    timeZone: z.string().min(1).default('UTC'),
    plan: z.string().min(1).optional(),
    kind: z.enum(REQUEST_KINDS),
    args: z.record(z.string(), z.unknown()).default({}).meta({ description: 'As in a request of this kind' }),
  })
  .meta({ id: 'ScheduleRequest' });

export const ScheduleShape = z
  .object({
    id: z.string(),
    name: z.string(),
    selector: z.string(),
    rrule: z.string(),
    start: z.string(),
    timeZone: z.string(),
    kind: z.string(),
    args: z.record(z.string(), z.unknown()),
    createdBy: z.string(),
    createdAt: time,
    nextAt: time.nullable(),
    lastRun: z
      .object({
        dueAt: time,
        orders: z.int(),
        left: z.array(z.object({ cluster: z.string(), why: z.string() })),
      })
      .nullable(),
  })
  .meta({ id: 'Schedule' });
export const ScheduleListShape = z.object({ items: z.array(ScheduleShape) }).meta({ id: 'ScheduleList' });

/** The arguments of a kind as a schedule gives them, read by that kind's own shape. */
export const ARGS_SHAPES = {
  ...{ preflight: preflightArgs, drain: drainArgs, backup: backupArgs, restore: restoreArgs },
  prefetch: prefetchArgs,
};
