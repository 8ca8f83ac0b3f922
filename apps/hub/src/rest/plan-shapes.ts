import { z } from 'zod';
import { FindingPodShape, PREFLIGHT_STATES } from './shapes.js';

const preflightState = z.enum(PREFLIGHT_STATES);

export const PreviewQuery = z.strictObject({
  preflight: z
    .enum(['true', 'false'])
    .default('false')
    .meta({ description: 'true: also run the preflight on every connected cluster of the plan; it only looks' }),
});

export const DrainPreviewShape = z
  .object({
    plan: z.string(),
    digest: z.string(),
    checked: z.int().meta({ description: 'Clusters that were looked at' }),
    clusters: z.array(z.object({ cluster: z.string(), state: preflightState, why: z.string().nullable() })),
    owners: z.array(
      z.object({
        owner: z.string().meta({ description: "'' where no label tells" }),
        block: z.int(),
        warn: z.int(),
        clusters: z.array(z.string()),
        findings: z.array(
          z.object({
            cluster: z.string(),
            code: z.string(),
            severity: z.string(),
            object: z.string(),
            message: z.string(),
            remedy: z.string(),
            pods: z.array(FindingPodShape).meta({ description: 'Empty where it is about no pod' }),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'DrainPreview' });
