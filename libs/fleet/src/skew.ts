import type { ClusterFacts } from './cluster.js';
import type { Hop } from './order.js';
import { reason, type Reason } from './reason.js';
import { minorDistance, newestVersion, oldestVersion, parseVersion, type Version } from './version.js';

/** A version, alone or with the name of what runs it ("w-3"). */
export type Named = string | { readonly name: string; readonly version: string };

export interface SkewFacts {
  readonly apiServers: readonly Named[];
  readonly kubelets: readonly Named[];
  readonly kubeProxies?: readonly Named[];
  readonly controllerManagers?: readonly Named[];
  readonly schedulers?: readonly Named[];
}

export interface SkewViolation {
  readonly rule: 'unreadable' | 'apiServersApart' | 'newerThanApiServer' | 'tooOld';
  /** "kubelet/w-3", or "kubelet" where no name was given. */
  readonly component: string;
  readonly version: string;
  /** The version that sets the limit, in words: "not newer than 1.34.4". */
  readonly limit: string;
}

/** The rule for kubelets and proxies: three minors older since 1.25, two before. */
const oldestAllowed = (version: Version): number => (version.major === 1 && version.minor < 25 ? 2 : 3);
/** Controller manager and scheduler: the API server's minor or the one before. */
const oneOlder = (): number => 1;

/**
 * Every way in which the versions seen break Kubernetes' version skew policy; empty = all is well. While an HA plane is
 * mixed, "not newer" counts from the oldest API server and "n older" from the newest: a kubelet may talk to any of them.
 */
export function checkSkew(facts: SkewFacts): SkewViolation[] {
  const servers = facts.apiServers.map(versionOf);
  const [oldest, newest] = [oldestVersion(servers), newestVersion(servers)];
  const found = facts.apiServers.flatMap((server) => unreadable('apiserver', server));
  if (!oldest || !newest) return found;
  if (minorDistance(oldest, newest) > 1) {
    const limit = `at most one minor older than ${newest.text}`;
    found.push({ rule: 'apiServersApart', component: 'apiserver', version: oldest.text, limit });
  }
  const groups = [
    ['kubelet', facts.kubelets, oldestAllowed],
    ['kube-proxy', facts.kubeProxies, oldestAllowed],
    ['controller-manager', facts.controllerManagers, oneOlder],
    ['scheduler', facts.schedulers, oneOlder],
  ] as const;
  for (const [component, members, lag] of groups) {
    for (const member of members ?? []) found.push(...check({ component, member, lag, oldest, newest }));
  }
  return found;
}

interface Checked {
  readonly component: string;
  readonly member: Named;
  readonly lag: (version: Version) => number;
  readonly oldest: Version;
  readonly newest: Version;
}

function check({ component, member, lag, oldest, newest }: Checked): SkewViolation[] {
  const version = parseVersion(versionOf(member));
  if (!version) return unreadable(component, member);
  const named = { component: nameOf(component, member), version: version.text };
  // The policy counts minors: a kubelet of a newer patch of the same minor is allowed.
  if (minorDistance(oldest, version) > 0) {
    return [{ rule: 'newerThanApiServer', ...named, limit: `not newer than ${oldest.text}` }];
  }
  const allowed = lag(version);
  if (minorDistance(version, newest) <= allowed) return [];
  return [{ rule: 'tooOld', ...named, limit: `at most ${allowed} minors older than ${newest.text}` }];
}

function unreadable(component: string, member: Named): SkewViolation[] {
  const version = versionOf(member);
  if (parseVersion(version)) return [];
  return [{ rule: 'unreadable', component: nameOf(component, member), version, limit: 'a version such as 1.35.4' }];
}

const versionOf = (member: Named): string => (typeof member === 'string' ? member : member.version);
const nameOf = (component: string, member: Named): string =>
  typeof member === 'string' ? component : `${component}/${member.name}`;

/** A violation as the reason that a state line carries. */
export function skewReason({ component, version, limit }: SkewViolation): Reason {
  return reason('skew_violation', { component, version, limit });
}

/**
 * Why the cluster as observed may not take this hop, or null. The end of the hop's control-plane part is what is
 * checked: API servers at `hop.to` and the kubelets as they are; a kubelet that is too new now may be mended by the hop.
 * A plane that is mixed, or at `hop.to` already, may go on.
 */
export function canHop(facts: Pick<ClusterFacts, 'apiServers' | 'nodes'>, hop: Hop): Reason | null {
  const target = parseVersion(hop.to);
  const kubelets = facts.nodes.map((node) => ({ name: node.name, version: node.kubelet }));
  const now = checkSkew({ apiServers: facts.apiServers, kubelets: [] })[0];
  if (now) return skewReason(now);
  const [oldest, newest] = [oldestVersion(facts.apiServers), newestVersion(facts.apiServers)];
  if (!target || !oldest || !newest) {
    return reason('skew_violation', { component: 'apiserver', version: hop.to, limit: 'a version such as 1.35.4' });
  }
  if (minorDistance(oldest, target) > 1) {
    const limit = `one minor per hop, the next after ${oldest.text}`;
    return reason('skew_violation', { component: 'apiserver', version: target.text, limit });
  }
  if (minorDistance(target, newest) > 0) {
    const limit = `not older than ${newest.text}`;
    return reason('skew_violation', { component: 'apiserver', version: target.text, limit });
  }
  const after = checkSkew({ apiServers: [target.text], kubelets })[0];
  return after ? skewReason(after) : null;
}
