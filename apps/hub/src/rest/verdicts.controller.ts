import { Controller, Get, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiParam, ApiProduces, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { isReason, readPlanText } from '@wavegate/fleet';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { RolloutDesk } from '../desks/rollout-desk.js';
import { Answers } from './api-docs.js';
import { notFound } from './problem.js';
import { ProblemShape } from './shapes.js';
import { toEvidence, toPicture } from './verdict-evidence.js';
import { EvidenceShape } from './verdict-shapes.js';

const PhaseQuery = z.strictObject({ phase: z.string().min(1).optional() });
type PhaseQuery = z.infer<typeof PhaseQuery>;

/** What a verdict rests on: to be judged again, and to be looked at. */
@ApiTags('rollouts')
@Scoped()
@Controller({ path: 'rollouts/:rollout/verdicts/:cluster', version: '1' })
export class VerdictsController {
  constructor(@Inject(RolloutDesk) private readonly desk: RolloutDesk) {}

  @Get('evidence')
  @Needs('read')
  @ApiOperation({
    operationId: 'getVerdictEvidence',
    summary: 'All that a cluster’s newest verdict rests on, as `wavegate verdict recompute` reads it',
  })
  @ApiQuery({ name: 'phase', required: false, type: String })
  @Answers(200, EvidenceShape, 'Samples, policy, gates, verdict')
  async evidence(
    @Param('rollout') rollout: string,
    @Param('cluster') cluster: string,
    @Query({ schema: PhaseQuery }) { phase }: PhaseQuery,
    @Req() request: Request,
  ) {
    const { kept, plan: text } = await this.desk.judgement(rollout, cluster, phase ?? null, principalOf(request).scope);
    const plan = readPlanText(text);
    const evidence = isReason(plan) ? null : toEvidence(kept, plan);
    if (!evidence) throw notFound(`verdict of ${cluster} with its samples`, kept.phase);
    return evidence;
  }

  @Get(':picture')
  @Needs('read')
  @ApiOperation({
    operationId: 'getVerdictPicture',
    summary: 'One objective of a judged phase as a picture: baseline, samples, the change, the verdict (NAME.svg)',
  })
  @ApiQuery({ name: 'phase', required: false, type: String })
  @ApiParam({ name: 'rollout', type: String })
  @ApiParam({ name: 'cluster', type: String })
  @ApiParam({ name: 'picture', type: String, description: 'The objective, with .svg behind it' })
  @ApiProduces('image/svg+xml')
  @ApiBearerAuth()
  @ApiResponse({ status: 200, description: 'An SVG', content: { 'image/svg+xml': { schema: { type: 'string' } } } })
  @ApiResponse({ status: 'default', description: 'RFC 9457 problem', standardSchema: ProblemShape })
  async picture(
    @Param() { rollout, cluster, picture }: { rollout: string; cluster: string; picture: string },
    @Query({ schema: PhaseQuery }) { phase }: PhaseQuery,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const found = await this.desk.judgement(rollout, cluster, phase ?? null, principalOf(request).scope);
    const name = /^(.+)\.svg$/.exec(picture)?.[1];
    const svg = name === undefined ? null : toPicture(found.kept, found.cluster, name);
    if (svg === null)
      throw notFound(`picture of ${found.kept.phase}; there are ${namesOf(found.kept.samples)}`, picture);
    // Text of a cluster is in it: nothing in it may ever run.
    response.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
    response.type('image/svg+xml').send(svg);
  }
}

function namesOf({ slis }: { readonly slis: readonly { readonly name: string }[] }): string {
  return slis.map(({ name }) => `${name}.svg`).join(', ') || 'none';
}
