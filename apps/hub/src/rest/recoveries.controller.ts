import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { RecoveryDesk } from '../desks/recovery-desk.js';
import { Answers } from './api-docs.js';
import * as shapes from './recovery-shapes.js';

/** Rungs that persons run: a node replaced, etcd restored. */
@ApiTags('recoveries')
@Scoped()
@Controller({ version: '1' })
export class RecoveriesController {
  constructor(@Inject(RecoveryDesk) private readonly desk: RecoveryDesk) {}

  @Post('clusters/:cluster/recoveries')
  @Needs('operate')
  @ApiOperation({
    operationId: 'askRecovery',
    summary: 'Ask for rung 5 or 6; nothing is changed, it waits for approvals',
  })
  @Answers(201, shapes.RecoveryShape, 'What it loses, and who must approve')
  ask(
    @Param('cluster') cluster: string,
    @Body({ schema: shapes.RecoveryRequest }) wanted: z.infer<typeof shapes.RecoveryRequest>,
    @Req() request: Request,
  ) {
    return this.desk.ask(cluster, wanted, principalOf(request));
  }

  @Get('recoveries')
  @Needs('read')
  @ApiOperation({ operationId: 'listRecoveries', summary: 'Recoveries, newest first' })
  @Answers(200, shapes.RecoveryListShape, 'The newest hundred')
  list(@Req() request: Request) {
    return this.desk.list(principalOf(request));
  }

  @Get('recoveries/:recovery')
  @Needs('read')
  @ApiOperation({ operationId: 'getRecovery', summary: 'One recovery, by id or a unique beginning of it' })
  @Answers(200, shapes.RecoveryShape, 'Who runs what, what is lost, what the agent saw afterwards')
  get(@Param('recovery') recovery: string, @Req() request: Request) {
    return this.desk.get(recovery, principalOf(request));
  }

  @Post('recoveries/:recovery/approve')
  @HttpCode(200)
  @Needs('approve')
  @ApiOperation({ operationId: 'approveRecovery', summary: 'One of the approvals; rung 6 needs two different persons' })
  @Answers(200, shapes.RecoveryShape, 'With the last approval: who runs what')
  approve(@Param('recovery') recovery: string, @Req() request: Request) {
    return this.desk.approve(recovery, principalOf(request));
  }

  @Post('recoveries/:recovery/verify')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({ operationId: 'verifyRecovery', summary: 'Let the agent look, after persons have run it' })
  @Answers(200, shapes.RecoveryShape, 'With the order that looks')
  verify(@Param('recovery') recovery: string, @Req() request: Request) {
    return this.desk.verify(recovery, principalOf(request));
  }
}
