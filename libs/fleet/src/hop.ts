import type { ClusterFacts } from './cluster.js';
import type { Hop } from './order.js';
import { compareVersions, minorDistance, minorOf, oldestVersion, parseVersion, type Version } from './version.js';

export const HOP_PROBLEMS = [
  'version_unreadable',
  'downgrade',
  'major_change',
  'via_missing',
  'via_unreadable',
  'via_wrong_minor',
] as const;

/** Why there is no way from one version to another. */
export interface HopProblem {
  readonly code: (typeof HOP_PROBLEMS)[number];
  /** The version or the minor that it is about: "1.34". */
  readonly subject: string;
  /** One sentence: what was found and what would be right. */
  readonly detail: string;
}

export type Hops = readonly Hop[] | { readonly problem: HopProblem };

/** Narrow a result of `planHops`. */
export function isHopProblem(hops: Hops): hops is { readonly problem: HopProblem } {
  return 'problem' in hops;
}

/**
 * The way from `from` to `target`, one minor per hop: API servers may not skip a minor (Kubernetes version skew policy).
 * Beyond one minor the patch of each minor on the way is a choice that the plan must name in `via` ("1.34" → "1.34.4").
 * `[]` where both are the same release; a newer patch of the same minor is one hop.
 */
export function planHops(from: string, target: string, via: Readonly<Record<string, string>> = {}): Hops {
  const [start, end] = [parseVersion(from), parseVersion(target)];
  if (!start) return unreadable(from);
  if (!end) return unreadable(target);
  const refusal = whyNoWay(start, end);
  if (refusal) return { problem: refusal };
  if (compareVersions(start, end) === 0) return [];
  const stops = stopsBetween(start, end, via);
  if ('problem' in stops) return stops;
  const versions = [start.text, ...stops, end.text];
  const of = versions.length - 1;
  return versions.slice(1).map((to, at) => ({ index: at + 1, of, from: versions[at] ?? start.text, to }));
}

/**
 * The way of a whole cluster, counted from its oldest API server. Where the control plane is there already and kubelets
 * lag (workers returned by a rollback, an attempt that ended half-way), one hop from the oldest kubelet's version: its
 * control-plane part finds nothing to do. Workers may jump several minors at once.
 */
export function planClusterHops(
  facts: Pick<ClusterFacts, 'apiServers' | 'nodes'>,
  target: string,
  via: Readonly<Record<string, string>> = {},
): Hops {
  const start = oldestVersion(facts.apiServers);
  if (!start) return unreadable(facts.apiServers.join(', '));
  const hops = planHops(start.text, target, via);
  if ('problem' in hops || hops.length > 0) return hops;
  const kubelet = oldestVersion(facts.nodes.map((node) => node.kubelet));
  if (!kubelet || compareVersions(kubelet, start) >= 0) return [];
  return [{ index: 1, of: 1, from: kubelet.text, to: start.text }];
}

function unreadable(text: string): { problem: HopProblem } {
  const detail = `"${text}" is not a Kubernetes version; write it like 1.35.4`;
  return { problem: { code: 'version_unreadable', subject: text, detail } };
}

function whyNoWay(start: Version, end: Version): HopProblem | null {
  if (compareVersions(start, end) > 0) {
    const detail = `${start.text} → ${end.text} is a downgrade; a target is the current version or a newer one`;
    return { code: 'downgrade', subject: start.text, detail };
  }
  if (start.major !== end.major) {
    const detail = `${start.text} → ${end.text} changes the major version, for which no upgrade path is known`;
    return { code: 'major_change', subject: start.text, detail };
  }
  return null;
}

function stopsBetween(
  start: Version,
  end: Version,
  via: Readonly<Record<string, string>>,
): string[] | { problem: HopProblem } {
  const stops: string[] = [];
  for (let minor = start.minor + 1; minor < end.minor; minor += 1) {
    const name = `${start.major}.${minor}`;
    const text = Object.hasOwn(via, name) ? via[name] : undefined;
    if (text === undefined) {
      const apart = minorDistance(start, end);
      const detail = `${start.text} → ${end.text} is ${apart} minors; name the patch of ${name} in via, for example "${name}": ${name}.1`;
      return { problem: { code: 'via_missing', subject: name, detail } };
    }
    const stop = readStop(name, text);
    if (typeof stop !== 'string') return stop;
    stops.push(stop);
  }
  return stops;
}

function readStop(name: string, text: string): string | { problem: HopProblem } {
  const stop = parseVersion(text);
  if (!stop) {
    const detail = `via "${name}" is "${text}", which is not a version such as ${name}.1`;
    return { problem: { code: 'via_unreadable', subject: name, detail } };
  }
  if (minorOf(stop) !== name) {
    const detail = `via "${name}" is ${stop.text}, a patch of ${minorOf(stop)}; write a patch of ${name}`;
    return { problem: { code: 'via_wrong_minor', subject: name, detail } };
  }
  return stop.text;
}
