import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiProduces, ApiQuery, ApiTags } from '@nestjs/swagger';
import { planJsonSchema } from '@wavegate/fleet';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { drainPreviewCsv } from '../desks/drain-preview.js';
import { PlanDesk } from '../desks/plan-desk.js';
import { Answers } from './api-docs.js';
import * as planShapes from './plan-shapes.js';
import * as shapes from './shapes.js';

/** Taken as it comes and judged by the plan's own reader, whose problems name field, value and what would be right. */
const PLAN_BODY = 'An UpgradePlan (its JSON Schema: /api/v1/plans/schema); YAML with Content-Type application/yaml';
const Validated = z.object({ valid: z.literal(true), name: z.string(), digest: z.string() });

/**
 * Plans are immutable: a digest of the canonical bytes names one. They are the organisation's: everybody reads them; which
 * clusters they would take is told within the token's scope.
 */
@ApiTags('plans')
@Scoped()
@Controller({ path: 'plans', version: '1' })
export class PlansController {
  constructor(@Inject(PlanDesk) private readonly desk: PlanDesk) {}

  @Get()
  @Needs('read')
  @ApiOperation({ operationId: 'listPlans', summary: 'Stored plans, newest first' })
  @Answers(200, shapes.PlanListShape, 'Up to 100')
  list() {
    return this.desk.list();
  }

  @Get('schema')
  @Needs('nothing')
  @ApiOperation({ operationId: 'planSchema', summary: 'JSON Schema of a plan, for editors' })
  schema(): unknown {
    return planJsonSchema();
  }

  @Post('validate')
  @HttpCode(200)
  @Needs('read')
  @ApiOperation({
    operationId: 'validatePlan',
    summary: 'Check a plan against its schema and the fleet; stores nothing',
  })
  @ApiBody({ description: PLAN_BODY, schema: { type: 'object' } })
  @Answers(200, Validated, 'The plan is valid')
  validate(@Body() body: unknown, @Req() request: Request) {
    return this.desk.validate(body, principalOf(request).scope);
  }

  @Post('preview')
  @HttpCode(200)
  @Needs('read')
  @ApiOperation({
    operationId: 'previewPlan',
    summary: 'What the plan would do to the fleet as it is now; changes nothing',
  })
  @ApiBody({ description: PLAN_BODY, schema: { type: 'object' } })
  @ApiQuery({ name: 'preflight', required: false, enum: ['true', 'false'] })
  @Answers(200, shapes.PreviewShape, 'Waves, order, hops, gates, what can be undone, what a clean wave proves')
  preview(
    @Body() body: unknown,
    @Query({ schema: planShapes.PreviewQuery }) { preflight }: z.infer<typeof planShapes.PreviewQuery>,
    @Req() request: Request,
  ) {
    const who = principalOf(request);
    return preflight === 'true' ? this.desk.previewWithPreflight(body, who) : this.desk.preview(body, who.scope);
  }

  @Post('drain-preview')
  @HttpCode(200)
  @Needs('read')
  @ApiOperation({
    operationId: 'previewDrains',
    summary: 'Which workloads would block the drains of a plan, by owner; runs the preflight, changes nothing',
  })
  @ApiBody({ description: PLAN_BODY, schema: { type: 'object' } })
  @ApiProduces('application/json', 'text/csv')
  @Answers(200, planShapes.DrainPreviewShape, 'By owner; as CSV with Accept: text/csv')
  async drainPreview(
    @Body() body: unknown,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<unknown> {
    const preview = await this.desk.drainPreview(body, principalOf(request));
    if (request.accepts(['application/json', 'text/csv']) !== 'text/csv') return preview;
    response.type('text/csv; charset=utf-8');
    return drainPreviewCsv(preview);
  }

  @Post()
  @Needs('plan')
  @ApiOperation({ operationId: 'createPlan', summary: 'Store a plan' })
  @ApiBody({ description: PLAN_BODY, schema: { type: 'object' } })
  @Answers(201, shapes.PlanStoredShape, 'The stored plan with its defaults written out')
  create(@Body() body: unknown, @Req() request: Request) {
    return this.desk.create(body, principalOf(request));
  }

  @Get(':plan')
  @Needs('read')
  @ApiOperation({ operationId: 'getPlan', summary: 'One plan, by digest or by name (the newest so called)' })
  @Answers(200, shapes.PlanStoredShape, 'The plan')
  get(@Param('plan') plan: string) {
    return this.desk.get(plan);
  }
}
