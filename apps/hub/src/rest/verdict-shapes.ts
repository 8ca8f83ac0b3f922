import { z } from 'zod';
import { ReasonShape } from './shapes.js';

const Comparison = z.object({
  baselinePeriods: z.number(),
  before: z.number(),
  now: z.number(),
  overdispersion: z.number(),
  evidence: z.number(),
  evidenceNeeded: z.number(),
  atMost: z.number(),
  allowed: z.number(),
  peers: z.number(),
  week: z
    .object({ weeks: z.number(), rise: z.number() })
    .optional()
    .describe('Same hour of earlier weeks: how many, and how much the bad share usually rises then'),
});

export const SliEvidenceShape = z
  .object({
    name: z.string(),
    decisive: z.boolean(),
    state: z.string(),
    periods: z.number(),
    bad: z.number(),
    total: z.number(),
    missing: z.number(),
    consumed: z.number(),
    burn: z.number(),
    comparison: Comparison.nullable(),
    queries: z.object({ bad: z.string(), total: z.string() }).nullable(),
    causes: z.record(z.string(), z.number()),
  })
  .meta({ id: 'SliEvidence' });

export const GaugeEvidenceShape = z
  .object({
    name: z.string(),
    before: z.number(),
    now: z.number(),
    p: z.number(),
    effect: z.number(),
    state: z.string(),
    query: z.string().nullable(),
  })
  .meta({ id: 'GaugeEvidence' });

export const ClusterVerdictShape = z
  .object({
    cluster: z.string(),
    clusterId: z.string(),
    wave: z.int(),
    order: z.string(),
    orderKind: z.string(),
    attempt: z.int(),
    phase: z.string(),
    kind: z.string(),
    period: z.int().nullable(),
    reasons: z.array(ReasonShape),
    slis: z.array(SliEvidenceShape),
    gauges: z.array(GaugeEvidenceShape),
    evidence: z.string().nullable().meta({ description: 'Where its samples are, for `wavegate verdict recompute`' }),
    pictures: z.array(z.string()).meta({ description: 'Where an SVG picture of each objective is' }),
  })
  .meta({ id: 'ClusterVerdict' });

/** The file that `wavegate verdict recompute` reads; its inside is the judge's business, not this interface's. */
export const EvidenceShape = z
  .object({
    schema: z.int(),
    kind: z.literal('VerdictEvidence'),
    samplesHash: z.string(),
    input: z.record(z.string(), z.unknown()),
    verdict: z.record(z.string(), z.unknown()),
    incomplete: z
      .string()
      .optional()
      .describe('What the judge was given and was not kept: the verdict cannot be judged again from this'),
  })
  .meta({ id: 'VerdictEvidence' });

export const WaveVerdictShape = z
  .object({
    wave: z.int(),
    verdict: z.string().nullable(),
    overriddenBy: z.string().nullable(),
    reasons: z.array(ReasonShape),
  })
  .meta({ id: 'WaveVerdict' });

export const VerdictListShape = z
  .object({ rollout: z.string(), waves: z.array(WaveVerdictShape), items: z.array(ClusterVerdictShape) })
  .meta({ id: 'VerdictList' });
