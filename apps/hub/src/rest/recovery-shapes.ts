import { z } from 'zod';
import { ReasonShape } from './shapes.js';

/** Ways back that persons run (rungs 5 and 6), as the REST API takes and gives them. */
const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });

export const RecoveryRequest = z
  .discriminatedUnion('rung', [
    z.strictObject({
      rung: z.literal(5),
      node: z.string().min(1).max(253).meta({ description: 'The node that is replaced' }),
    }),
    z.strictObject({
      rung: z.literal(6),
      order: z.string().min(1).optional().meta({
        description: 'The upgrade order that staged the restore; the newest that did if left out',
      }),
    }),
  ])
  .meta({ id: 'RecoveryRequest' });

export const RecoveryShape = z
  .object({
    id: z.string(),
    cluster: z.string(),
    rung: z.int(),
    state: z.enum(['asked', 'expired', 'approved', 'verified']),
    node: z.string().meta({ description: 'Rung 5: the node that is replaced' }),
    order: z.string().meta({ description: 'Rung 6: the order that staged the restore' }),
    version: z.string().meta({ description: 'What stands afterwards' }),
    loses: z.string(),
    askedBy: z.string(),
    askedAt: time,
    approveUntil: time,
    approvalsNeeded: z.int(),
    approvals: z.array(z.object({ by: z.string(), at: time })),
    epoch: z
      .int()
      .nullable()
      .meta({ description: 'The agent takes only orders newer than this; null before the approval' }),
    takenAt: time.nullable().meta({ description: 'Rung 6: nothing written before this is lost' }),
    stages: z
      .array(z.object({ title: z.string(), on: z.array(z.string()), lines: z.array(z.string()), until: z.string() }))
      .meta({ description: 'Who runs what, in this order; empty until it is approved' }),
    lost: z
      .array(z.object({ order: z.string(), kind: z.string(), state: z.string(), at: time, text: z.string() }))
      .meta({ description: 'Rung 6: orders since takenAt, whose effects the cluster no longer has' }),
    verification: z
      .object({
        order: z.string(),
        ended: z.boolean(),
        good: z.boolean(),
        reason: ReasonShape.nullable(),
        checks: z.array(z.object({ good: z.boolean(), text: z.string() })),
      })
      .nullable(),
  })
  .meta({ id: 'Recovery' });
export const RecoveryListShape = z.object({ items: z.array(RecoveryShape) }).meta({ id: 'RecoveryList' });
