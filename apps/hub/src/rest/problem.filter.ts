import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { CursorInvalid } from '@wavegate/storage';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { Problem } from './problem.js';
import { requestIdOf } from './request-id.js';

/** Every error leaves as problem+json with the request's id; what we did not foresee is logged whole and told in general. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    const requestId = requestIdOf(request);
    const problem = this.toProblem(error, request);
    if (response.headersSent) {
      response.end();
      return;
    }
    response
      .status(problem.getStatus())
      .type('application/problem+json')
      .send(JSON.stringify(problem.toBody(requestId)));
  }

  private toProblem(error: unknown, request: Request): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof CursorInvalid) return cursorProblem(error);
    if (error instanceof HttpException) return new Problem(error.getStatus(), 'http', error.message);
    if (isBodyError(error))
      return new Problem(error.status, 'body-not-readable', 'The body cannot be read', { detail: error.message });
    const { rollout, cluster } = request.params;
    const what = { requestId: requestIdOf(request), method: request.method, path: request.path };
    this.log.error({ err: error, ...what, rollout, cluster }, 'a request failed unexpectedly');
    return new Problem(500, 'internal', 'The hub failed to answer; its log has the details under this request id');
  }
}

/** body-parser's errors: not JSON, too large. */
function isBodyError(error: unknown): error is Error & { status: number } {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500;
}

function cursorProblem(error: CursorInvalid): Problem {
  return new Problem(422, 'request-invalid', 'The cursor is not one of this list', {
    errors: [
      { pointer: 'cursor', code: 'cursor_invalid', detail: `${error.message}: use nextCursor of the page before` },
    ],
  });
}
