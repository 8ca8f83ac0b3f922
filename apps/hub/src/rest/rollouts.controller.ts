import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { RolloutDesk } from '../desks/rollout-desk.js';
import { Answers } from './api-docs.js';
import { RolloutRequest, RolloutStartedShape } from './rollout-start-shapes.js';
import * as shapes from './shapes.js';
import { VerdictListShape } from './verdict-shapes.js';

const ExplainQuery = z.strictObject({ cluster: z.string().min(1) });
const VerdictQuery = z.strictObject({ cluster: z.string().min(1).optional() });

/** Executions of plans, and everything a person can say to one. Commands are durable before they are answered. */
@ApiTags('rollouts')
@Scoped()
@Controller({ path: 'rollouts', version: '1' })
export class RolloutsController {
  constructor(@Inject(RolloutDesk) private readonly desk: RolloutDesk) {}

  @Post()
  @Needs('operate')
  @ApiOperation({
    operationId: 'startRollout',
    summary:
      'Start a stored plan over the fleet as it is now; agents are asked first whether they can measure its objectives',
  })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key again: the same rollout' })
  @Answers(201, RolloutStartedShape, 'The rollout; its list of clusters is frozen from here on')
  start(
    @Body({ schema: RolloutRequest }) wanted: z.infer<typeof RolloutRequest>,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: Request,
  ) {
    return this.desk.start(wanted, principalOf(request), key || null);
  }

  @Get()
  @Needs('read')
  @ApiOperation({ operationId: 'listRollouts', summary: 'Rollouts, newest first' })
  @Answers(200, shapes.RolloutListShape, 'Up to 100')
  list(@Req() request: Request) {
    return this.desk.list(principalOf(request).scope);
  }

  @Get(':rollout')
  @Needs('read')
  @ApiOperation({ operationId: 'getRollout', summary: 'One rollout, by id or a unique beginning of it, or "latest"' })
  @Answers(200, shapes.RolloutShape, 'State, waves and gates')
  get(@Param('rollout') rollout: string, @Req() request: Request) {
    return this.desk.get(rollout, principalOf(request).scope);
  }

  @Get(':rollout/clusters')
  @Needs('read')
  @ApiOperation({ operationId: 'listRolloutClusters', summary: 'Its clusters in order' })
  @ApiQuery({ name: 'wave', required: false, type: Number })
  @ApiQuery({ name: 'phase', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiQuery({ name: 'cursor', required: false, type: String })
  @Answers(200, shapes.RolloutClusterListShape, 'One page')
  clusters(
    @Param('rollout') rollout: string,
    @Query({ schema: shapes.RolloutClusterQuery }) query: z.infer<typeof shapes.RolloutClusterQuery>,
    @Req() request: Request,
  ) {
    return this.desk.clusters(rollout, query, principalOf(request).scope);
  }

  @Get(':rollout/explain')
  @Needs('read')
  @ApiOperation({ operationId: 'explain', summary: 'Why a cluster stands where it stands, and what happens next' })
  @ApiQuery({ name: 'cluster', required: true, type: String })
  @Answers(200, shapes.ExplainShape, 'The answer')
  explain(
    @Param('rollout') rollout: string,
    @Query({ schema: ExplainQuery }) query: z.infer<typeof ExplainQuery>,
    @Req() request: Request,
  ) {
    return this.desk.explain(rollout, query.cluster, principalOf(request).scope);
  }

  @Get(':rollout/verdicts')
  @Needs('read')
  @ApiOperation({ operationId: 'listVerdicts', summary: 'Verdicts per cluster and phase, each with its evidence' })
  @ApiQuery({ name: 'cluster', required: false, type: String })
  @Answers(200, VerdictListShape, 'Oldest first')
  verdicts(
    @Param('rollout') rollout: string,
    @Query({ schema: VerdictQuery }) query: z.infer<typeof VerdictQuery>,
    @Req() request: Request,
  ) {
    return this.desk.verdicts(rollout, query.cluster ?? null, principalOf(request).scope);
  }

  @Post(':rollout/pause')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({ operationId: 'pauseRollout', summary: 'No new starts; what runs, runs on' })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  pause(@Param('rollout') rollout: string, @Req() request: Request) {
    const { name: by, scope } = principalOf(request);
    return this.desk.command(rollout, { kind: 'paused', by }, scope);
  }

  @Post(':rollout/resume')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({
    operationId: 'resumeRollout',
    summary: 'Go on; `allow` tolerates that many more failures in this wave (audited)',
  })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  resume(
    @Param('rollout') rollout: string,
    @Body({ schema: shapes.ResumeRequest }) body: z.infer<typeof shapes.ResumeRequest>,
    @Req() request: Request,
  ) {
    const { name: by, scope } = principalOf(request);
    return this.desk.command(rollout, { kind: 'resumed', by, allow: body.allow }, scope);
  }

  @Post(':rollout/abort')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({
    operationId: 'abortRollout',
    summary: 'No new start, ever; running clusters stop at their next safe point',
  })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  abort(@Param('rollout') rollout: string, @Req() request: Request) {
    const { name: by, scope } = principalOf(request);
    return this.desk.command(rollout, { kind: 'aborted', by }, scope);
  }

  @Post(':rollout/approve')
  @HttpCode(200)
  @Needs('approve')
  @ApiOperation({ operationId: 'approveWave', summary: 'Approve a wave of this very plan' })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  approve(
    @Param('rollout') rollout: string,
    @Body({ schema: shapes.ApproveRequest }) body: z.infer<typeof shapes.ApproveRequest>,
    @Req() request: Request,
  ) {
    const { name: by, scope } = principalOf(request);
    const { wave, planDigest } = body;
    return this.desk.command(rollout, { kind: 'approved', by, wave, planDigest }, scope);
  }

  @Post(':rollout/retry')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({ operationId: 'retryCluster', summary: 'A new attempt with the same inputs' })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  retry(
    @Param('rollout') rollout: string,
    @Body({ schema: shapes.ClusterRequest }) body: z.infer<typeof shapes.ClusterRequest>,
    @Req() request: Request,
  ) {
    return this.desk.commandOnCluster(rollout, body.cluster, 'retried', principalOf(request));
  }

  @Post(':rollout/skip')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({ operationId: 'skipCluster', summary: 'Leave out a cluster that has not started' })
  @Answers(200, shapes.CommandShape, 'Afterwards')
  skip(
    @Param('rollout') rollout: string,
    @Body({ schema: shapes.ClusterRequest }) body: z.infer<typeof shapes.ClusterRequest>,
    @Req() request: Request,
  ) {
    return this.desk.commandOnCluster(rollout, body.cluster, 'skipped', principalOf(request));
  }

  @Post(':rollout/rollback')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({
    operationId: 'rollBack',
    summary: 'One rollback order per cluster, each with its rung, or cannot(reason)',
  })
  @Answers(200, shapes.CommandShape, 'Afterwards, with the clusters that no rung can bring back')
  rollBack(
    @Param('rollout') rollout: string,
    @Body({ schema: shapes.RollbackRequest }) body: z.infer<typeof shapes.RollbackRequest>,
    @Req() request: Request,
  ) {
    return this.desk.rollBack(rollout, body, principalOf(request));
  }
}
