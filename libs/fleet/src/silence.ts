import { z } from 'zod';
import type { Order } from './order.js';

/** Stands for the name of the node under work in a silence's labels. */
export const SILENCED_NODE = '$node';

/** Alerts that wake nobody while their node is under work. `match` names the node: `{ node: $node }`, `{ instance: "$node:9100" }`. */
export const silenceShape = z.strictObject({
  /** Equal labels of the alerts; at least one has `$node` in its value. */
  match: z.record(z.string(), z.string()),
  /** An Alertmanager of the cluster's ConfigMap wavegate-metrics; left out: its first. */
  alertmanager: z.string().min(1).optional(),
});
export type PlanSilence = z.infer<typeof silenceShape>;

/** One label of a silence, as Alertmanager's API v2 has it. */
export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isEqual: boolean;
  readonly isRegex: false;
}

type Labels = Readonly<Record<string, string>>;

export const namesTheNode = (match: Labels): boolean =>
  Object.values(match).some((value) => value.includes(SILENCED_NODE));

/**
 * The label by which blocking alerts stay outside of a silence: null where they have none that it has not, and
 * 'apart' where they are outside already, since both ask for other values of one label.
 */
function outside(match: Labels, blocking: Labels): readonly [string, string] | 'apart' | null {
  const labels = Object.entries(blocking).sort(([a], [b]) => (a < b ? -1 : 1));
  const own = (name: string): string | undefined => (Object.hasOwn(match, name) ? match[name] : undefined);
  const fixed = (name: string): boolean => own(name)?.includes(SILENCED_NODE) === false;
  if (labels.some(([name, value]) => fixed(name) && own(name) !== value)) return 'apart';
  return labels.find(([name]) => !fixed(name)) ?? null;
}

/** Whether a silence would keep every alert that the plan says blocks from those whom it wakes. */
export const hiddenBy = (match: Labels, blocking: Labels): boolean => outside(match, blocking) === null;

/**
 * A silence's labels for one node: those of the plan, those that tell this cluster's alerts from others' (`cluster`), and
 * for each selection of blocking alerts one that keeps it out: what may stop the rollout goes on waking people. Equal
 * values only, never a pattern; sorted, so that the same silence is found again.
 */
export function silenceMatchers(
  { match }: PlanSilence,
  {
    node,
    cluster,
    blocking,
  }: { readonly node: string; readonly cluster: Labels; readonly blocking: readonly Labels[] },
): SilenceMatcher[] {
  // A label in both must have both values: the admin's never takes the node's place.
  const equal = [...Object.entries(fill(match, node)), ...Object.entries(cluster)];
  const kept = equal.map(([name, value]) => ({ name, value, isEqual: true, isRegex: false as const }));
  const left = blocking.flatMap((labels) => {
    const by = outside(match, labels);
    return by === null || by === 'apart'
      ? []
      : [{ name: by[0], value: by[1], isEqual: false, isRegex: false as const }];
  });
  const all = new Map([...kept, ...left].map((matcher) => [keyOf(matcher), matcher]));
  return [...all.keys()].sort().flatMap((key) => all.get(key) ?? []);
}

const keyOf = ({ name, value, isEqual }: SilenceMatcher): string => JSON.stringify([name, isEqual, value]);

function fill(match: Labels, node: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(match).map(([name, value]) => [name, value.replaceAll(SILENCED_NODE, node)]),
  );
}

/** Whose a silence is; the comment people read, and the agent's own mark by which it finds it again. */
export const SILENCE_AUTHOR = 'wavegate';

export function silenceComment({ id, clusterId, parent }: Order, node: string): string {
  return `Wavegate works on node ${node} of cluster ${clusterId} (${parent.kind} ${parent.id}, order ${id})`;
}

export const isSilenceOf = (comment: string, orderId: string): boolean => comment.endsWith(`, order ${orderId})`);
