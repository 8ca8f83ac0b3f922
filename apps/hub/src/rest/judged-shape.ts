import { z } from 'zod';

/** A pair [bad, total] per period, oldest first; null: no sample. */
const SeriesShape = z.array(z.array(z.number()).length(2).nullable());

export const JudgedNowShape = z
  .object({
    periodSeconds: z.number(),
    slis: z.array(
      z.object({
        name: z.string(),
        decisive: z.boolean(),
        objective: z.number(),
        before: SeriesShape,
        since: SeriesShape,
      }),
    ),
    gauges: z
      .array(
        z.object({ name: z.string(), before: z.array(z.number().nullable()), since: z.array(z.number().nullable()) }),
      )
      .meta({ description: 'Measured, not counted, and never decisive: the mean of each period; null: no number' }),
  })
  .meta({ id: 'JudgedNow' });
