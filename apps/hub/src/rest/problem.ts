import { HttpException } from '@nestjs/common';

/** One thing that is wrong with a request: where, what, and what would be right. */
export interface ProblemDetail {
  /** JSON pointer into the body, or the name of a parameter. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
  readonly example?: unknown;
}

/** RFC 9457. `type` ends in the kebab-case of a stable name; `errors` lists all that is wrong, not the first only. */
export class Problem extends HttpException {
  constructor(
    status: number,
    readonly slug: string,
    readonly title: string,
    readonly more: { readonly detail?: string; readonly errors?: readonly ProblemDetail[] } = {},
  ) {
    super(title, status);
  }

  toBody(requestId: string): Record<string, unknown> {
    return {
      type: `https://wavegate.dev/problems/${this.slug}`,
      title: this.title,
      status: this.getStatus(),
      ...(this.more.detail === undefined ? {} : { detail: this.more.detail }),
      ...(this.more.errors === undefined ? {} : { errors: this.more.errors }),
      requestId,
    };
  }
}

export function notFound(what: string, id: string): Problem {
  return new Problem(404, 'not-found', `There is no ${what} "${id}"`);
}
