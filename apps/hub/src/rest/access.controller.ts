import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { AccessDesk } from '../desks/access-desk.js';
import { Answers, AnswersNothing } from './api-docs.js';
import * as shapes from './shapes.js';

/** Who may come in: agents by join tokens, people and portals by API tokens. Secrets are shown once and kept as hashes. */
@ApiTags('access')
@Controller({ version: '1' })
export class AccessController {
  constructor(@Inject(AccessDesk) private readonly desk: AccessDesk) {}

  @Post('join-tokens')
  @Needs('administer')
  @Scoped()
  @ApiOperation({ operationId: 'createJoinToken', summary: 'A token by which one agent joins once' })
  @Answers(201, shapes.JoinTokenShape, 'The token and the line to run; shown this once')
  createJoinToken(
    @Body({ schema: shapes.JoinTokenRequest }) wanted: z.infer<typeof shapes.JoinTokenRequest>,
    @Req() request: Request,
  ) {
    return this.desk.createJoinToken(wanted, principalOf(request));
  }

  @Post('api-tokens')
  @Needs('administer')
  @ApiOperation({ operationId: 'createApiToken', summary: 'A token for a person or a portal' })
  @Answers(201, shapes.ApiTokenShape, 'The token; shown this once')
  createApiToken(
    @Body({ schema: shapes.ApiTokenRequest }) wanted: z.infer<typeof shapes.ApiTokenRequest>,
    @Req() request: Request,
  ) {
    return this.desk.createApiToken(wanted, principalOf(request).name);
  }

  @Get('tokens')
  @Needs('administer')
  @ApiOperation({ operationId: 'listApiTokens', summary: 'API tokens, oldest first; revoked ones too, never a secret' })
  @Answers(200, shapes.ApiTokenListShape, 'All')
  listApiTokens() {
    return this.desk.listApiTokens();
  }

  @Delete('tokens/:token')
  @HttpCode(204)
  @Needs('administer')
  @ApiOperation({
    operationId: 'revokeApiToken',
    summary: 'Revoke a token by its id; the next request with it is refused',
  })
  @AnswersNothing('Revoked')
  async revokeApiToken(@Param('token') token: string, @Req() request: Request): Promise<void> {
    await this.desk.revokeApiToken(token, principalOf(request).name);
  }
}
