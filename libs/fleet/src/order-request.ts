import type { Cluster, ClusterFacts } from './cluster.js';
import { planClusterHops } from './hop.js';
import { nearestName } from './nearest-name.js';
import type { OrderArgs } from './order-args.js';
import { ORDER_SCHEMA, orderId, type Hop, type Order, type OrderParent } from './order.js';
import type { PlanProblem } from './plan-problem.js';
import { durationMs, type Plan } from './plan.js';
import { readPlan } from './plan-problems.js';
import { isSelectorProblem, parseSelector } from './selector.js';
import { oldestVersion } from './version.js';

/** Kinds that a person or a schedule may ask for; upgrades and rollbacks belong to rollouts. */
export const REQUEST_KINDS = ['preflight', 'drain', 'backup', 'restore', 'prefetch'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/** Policies that a request may set where it names no plan, as a person wrote them; the plan's own reader judges them. */
export interface RequestPolicies {
  readonly drain?: unknown;
  readonly backup?: unknown;
  readonly topology?: unknown;
  /** Of a prefetch: where packages come from, and how long they may take. */
  readonly upgrade?: unknown;
  /** What a preflight looks ahead to, a prefetch fetches; the cluster's own version unless told. */
  readonly target?: string;
  readonly via?: Readonly<Record<string, string>>;
}

export interface PlanOfRequest {
  readonly plan: Plan;
  readonly canonical: string;
  readonly digest: string;
}

/**
 * The plan of a request that names none: called "request", aimed at the cluster's present version. `problems` point
 * into the request's body, not into a plan that nobody wrote.
 */
export function planOfRequest(
  facts: ClusterFacts,
  policies: RequestPolicies,
): PlanOfRequest | { readonly problems: readonly PlanProblem[] } {
  const { drain, backup, topology, upgrade, target, via } = policies;
  const present = oldestVersion(facts.apiServers)?.text ?? facts.apiServers[0] ?? '';
  const said = Object.entries({ drain, backup, topology, upgrade }).filter(([, policy]) => policy !== undefined);
  const spec = {
    target: { kubernetes: target ?? present, ...(via ? { via } : {}) },
    ...Object.fromEntries(said),
  };
  const metadata = { name: 'request' };
  const read = readPlan({ apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata, spec });
  if (!('problems' in read)) return read;
  return { problems: read.problems.map(inRequest) };
}

function inRequest(problem: PlanProblem): PlanProblem {
  const pointer = problem.pointer.replace(/^\/spec\/target\/kubernetes/, '/target').replace(/^\/spec/, '');
  const detail = problem.detail.replaceAll('spec.target.kubernetes', 'target').replaceAll(/\bspec\.(?=[a-z])/g, '');
  return { ...problem, pointer, detail };
}

/**
 * What is wrong with the arguments, as far as the cluster's facts show. Facts may be minutes old, so the agent looks
 * again: this is to name at once what can be named at once.
 */
export function requestProblems(args: OrderArgs, facts: ClusterFacts): PlanProblem[] {
  switch (args.kind) {
    case 'preflight':
    case 'restore':
      return [];
    case 'drain':
      return nodeProblems(args.node, args.nodeUid, facts);
    case 'prefetch':
      return args.nodes.flatMap((name, index) => nodeProblems(name, '', facts, `/args/nodes/${index}`));
    case 'backup':
      return backupProblems(args);
  }
}

function nodeProblems(name: string, uid: string, { nodes }: ClusterFacts, pointer = '/args/node'): PlanProblem[] {
  const node = nodes.find((one) => one.name === name);
  if (!node) {
    const names = nodes.map((one) => one.name);
    const near = nearestName(name, names);
    const listed = names.slice(0, 10).join(', ') + (names.length > 10 ? `, … ${names.length - 10} more` : '');
    const detail = `there is no node "${name}"; ${near ? `did you mean "${near}"?` : `there are ${listed || 'none'}`}`;
    return [{ pointer, code: 'node_unknown', detail }];
  }
  if (uid === '' || node.uid === undefined || node.uid === uid) return [];
  const detail = `node "${name}" has UID ${node.uid} now: it is another object than the one with UID ${uid}`;
  return [{ pointer: '/args/nodeUid', code: 'node_uid_mismatch', detail }];
}

/**
 * Why there is nothing that a prefetch could fetch for this cluster: it stands at the plan's target, or no way leads
 * there. Not a word about where the packages are: their repository is asked on each node.
 */
export function prefetchProblems(facts: ClusterFacts, { spec }: Plan): PlanProblem[] {
  const { kubernetes, via } = spec.target;
  const hops = planClusterHops(facts, kubernetes, via);
  if ('problem' in hops) return [{ pointer: '/target', code: hops.problem.code, detail: hops.problem.detail }];
  if (hops.length > 0) return [];
  const detail = `every node is at ${kubernetes} already; name the version to fetch (target), or a plan that has it`;
  return [{ pointer: '/target', code: 'nothing_to_prefetch', detail }];
}

function backupProblems(args: Extract<OrderArgs, { kind: 'backup' }>): PlanProblem[] {
  const problems: PlanProblem[] = [];
  const whole = 'etcd is one store: a snapshot has every namespace; use velero or manifests for a part';
  if (args.what === 'etcd' && args.namespaces.length > 0) {
    problems.push({ pointer: '/args/namespaces', code: 'not_for_etcd', detail: whole });
  }
  if (args.what === 'etcd' && args.selector !== '') {
    problems.push({ pointer: '/args/selector', code: 'not_for_etcd', detail: whole });
  }
  const selector = parseSelector(args.selector);
  if (isSelectorProblem(selector)) {
    problems.push({ pointer: '/args/selector', code: 'selector_invalid', detail: selector.problem });
  }
  return args.prove ? [...problems, ...drillProblems(args)] : problems;
}

/** A drill takes nothing, so that nothing can be said of what it takes. */
function drillProblems(args: Extract<OrderArgs, { kind: 'backup' }>): PlanProblem[] {
  const { what, namespaces, selector, ttlMs, name } = args;
  const said = Object.entries({ namespaces: namespaces.join(), selector, ttlMs, name }).filter(([, value]) => value);
  const detail = 'the newest stored backup is proven as it lies there: leave this out, or take a backup';
  const problems = said.map(([field]) => ({ pointer: `/args/${field}`, code: 'not_for_a_drill', detail }));
  if (what !== 'manifests') return problems;
  const cure = 'an export is listed and read back, not restored: prove etcd or velero';
  return [...problems, { pointer: '/args/prove', code: 'not_for_a_drill', detail: cure }];
}

/** The arguments with what the cluster's facts add: the UID of the node that is meant. */
export function completeArgs(args: OrderArgs, { nodes }: ClusterFacts): OrderArgs {
  if (args.kind !== 'drain' || args.nodeUid !== '') return args;
  return { ...args, nodeUid: nodes.find(({ name }) => name === args.node)?.uid ?? '' };
}

export interface OrderOfRequest {
  readonly parent: OrderParent;
  readonly cluster: Pick<Cluster, 'id'> & { readonly facts: ClusterFacts };
  readonly args: OrderArgs;
  readonly plan: PlanOfRequest;
  readonly at: number;
}

/** The order, but for its epoch. Its id is derived: the same request for the same cluster is the same order. */
export function orderOfRequest({ parent, cluster, args, plan, at }: OrderOfRequest): Omit<Order, 'epoch'> {
  const { facts, id: clusterId } = cluster;
  const { kind } = args;
  const { startWithin, deadline } = plan.plan.spec;
  return {
    ...{ schema: ORDER_SCHEMA, id: orderId(parent, clusterId, 1, kind, 1), kind, parent, clusterId },
    ...{ clusterUid: facts.uid, attempt: 1, hop: hopOfRequest(kind, facts, plan.plan), args },
    ...{ plan: plan.canonical, planDigest: plan.digest, approvedRungs: [] },
    startBy: at + durationMs(startWithin),
    deadline: at + durationMs(deadline),
  };
}

/** A preflight looks at the next hop towards the plan's target, a prefetch fetches it; everything else stays where it is. */
function hopOfRequest(kind: OrderArgs['kind'], facts: ClusterFacts, { spec }: Plan): Hop {
  const { kubernetes, via } = spec.target;
  const present = oldestVersion(facts.apiServers)?.text ?? facts.apiServers[0] ?? kubernetes;
  const stay = { index: 1, of: 1, from: present, to: present };
  if (kind !== 'preflight' && kind !== 'prefetch') return stay;
  const hops = planClusterHops(facts, kubernetes, via);
  // Where there is no way, the preflight itself says so, with everything else that it finds.
  if ('problem' in hops) return { ...stay, to: kubernetes };
  return hops[0] ?? stay;
}
