import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse } from '@nestjs/swagger';
import type { z } from 'zod';
import { ProblemShape } from './shapes.js';

/** Documents a route: its answer by a zod shape, and problem+json for everything that goes wrong. */
export function Answers(status: number, shape: z.ZodType, description: string): MethodDecorator {
  return applyDecorators(
    ApiBearerAuth(),
    ApiResponse({ status, description, standardSchema: shape }),
    ApiResponse({ status: 'default', description: 'RFC 9457 problem', standardSchema: ProblemShape }),
  );
}

/** The same for a route that answers with no body. */
export function AnswersNothing(description: string): MethodDecorator {
  return applyDecorators(
    ApiBearerAuth(),
    ApiResponse({ status: 204, description }),
    ApiResponse({ status: 'default', description: 'RFC 9457 problem', standardSchema: ProblemShape }),
  );
}
