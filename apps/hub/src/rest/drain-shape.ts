import { z } from 'zod';

/** A node under drain, as orders and `explain` show it: counts of all pods, names of those that are waited for. */
export const DrainShape = z
  .object({
    node: z.string(),
    counts: z.object({
      kept: z.int(),
      queued: z.int(),
      evicting: z.int(),
      blocked: z.int(),
      terminating: z.int(),
      gone: z.int(),
    }),
    waits: z.array(
      z.object({
        pod: z.string(),
        state: z.string(),
        pdb: z.string(),
        detail: z.string(),
        owner: z.string(),
        since: z.iso.datetime().meta({ description: 'ISO 8601, UTC' }),
      }),
    ),
  })
  .meta({ id: 'DrainProgress' });
