import { loadYaml } from '@kubernetes/client-node';
import { readPlan, reason, windowState, type Order, type Reason } from '@wavegate/fleet';
import type { LocalPolicy } from '@wavegate/runtime/agent';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';

export const POLICY_CONFIG_MAP = 'wavegate-policy';
const KEY = 'policy';
const FIELDS = ['freeze', 'window'];

interface PolicyText {
  readonly freeze?: unknown;
  readonly window?: unknown;
}

/**
 * What the cluster's own admin allows, whatever the hub asks: ConfigMap `wavegate-policy`, key `policy`, YAML:
 *
 *     freeze: true                       # nothing starts
 *     window: { rrule: "FREQ=WEEKLY;BYDAY=SA", start: "22:00", duration: 4h, timeZone: Europe/Berlin }
 *
 * No ConfigMap allows everything. One that cannot be read or understood allows nothing: its author meant to forbid
 * something.
 */
export class ConfigMapPolicy implements LocalPolicy {
  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
  ) {}

  async refuses(_order: Order, at: number): Promise<Reason | null> {
    const text = await this.text();
    if (text === null) return null;
    const rule = ruleAgainst(text, at);
    return rule === null ? null : reason('local_policy', { rule });
  }

  private async text(): Promise<string | null> {
    try {
      const where = { name: POLICY_CONFIG_MAP, namespace: this.namespace };
      return (await this.kube.core.readNamespacedConfigMap(where)).data?.[KEY] ?? '';
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

/** The rule that forbids starting at `at`, in words; null when none does. */
export function ruleAgainst(text: string, at: number): string | null {
  const policy = parse(text);
  if (typeof policy === 'string') return policy;
  const unknown = Object.keys(policy).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) return `${unknown} is not known (expected ${FIELDS.join(' or ')})`;
  if (policy.freeze === true) return 'freeze';
  if (policy.freeze !== undefined && policy.freeze !== false) return 'freeze must be true or false';
  return policy.window === undefined ? null : closedWindow(policy.window, at);
}

function parse(text: string): PolicyText | string {
  try {
    // A file of comments alone is no document, for which the parser throws.
    const isEmpty = text.split('\n').every((line) => /^\s*(#.*)?$/.test(line));
    const value = isEmpty ? {} : loadYaml<unknown>(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value
      : 'the policy is not a map of rules';
  } catch {
    return 'the policy is not YAML';
  }
}

/** A plan's windows have the same shape and the same meaning: the plan's own reader reads this one. */
function closedWindow(window: unknown, at: number): string | null {
  const read = readPlan({
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name: 'local' },
    spec: { target: { kubernetes: '1.35.0' }, gates: { windows: [window] } },
  });
  if ('problems' in read) return `window: ${read.problems[0]?.detail ?? 'is not understood'}`;
  // Selectors choose clusters; this policy has one only.
  const windows = read.plan.spec.gates.windows.map((one) => ({ ...one, selector: '' }));
  const { open, opensAt } = windowState({ windows, freezes: [] }, {}, at);
  if (open) return null;
  return opensAt === null ? 'window never opens again' : `window opens ${new Date(opensAt).toISOString()}`;
}
