import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { ClusterDesk } from '../desks/cluster-desk.js';
import { Answers, AnswersNothing } from './api-docs.js';
import * as shapes from './shapes.js';

/** The fleet's inventory. Labels belong to the hub; facts are what agents report. */
@ApiTags('clusters')
@Scoped()
@Controller({ path: 'clusters', version: '1' })
export class ClustersController {
  constructor(@Inject(ClusterDesk) private readonly desk: ClusterDesk) {}

  @Get()
  @Needs('read')
  @ApiOperation({ operationId: 'listClusters', summary: 'Clusters, by name' })
  @ApiQuery({ name: 'labelSelector', required: false, type: String })
  @ApiQuery({ name: 'connected', required: false, enum: ['true', 'false'] })
  @ApiQuery({ name: 'version', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiQuery({ name: 'cursor', required: false, type: String })
  @Answers(200, shapes.ClusterListShape, 'One page')
  list(@Query({ schema: shapes.ClusterQuery }) query: z.infer<typeof shapes.ClusterQuery>, @Req() request: Request) {
    return this.desk.list(query, principalOf(request).scope);
  }

  @Get(':cluster')
  @Needs('read')
  @ApiOperation({ operationId: 'getCluster', summary: 'One cluster, by id or name' })
  @Answers(200, shapes.ClusterShape, 'The cluster')
  get(@Param('cluster') cluster: string, @Req() request: Request) {
    return this.desk.get(cluster, principalOf(request).scope);
  }

  @Patch(':cluster/labels')
  @Needs('administer')
  @ApiOperation({ operationId: 'changeLabels', summary: 'Set or remove labels' })
  @Answers(200, shapes.ClusterShape, 'The cluster afterwards')
  changeLabels(
    @Param('cluster') cluster: string,
    @Body({ schema: shapes.LabelsChange }) change: z.infer<typeof shapes.LabelsChange>,
    @Req() request: Request,
  ) {
    return this.desk.changeLabels(cluster, change.labels, principalOf(request));
  }

  @Post(':cluster/approve')
  @HttpCode(200)
  @Needs('administer')
  @ApiOperation({ operationId: 'approveCluster', summary: 'Let a joined cluster take orders' })
  @Answers(200, shapes.ClusterShape, 'The cluster afterwards')
  approve(@Param('cluster') cluster: string, @Req() request: Request) {
    return this.desk.approve(cluster, principalOf(request));
  }

  @Post(':cluster/revoke')
  @HttpCode(200)
  @Needs('administer')
  @ApiOperation({ operationId: 'revokeCluster', summary: "Revoke the agent's certificates and end its stream" })
  @Answers(200, shapes.ClusterShape, 'The cluster afterwards')
  revoke(@Param('cluster') cluster: string, @Req() request: Request) {
    return this.desk.revoke(cluster, principalOf(request));
  }

  @Delete(':cluster')
  @HttpCode(204)
  @Needs('administer')
  @ApiOperation({ operationId: 'removeCluster', summary: 'Forget a cluster that is in no unfinished rollout' })
  @AnswersNothing('Forgotten')
  async remove(@Param('cluster') cluster: string, @Req() request: Request): Promise<void> {
    await this.desk.remove(cluster, principalOf(request));
  }
}
