import { instantMs } from './calendar.js';
import type { Labels } from './cluster.js';
import type { Finding, Severity } from './finding.js';
import type { Plan } from './plan.js';
import { matches, requireSelector } from './selector.js';

/** `spec.preflight.severities[n]` of a plan: one code, for the clusters that a selector names, with a reason. */
export type SeverityRule = Plan['spec']['preflight']['severities'][number];

export interface SeverityContext {
  /** The hub's labels of the cluster; null where they are not known here (no hub, or one that does not send them). */
  readonly labels: Labels | null;
  /** Epoch ms. */
  readonly at: number;
}

/**
 * Findings with the plan's severities. Nothing disappears: what a rule changed says who changed it, why and until when,
 * and a waived finding stays as information. A rule whose end has come is no longer applied, and the finding says so. Of
 * several rules that fit, the last one counts.
 */
export function applySeverities(
  findings: readonly Finding[],
  rules: readonly SeverityRule[],
  context: SeverityContext,
): Finding[] {
  const skipped = rules.filter((rule) => !isKnown(rule, context));
  const ruled = findings.map((finding) => {
    const rule = lastFor(finding.code, rules, context);
    return rule ? withRule(finding, rule, context.at) : finding;
  });
  return [...ruled, ...skipped.filter(({ code }) => findings.some((one) => one.code === code)).map(notApplied)];
}

/** A rule that changed findings, and what they are about. */
export interface RuleApplied {
  readonly rule: SeverityRule;
  /** Sorted, each once. */
  readonly objects: readonly string[];
}

/** Which rules gave these findings the severities they have, by the same order of words as `applySeverities`. */
export function rulesApplied(
  findings: readonly Finding[],
  rules: readonly SeverityRule[],
  context: SeverityContext,
): RuleApplied[] {
  const usable = rules.filter((rule) => isKnown(rule, context) && !isOver(rule, context.at));
  const applied = new Map<SeverityRule, Set<string>>();
  for (const { code, object } of findings) {
    const rule = lastFor(code, rules, context);
    if (rule && usable.includes(rule)) applied.set(rule, (applied.get(rule) ?? new Set()).add(object));
  }
  return [...applied].map(([rule, objects]) => ({ rule, objects: [...objects].sort() }));
}

const isKnown = ({ selector }: SeverityRule, { labels }: SeverityContext): boolean =>
  labels !== null || selector.trim() === '';

function isOver({ until }: SeverityRule, at: number): boolean {
  const end = until === undefined ? null : instantMs(until);
  return end !== null && at >= end;
}

/** Of several that fit, the last one counts, also where its time is over. */
function lastFor(code: string, rules: readonly SeverityRule[], context: SeverityContext): SeverityRule | undefined {
  return rules.filter((rule) => isKnown(rule, context) && rule.code === code && fits(rule.selector, context)).at(-1);
}

const fits = (selector: string, { labels }: SeverityContext): boolean =>
  matches(requireSelector(selector), labels ?? {});

function withRule(finding: Finding, rule: SeverityRule, at: number): Finding {
  if (isOver(rule, at)) {
    return { ...finding, message: `${finding.message} (the plan's rule "${rule.reason}" ended ${rule.until})` };
  }
  const severity: Severity = rule.set === 'waive' ? 'info' : rule.set;
  const how = rule.set === 'waive' ? 'waived' : `${finding.severity} → ${severity}`;
  const end = rule.until === undefined ? '' : ` until ${rule.until}`;
  const by = rule.by === '' ? 'the plan' : rule.by;
  return { ...finding, severity, message: `${finding.message} (${how} by ${by}${end}: ${rule.reason})` };
}

function notApplied(rule: SeverityRule): Finding {
  return {
    code: 'severity_rule_not_applied',
    severity: 'warn',
    object: rule.code,
    message: `the plan's rule for ${rule.code} (${rule.set}: ${rule.reason}) names clusters by "${rule.selector}", and this cluster's labels are not known here`,
    remedy: 'the finding keeps its own severity; without a hub, write the rule without a selector',
    owner: '',
  };
}
