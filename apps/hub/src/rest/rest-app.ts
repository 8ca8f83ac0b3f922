import { VersioningType, type INestApplication } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';
import { TokenGuard, type TokenVerifier } from '../auth/token.guard.js';
import { HubModule, type Desks } from './hub-module.js';
import { ProblemFilter } from './problem.filter.js';
import { requestId } from './request-id.js';
import { validationPipe } from './validation.js';

const BODY_LIMIT = '1mb';

export interface RestParts {
  readonly desks: Desks;
  readonly tokens: TokenVerifier;
  readonly log: Logger;
  /** Called at the end of each request: route pattern, status and seconds. */
  readonly observe: (route: string, status: number, seconds: number) => void;
}

/** The REST door: /api/v1 with problem+json and OpenAPI; /livez, /readyz and /metrics beside it. Not yet listening. */
export async function makeRestApp(parts: RestParts): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(HubModule.of(parts.desks), {
    logger: ['error', 'fatal'],
    // An open event stream must not hold up the shutdown for ever.
    forceCloseConnections: true,
    abortOnError: false,
  });
  app.disable('x-powered-by');
  app.use(requestId);
  app.use(observed(parts.observe));
  app.useBodyParser('json', { limit: BODY_LIMIT });
  app.useBodyParser('text', { limit: BODY_LIMIT, type: ['application/yaml', 'application/x-yaml', 'text/yaml'] });
  app.setGlobalPrefix('api', { exclude: ['livez', 'readyz', 'metrics'] });
  app.enableVersioning({ type: VersioningType.URI });
  app.useGlobalPipes(validationPipe());
  app.useGlobalFilters(new ProblemFilter(parts.log));
  app.useGlobalGuards(new TokenGuard(app.get(Reflector), parts.tokens));
  SwaggerModule.setup('api', app, () => openApiDocument(app), { jsonDocumentUrl: 'api/openapi.json' });
  return app;
}

export function openApiDocument(app: INestApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setTitle('Wavegate')
    .setDescription('Upgrades many Kubernetes clusters in canary waves and takes back what hurts.')
    .setVersion('1')
    .addBearerAuth()
    .setOpenAPIVersion('3.1.0')
    .build();
  return SwaggerModule.createDocument(app, about, { operationIdFactory: (_controller, method) => method });
}

function observed(observe: RestParts['observe']) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedAt = process.hrtime.bigint();
    response.once('finish', () => {
      // The pattern, not the path: a label per cluster name would be a new series each.
      const route = (request.route as { path?: string } | undefined)?.path ?? 'unmatched';
      observe(route, response.statusCode, Number(process.hrtime.bigint() - startedAt) / 1e9);
    });
    next();
  };
}
