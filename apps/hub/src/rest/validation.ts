import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Problem, type ProblemDetail } from './problem.js';

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string;
}

/** Every body and query is checked by its zod shape; all that is wrong is told at once, by JSON pointer. */
export function validationPipe(): StandardSchemaValidationPipe {
  return new StandardSchemaValidationPipe({
    exceptionFactory: (issues) =>
      new Problem(422, 'request-invalid', 'The request is not valid', {
        errors: (issues as readonly Issue[]).map(toDetail),
      }),
  });
}

function toDetail(issue: Issue): ProblemDetail {
  const keys = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return {
    pointer: `/${keys.map((key) => key.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
    code: issue.code ?? 'invalid',
    detail: issue.message,
  };
}
