import { Controller, Get, Inject, Res, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { Needs } from '../auth/roles.js';
import { Readiness } from '../process/readiness.js';
import { METRICS, type MetricsPage } from '../process/metrics-page.js';

/** For orchestrators and Prometheus: outside /api, without a token. */
@ApiExcludeController()
@Needs('nothing')
@Controller({ version: VERSION_NEUTRAL })
export class ProcessController {
  constructor(
    @Inject(Readiness) private readonly readiness: Readiness,
    @Inject(METRICS) private readonly metrics: MetricsPage,
  ) {}

  /** The process turns; says nothing about what it depends on. */
  @Get('livez')
  live(): string {
    return 'ok\n';
  }

  @Get('readyz')
  async ready(@Res() response: Response): Promise<void> {
    const checks = await this.readiness.check();
    const lines = checks.map((check) => `[${check.good ? '+' : '-'}] ${check.name}: ${check.detail}`);
    response
      .status(checks.every((check) => check.good) ? 200 : 503)
      .type('text/plain')
      .send(`${lines.join('\n')}\n`);
  }

  @Get('metrics')
  async page(@Res() response: Response): Promise<void> {
    const page = await this.metrics.render();
    response.type(page.contentType).send(page.body);
  }
}
