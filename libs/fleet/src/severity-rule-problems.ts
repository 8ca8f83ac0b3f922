import { instantMs } from './calendar.js';
import { FINDING_CODES, isFindingCode } from './finding-codes.js';
import type { Severity } from './finding.js';
import { didYouMean } from './nearest-name.js';
import type { Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';

const WEIGHT: Readonly<Record<Severity | 'waive', number>> = { waive: 0, info: 1, warn: 2, block: 3 };
const EXAMPLE = '2027-01-31T00:00:00Z';

/** Codes nobody knows, reasons left empty, and severities lowered for good: what is waived must be looked at again. */
export function severityRuleProblems({ spec }: Plan): PlanProblem[] {
  return spec.preflight.severities.flatMap((rule, n) => {
    const at = (field: string): PlanPath => ['spec', 'preflight', 'severities', n, field];
    const found: PlanProblem[] = [];
    const add = (field: string, code: string, detail: string, example?: unknown): void => {
      const right = example === undefined ? {} : { example };
      found.push({ pointer: pointerOf(at(field)), code, detail: `${fieldOf(at(field))} ${detail}`, ...right });
    };
    if (!isFindingCode(rule.code)) {
      add(
        'code',
        'finding_code_unknown',
        `is ${shown(rule.code)}, which no check gives${didYouMean(rule.code, Object.keys(FINDING_CODES))}`,
      );
      return found;
    }
    const lowers = WEIGHT[rule.set] < WEIGHT[FINDING_CODES[rule.code]];
    if (rule.until === undefined) {
      if (lowers)
        add(
          'until',
          'severity_without_end',
          `is missing: a finding is lowered or waived until an instant, such as ${EXAMPLE}`,
          EXAMPLE,
        );
    } else if (instantMs(rule.until) === null) {
      add(
        'until',
        'severity_until_invalid',
        `is ${shown(rule.until)}; write an instant with its offset, such as ${EXAMPLE}`,
        EXAMPLE,
      );
    }
    return found;
  });
}
