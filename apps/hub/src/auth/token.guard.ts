import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { Problem } from '../rest/problem.js';
import { isRole, NEEDS, ROLES, type Permission } from './roles.js';
import { outOfScope, Scope, SCOPED } from './scope.js';

/** Who asks; set by the guard, read by the controllers for the audit. */
export interface Principal {
  readonly name: string;
  readonly role: keyof typeof ROLES;
  readonly scope: Scope;
}

/** Knows tokens by their text; the secret is kept as a hash and compared in constant time (ApiTokenStore). */
export interface TokenVerifier {
  verify(text: string): Promise<{ readonly name: string; readonly role: string; readonly scope: string } | null>;
}

const PRINCIPAL = Symbol('principal');
type Marked = Request & { [PRINCIPAL]?: Principal };

export function principalOf(request: Request): Principal {
  const principal = (request as Marked)[PRINCIPAL];
  if (!principal) throw new Problem(401, 'not-authenticated', 'No principal');
  return principal;
}

/** Deny by default: every route names what it needs, and a request without a good token gets nowhere. */
export class TokenGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: TokenVerifier,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const needs = this.marked<Permission | 'nothing'>(NEEDS, context);
    if (needs === 'nothing') return true;
    const request = context.switchToHttp().getRequest<Marked>();
    const principal = await this.authenticate(request);
    if (needs === undefined || !(ROLES[principal.role] as readonly Permission[]).includes(needs)) {
      throw new Problem(403, 'not-allowed', `The role "${principal.role}" may not do this`, {
        detail: `It needs the permission "${needs ?? 'none that exists'}".`,
      });
    }
    if (principal.scope.isLimited && !this.marked(SCOPED, context)) {
      throw outOfScope(principal.scope, 'This needs a token without a scope', 'what concerns the whole fleet');
    }
    request[PRINCIPAL] = principal;
    return true;
  }

  private marked<T>(key: string, context: ExecutionContext): T | undefined {
    return this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
  }

  private async authenticate(request: Request): Promise<Principal> {
    const match = /^Bearer (\S+)$/.exec(request.header('authorization') ?? '');
    if (!match?.[1]) throw unauthenticated('Send "Authorization: Bearer <token>" with an API token of this hub.');
    const known = await this.tokens.verify(match[1]);
    if (!known || !isRole(known.role)) throw unauthenticated('This token is not known, or was revoked.');
    const scope = Scope.read(known.scope);
    if (!scope) throw unauthenticated('The scope of this token cannot be read: ask for a new one.');
    return { name: known.name, role: known.role, scope };
  }
}

function unauthenticated(detail: string): Problem {
  return new Problem(401, 'not-authenticated', 'This needs a token', { detail });
}
