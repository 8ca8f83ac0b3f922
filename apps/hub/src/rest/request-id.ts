import { randomBytes } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const KEY = Symbol('requestId');

/** Takes the caller's X-Request-Id where it is harmless to log, or draws one; always answers with it. */
export function requestId(request: Request & { [KEY]?: string }, response: Response, next: NextFunction): void {
  const given = request.header('x-request-id');
  request[KEY] = given && /^[\w.-]{1,64}$/.test(given) ? given : randomBytes(8).toString('hex');
  response.setHeader('X-Request-Id', request[KEY]);
  next();
}

export function requestIdOf(request: Request & { [KEY]?: string }): string {
  return request[KEY] ?? '';
}
