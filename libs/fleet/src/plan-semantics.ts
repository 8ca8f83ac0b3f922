import { resolveCount, shareOf, type PercentOrCount } from './budget.js';
import { instantMs } from './calendar.js';
import { drainProblems } from './drain-problems.js';
import { gaugeProblems } from './gauge-problems.js';
import { objectiveProblems } from './objective-problems.js';
import { durationMs, type Plan } from './plan.js';
import { fieldOf, pointerOf, shown, type PlanPath, type PlanProblem } from './plan-problem.js';
import { recurrenceProblem } from './recurrence.js';
import { severityRuleProblems } from './severity-rule-problems.js';
import { compareVersions, minorOf, parseVersion } from './version.js';

/** What a shape cannot say. Every check of every part runs: a person wants all problems at once. */
export function semanticProblems(plan: Plan): PlanProblem[] {
  return [
    ...targetProblems(plan),
    ...excludeProblems(plan),
    ...waveProblems(plan),
    ...countProblems(plan),
    ...drainProblems(plan),
    ...approvalProblems(plan),
    ...windowProblems(plan),
    ...freezeProblems(plan),
    ...durationProblems(plan),
    ...severityRuleProblems(plan),
    ...objectiveProblems(plan),
    ...gaugeProblems(plan),
    ...rollbackProblems(plan),
  ];
}

function problem(path: PlanPath, code: string, detail: string, example?: unknown): PlanProblem {
  return { pointer: pointerOf(path), code, detail, ...(example === undefined ? {} : { example }) };
}

function rollbackProblems({ spec: { rollback } }: Plan): PlanProblem[] {
  if (rollback.onBudget === undefined || rollback.automatic.upTo === 'worker') return [];
  const path = ['spec', 'rollback', 'onBudget'];
  const detail = `${fieldOf(path)} is ${shown(rollback.onBudget)}, but spec.rollback.automatic.upTo is ${shown(rollback.automatic.upTo)}: nothing could go back without a person; write automatic.upTo: worker, or leave onBudget out`;
  return [problem(path, 'rollback_without_rung', detail)];
}

function targetProblems({ spec: { target } }: Plan): PlanProblem[] {
  const path = ['spec', 'target', 'kubernetes'];
  const goal = parseVersion(target.kubernetes);
  if (!goal) {
    const detail = `${fieldOf(path)} is ${shown(target.kubernetes)}; write a full version with its patch, such as 1.35.4`;
    return [problem(path, 'version_unreadable', detail, '1.35.4')];
  }
  return Object.entries(target.via).flatMap(([minor, text]) => viaProblems(minor, text, goal.text));
}

function viaProblems(minor: string, text: string, goal: string): PlanProblem[] {
  const path = ['spec', 'target', 'via', minor];
  const stop = parseVersion(text);
  if (compareVersions(`${minor}.0`, `${minorOf(goal)}.0`) >= 0) {
    const detail = `${fieldOf(path)}: ${minor} is not below the target's minor ${minorOf(goal)}; via names the minors on the way`;
    return [problem(path, 'via_not_below_target', detail)];
  }
  if (!stop) {
    const detail = `${fieldOf(path)} is ${shown(text)}; write the patch of ${minor} to stop at, such as ${minor}.4`;
    return [problem(path, 'via_unreadable', detail, `${minor}.4`)];
  }
  if (minorOf(stop) === minorOf(`${minor}.0`)) return [];
  const detail = `${fieldOf(path)} is ${stop.text}, a patch of ${minorOf(stop)}; write a patch of ${minor}`;
  return [problem(path, 'via_wrong_minor', detail, `${minor}.4`)];
}

function excludeProblems({ spec }: Plan): PlanProblem[] {
  const { exclude } = spec.clusters;
  return exclude.flatMap((name, n) => {
    const path = ['spec', 'clusters', 'exclude', n];
    if (exclude.indexOf(name) === n) return [];
    return [problem(path, 'exclude_duplicate', `${fieldOf(path)}: "${name}" is excluded twice; name it once`)];
  });
}

const WAVES_EXAMPLE = ['5%', '25%', '50%', '100%'];

function waveProblems({ spec }: Plan): PlanProblem[] {
  const path = ['spec', 'strategy', 'waves'];
  const shares = spec.strategy.waves.map((text) => (shareOf(text) ?? 0) * 100);
  const wave = (n: number): string => `wave ${n + 1} (${spec.strategy.waves[n]?.replace('%', ' %')})`;
  const found: PlanProblem[] = [];
  const add = (code: string, detail: string): number => found.push(problem(path, code, detail, WAVES_EXAMPLE));
  shares.forEach((share, n) => {
    const before = shares[n - 1];
    if (share <= 0 || share > 100) add('waves_out_of_range', `${wave(n)} is not a share above 0 % and up to 100 %`);
    else if (before !== undefined && share < before)
      add('waves_not_increasing', `${wave(n)} is smaller than ${wave(n - 1)}`);
    else if (before !== undefined && share === before) {
      add('waves_not_increasing', `${wave(n)} is no larger than ${wave(n - 1)}: it would be empty`);
    }
  });
  if (shares.at(-1) !== 100 && found.length === 0) {
    const last = shares.length - 1;
    add('waves_not_complete', `the last is ${wave(last)}; waves are cumulative and end at 100 %`);
  }
  return found;
}

