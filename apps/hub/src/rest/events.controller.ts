import { Controller, Get, Headers, Inject, Query, Req, Sse, type MessageEvent } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiProduces, ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { Observable } from 'rxjs';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { Scoped } from '../auth/scope.js';
import { principalOf } from '../auth/token.guard.js';
import { EventDesk } from '../desks/event-desk.js';
import { Answers } from './api-docs.js';
import * as shapes from './shapes.js';

/** The audit as a feed: every change and every decision of consequence, gap-free. */
@ApiTags('events')
@Controller({ path: 'events', version: '1' })
export class EventsController {
  constructor(@Inject(EventDesk) private readonly desk: EventDesk) {}

  @Get()
  @Needs('read')
  @Scoped()
  @ApiOperation({ operationId: 'listEvents', summary: 'Events in order' })
  @ApiQuery({ name: 'object', required: false, type: String })
  @ApiQuery({ name: 'limit', required: false, type: Number })
  @ApiQuery({ name: 'cursor', required: false, type: String })
  @Answers(200, shapes.EventListShape, 'One page')
  list(@Query({ schema: shapes.EventQuery }) query: z.infer<typeof shapes.EventQuery>, @Req() request: Request) {
    return this.desk.list(query, principalOf(request).scope);
  }

  @Sse('stream')
  @Needs('read')
  @ApiOperation({ operationId: 'streamEvents', summary: 'Server-sent events; resumes after Last-Event-ID' })
  @ApiProduces('text/event-stream')
  @ApiBearerAuth()
  @ApiQuery({ name: 'object', required: false, type: String })
  stream(@Headers('last-event-id') last?: string, @Query('object') object?: string): Observable<MessageEvent> {
    return this.desk.stream(object, last === undefined ? null : Number(last));
  }
}
