import { readPlan, type Plan } from '@wavegate/fleet';
import { parseDocument } from 'yaml';
import { Problem } from '../rest/problem.js';

export interface ReadPlan {
  readonly plan: Plan;
  readonly canonical: string;
  readonly digest: string;
}

/** A plan from a request body: JSON, or YAML text. Everything that is wrong with it leaves as one problem. */
export function planFromBody(body: unknown, knownLabelKeys: readonly string[]): ReadPlan {
  const read = readPlan(typeof body === 'string' ? fromYaml(body) : body, { knownLabelKeys });
  if ('problems' in read) {
    throw new Problem(422, 'plan-invalid', 'The plan is not valid', { errors: read.problems });
  }
  return read;
}

function fromYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length === 0) return document.toJS();
  throw new Problem(422, 'plan-invalid', 'The plan is not valid YAML', {
    errors: document.errors.map((error) => {
      const [at] = error.linePos ?? [];
      return {
        pointer: '/',
        code: 'yaml_syntax',
        detail: at ? `line ${at.line}, column ${at.col}: ${error.message}` : error.message,
      };
    }),
  });
}
