import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { OrderDesk } from '../desks/order-desk.js';
import { Answers } from './api-docs.js';
import * as shapes from './order-shapes.js';

type Query_ = z.infer<typeof shapes.OrderQuery>;

/** What agents were asked to do: by rollouts, by schedules, and by people, who ask here. */
@ApiTags('orders')
@Scoped()
@Controller({ version: '1' })
export class OrdersController {
  constructor(@Inject(OrderDesk) private readonly desk: OrderDesk) {}

  @Post('clusters/:cluster/orders')
  @Needs('operate')
  @ApiOperation({ operationId: 'requestOrder', summary: 'Preflight, prefetch, drain, backup or restore one cluster' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key again: the same order' })
  @Answers(201, shapes.OrderShape, 'The order; its agent is offered it at once')
  request(
    @Param('cluster') cluster: string,
    @Body({ schema: shapes.OrderRequest }) wanted: z.infer<typeof shapes.OrderRequest>,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: Request,
  ) {
    return this.desk.request(cluster, wanted, principalOf(request), key || null);
  }

  @Get('clusters/:cluster/orders')
  @Needs('read')
  @ApiOperation({ operationId: 'listClusterOrders', summary: 'Orders of one cluster, newest first' })
  @ApiQuery({ name: 'kind', required: false, type: String })
  @ApiQuery({ name: 'active', required: false, enum: ['true', 'false'] })
  @ApiQuery({ name: 'requested', required: false, enum: ['true', 'false'] })
  @ApiQuery({ name: 'rollout', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiQuery({ name: 'cursor', required: false, type: String })
  @Answers(200, shapes.OrderListShape, 'One page')
  ofCluster(
    @Param('cluster') cluster: string,
    @Query({ schema: shapes.OrderQuery }) query: Query_,
    @Req() request: Request,
  ) {
    return this.desk.ofCluster(cluster, query, principalOf(request));
  }

  @Get('orders')
  @Needs('read')
  @ApiOperation({ operationId: 'listOrders', summary: 'Orders of the fleet, newest first' })
  @ApiQuery({ name: 'kind', required: false, type: String })
  @ApiQuery({ name: 'active', required: false, enum: ['true', 'false'] })
  @ApiQuery({ name: 'requested', required: false, enum: ['true', 'false'] })
  @ApiQuery({ name: 'rollout', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiQuery({ name: 'cursor', required: false, type: String })
  @Answers(200, shapes.OrderListShape, 'One page')
  list(@Query({ schema: shapes.OrderQuery }) query: Query_, @Req() request: Request) {
    return this.desk.list(query, principalOf(request));
  }

  @Get('orders/:order')
  @Needs('read')
  @ApiOperation({ operationId: 'getOrder', summary: 'One order, by id or a unique beginning of it' })
  @Answers(200, shapes.OrderShape, 'State, progress, findings, receipts and outcome')
  get(@Param('order') order: string, @Req() request: Request) {
    return this.desk.get(order, principalOf(request));
  }

  @Post('orders/:order/withdraw')
  @HttpCode(200)
  @Needs('operate')
  @ApiOperation({
    operationId: 'withdrawOrder',
    summary: 'Take back a request; one that runs stops at its next safe point',
  })
  @Answers(200, shapes.OrderShape, 'Afterwards')
  withdraw(@Param('order') order: string, @Req() request: Request) {
    return this.desk.withdraw(order, principalOf(request));
  }
}
