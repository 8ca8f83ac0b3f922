import { z } from 'zod';
import { RolloutShape } from './shapes.js';

export const RolloutRequest = z
  .strictObject({
    plan: z.string().min(1).meta({ description: 'Digest, or name of the newest plan so called' }),
    objectives: z.enum(['checked', 'unchecked']).default('checked').meta({
      description: 'unchecked: start without asking agents whether they can measure the objectives (audited)',
    }),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .optional()
      .meta({ description: 'Why they are unchecked; only with that' }),
  })
  .superRefine(({ objectives, reason }, context) => {
    if ((objectives === 'unchecked') === (reason !== undefined)) return;
    const message =
      reason === undefined
        ? 'is missing: say why the objectives are to be unchecked'
        : 'says why objectives are unchecked: send it with objectives: unchecked, or leave it out';
    context.addIssue({ code: 'custom', path: ['reason'], message });
  })
  .meta({ id: 'RolloutRequest' });

/** What a start found out about the plan's objectives. */
export const StartedObjectivesShape = z
  .object({
    state: z
      .enum(['none', 'checked', 'unchecked'])
      .meta({ description: 'none: the plan measures nothing; unchecked: a person said that nobody is to be asked' }),
    checked: z.int().meta({ description: 'Clusters whose agent said that every objective can be measured' }),
    notChecked: z
      .array(z.object({ cluster: z.string(), why: z.string() }))
      .meta({ description: "Their own order's preflight asks them, before anything is touched" }),
    beyondSample: z.int().meta({ description: 'Clusters of a large fleet that were not among those asked' }),
    reason: z.string().nullable().meta({ description: 'Why they were not to be asked' }),
  })
  .meta({ id: 'StartedObjectives' });
export const RolloutStartedShape = z
  .object({ ...RolloutShape.shape, objectives: StartedObjectivesShape })
  .meta({ id: 'RolloutStarted' });