/** Counts that are nothing, below nothing, or more than everything. */
function countProblems({ spec }: Plan): PlanProblem[] {
  const { strategy, drain } = spec;
  return [
    ...atLeastOne(['spec', 'strategy', 'maxInFlight'], strategy.maxInFlight, 'max_in_flight_zero'),
    ...atLeastOne(['spec', 'drain', 'maxUnavailable'], drain.maxUnavailable, 'max_unavailable_zero'),
    ...notNegative(['spec', 'strategy', 'budget', 'firstWave'], strategy.budget.firstWave),
    ...notNegative(['spec', 'strategy', 'budget', 'laterWaves'], strategy.budget.laterWaves),
  ];
}

function atLeastOne(path: PlanPath, value: PercentOrCount, code: string): PlanProblem[] {
  const share = shareOf(value);
  if (share === null ? Number(value) >= 1 : share > 0 && share <= 1) return [];
  const detail = `${fieldOf(path)} is ${shown(value)}; write at least 1, or a percentage above 0% up to "100%"`;
  return [problem(path, share !== null && share > 1 ? 'percentage_above_100' : code, detail, 10)];
}

function notNegative(path: PlanPath, value: PercentOrCount): PlanProblem[] {
  const share = shareOf(value);
  if (share === null ? resolveCount(value, 0, 'up', -1) >= 0 : share <= 1) return [];
  const detail = `${fieldOf(path)} is ${shown(value)}; write the failures tolerated, 0 or more, or a percentage up to "100%"`;
  return [problem(path, 'budget_out_of_range', detail, '5%')];
}

function approvalProblems({ spec }: Plan): PlanProblem[] {
  const waves = spec.strategy.waves.length;
  const asked = spec.gates.approvals.map(({ beforeWave }) => beforeWave);
  return asked.flatMap((wave, n) => {
    const path = ['spec', 'gates', 'approvals', n, 'beforeWave'];
    if (wave > waves) {
      const detail = `${fieldOf(path)} is ${wave}, but the plan has ${waves} waves; write a wave from 1 to ${waves}`;
      return [problem(path, 'approval_beyond_waves', detail, waves)];
    }
    if (asked.indexOf(wave) === n) return [];
    const detail = `${fieldOf(path)}: wave ${wave} is asked for twice; write one approval with the count`;
    return [problem(path, 'approval_duplicate', detail)];
  });
}

function windowProblems({ spec }: Plan): PlanProblem[] {
  return spec.gates.windows.flatMap((window, n) => {
    const found = recurrenceProblem(window);
    if (!found) return [];
    const path = ['spec', 'gates', 'windows', n, found.field];
    return [problem(path, found.code, `${fieldOf(path)}: ${found.detail}`)];
  });
}

function freezeProblems({ spec }: Plan): PlanProblem[] {
  return spec.gates.freezes.flatMap((freeze, n) => {
    const path = (field: 'from' | 'until'): PlanPath => ['spec', 'gates', 'freezes', n, field];
    const example = '2027-12-20T00:00:00+01:00';
    const unreadable = (['from', 'until'] as const)
      .filter((field) => instantMs(freeze[field]) === null)
      .map((field) => {
        const detail = `${fieldOf(path(field))} is ${shown(freeze[field])}; write an instant with its offset, such as ${example}`;
        return problem(path(field), 'freeze_instant_invalid', detail, example);
      });
    if (unreadable.length > 0) return unreadable;
    if ((instantMs(freeze.from) ?? 0) < (instantMs(freeze.until) ?? 0)) return [];
    const detail = `${fieldOf(path('until'))} is ${freeze.until}, which is not after from ${freeze.from}: the freeze would be empty`;
    return [problem(path('until'), 'freeze_empty', detail)];
  });
}

/** Durations that must not be nothing, and a judged phase that must end after its least soak. */
function durationProblems({ spec }: Plan): PlanProblem[] {
  const { verdict } = spec;
  const zero = ([path, text]: readonly [PlanPath, string]): PlanProblem[] =>
    durationMs(text) > 0
      ? []
      : [
          problem(
            path,
            'duration_zero',
            `${fieldOf(path)} is ${shown(text)}; write a duration above nothing, such as 10m`,
          ),
        ];
  const found = (
    [
      [['spec', 'startWithin'], spec.startWithin],
      [['spec', 'deadline'], spec.deadline],
      [['spec', 'drain', 'timeout'], spec.drain.timeout],
      [['spec', 'verdict', 'period'], verdict.period],
      [['spec', 'verdict', 'window'], verdict.window],
    ] as const
  ).flatMap(zero);
  for (const field of ['minSoak', 'period'] as const) {
    if (durationMs(verdict[field]) <= durationMs(verdict.window)) continue;
    const path = ['spec', 'verdict', field];
    const detail = `${fieldOf(path)} is ${verdict[field]}, longer than spec.verdict.window (${verdict.window}): nothing could ever be promoted`;
    found.push(problem(path, 'verdict_window_too_short', detail));
  }
  return found;
}
