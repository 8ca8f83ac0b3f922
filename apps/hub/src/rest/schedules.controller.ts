import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import type { z } from 'zod';
import { Needs } from '../auth/roles.js';
import { principalOf } from '../auth/token.guard.js';
import { ScheduleDesk } from '../desks/schedule-desk.js';
import { Answers, AnswersNothing } from './api-docs.js';
import * as shapes from './order-shapes.js';

/** Schedules make orders by themselves, for the clusters that their selector then finds. Of the whole fleet: not scoped. */
@ApiTags('schedules')
@Controller({ path: 'schedules', version: '1' })
export class SchedulesController {
  constructor(@Inject(ScheduleDesk) private readonly desk: ScheduleDesk) {}

  @Post()
  @Needs('operate')
  @ApiOperation({ operationId: 'createSchedule', summary: 'Preflights, backups or restores that come again' })
  @Answers(201, shapes.ScheduleShape, 'The schedule and its next run')
  create(
    @Body({ schema: shapes.ScheduleRequest }) wanted: z.infer<typeof shapes.ScheduleRequest>,
    @Req() request: Request,
  ) {
    return this.desk.create(wanted, principalOf(request));
  }

  @Get()
  @Needs('read')
  @ApiOperation({ operationId: 'listSchedules', summary: 'Schedules, by name' })
  @Answers(200, shapes.ScheduleListShape, 'All of them, with their last and next run')
  list() {
    return this.desk.list();
  }

  @Get(':schedule')
  @Needs('read')
  @ApiOperation({ operationId: 'getSchedule', summary: 'One schedule, by id or name' })
  @Answers(200, shapes.ScheduleShape, 'The schedule')
  get(@Param('schedule') schedule: string) {
    return this.desk.get(schedule);
  }

  @Delete(':schedule')
  @HttpCode(204)
  @Needs('operate')
  @ApiOperation({ operationId: 'deleteSchedule', summary: 'No further runs; what runs, runs on' })
  @AnswersNothing('Deleted')
  async remove(@Param('schedule') schedule: string, @Req() request: Request): Promise<void> {
    await this.desk.remove(schedule, principalOf(request));
  }
}
