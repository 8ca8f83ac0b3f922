import { reason, type FindingCode, type Order, type Plan } from '@wavegate/fleet';
import { StepInterrupted, type AgentClock, type Cancel, type Step } from '@wavegate/runtime/agent';
import { boundedBy } from '../bounded-by.js';
import type { KubeAccess } from '../kube-access.js';
import { nodeName, toNodeFacts } from '../node-view.js';
import { runNodeStep, type NodeStepEnd } from '../node-step.js';
import { named, type Found } from '../preflight/check.js';
import { toHostFacts, type HostFacts } from './host-facts.js';
import { nodeWords, type NodeSettings } from './node-words.js';
import type { StepMessage } from './step-message.js';

/** So many hosts are looked at side by side: each asks its repository. */
const AT_ONCE = 10;
/** A look changes nothing and may be given up: the step makes the same checks again. */
const LOOK_S = 300;
/** Until its pod has started, its image pulled. */
const START_S = 60;
/** More would not be read; what is the matter with fifty nodes is mostly one thing. */
const MOST_NODES = 200;

export interface InspectMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
  readonly nodeImage: string;
  readonly settings: NodeSettings;
}

export interface InspectRequest {
  readonly order: Order;
  readonly plan: Plan;
  readonly target: string;
  readonly attempt: number;
  readonly cancel: Cancel;
}

/** The script's words → codes of the documentation. What it says beyond them is its own affair. */
const CODES: Readonly<Record<string, FindingCode>> = {
  not_kubeadm: 'host_not_of_kubeadm',
  node_name_mismatch: 'node_name_mismatch',
  package_manager_unknown: 'package_manager_unknown',
  package_manager_experimental: 'package_manager_experimental',
  package_missing: 'package_missing',
  repository_unknown: 'package_repository_unusable',
  repository_unreachable: 'package_repository_unusable',
  disk_full: 'host_disk_full',
  image_not_here: 'image_not_on_host',
  image_missing: 'image_not_on_host',
  etcd_alarm: 'etcd_alarm_raised',
  etcd_leaders: 'etcd_leader_unstable',
  quorum_at_risk: 'etcd_quorum_at_risk',
  kubeadm_plan_failed: 'kubeadm_plan_failed',
  kubeadm_plan_warns: 'kubeadm_plan_says',
};

export interface HostsSeen {
  /** What is the matter with hosts. */
  readonly hosts: readonly Found[];
  /** What they are, for the checks to judge. */
  readonly hostFacts: readonly HostFacts[];
}

/** Looks at every host by a node Job that changes nothing. Throws only while the API server is away. */
export async function inspectHosts(means: InspectMeans, request: InspectRequest): Promise<HostsSeen> {
  const { items } = await means.kube.core.listNode();
  // A Job on a node that is not Ready would only wait; that it is not is a finding of its own.
  const ready = items.filter((node) => toNodeFacts(node).ready);
  const names = ready.map(nodeName).sort().slice(0, MOST_NODES);
  const seen: HostLook[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE).map((node) => look(means, request, node));
    seen.push(...(await Promise.all(some)));
    // Where not one Job comes to be, the other nodes have nothing new to say.
    if (seen.every(({ end }) => end.kind === 'failed')) break;
  }
  const first = seen[0];
  if (first?.end.kind === 'failed' && seen.every(({ end }) => end.kind === 'failed')) {
    const nodes = seen.map(({ node }) => node);
    return { hosts: [notInspected('nodes', `no host was looked at: ${whyOf(first.end)}`, nodes)], hostFacts: [] };
  }
  const hostFacts = seen.flatMap(({ node, end }) => (end.kind === 'reported' ? [toHostFacts(node, end.message)] : []));
  return { hosts: [...seen.flatMap(findingsOf), ...mixedManagers(seen), ...notTold(hostFacts)], hostFacts };
}

/** What a host could not tell must not read as "all well". */
function notTold(facts: readonly HostFacts[]): Found[] {
  const of = (told: (host: HostFacts) => boolean, what: string, remedy: string): Found[] => {
    const nodes = facts.filter(told).map(({ node }) => node);
    if (nodes.length === 0) return [];
    const message = `not seen on ${named(nodes)}: ${what}`;
    return [{ code: 'host_not_inspected', severity: 'info', object: nodes.join(','), message, remedy, nodes }];
  };
  return [
    ...of(
      ({ served }) => served === null,
      'the certificates that are served there (neither openssl nor curl is on the host)',
      'install openssl there, or look yourself: kubeadm certs check-expiration',
    ),
    ...of(
      ({ kubeletConfigTooLarge }) => kubeletConfigTooLarge,
      'whether /var/lib/kubelet/config.yaml is as kubeadm would write it (it has no room in the message of a Job)',
      'compare it yourself with the ConfigMap kube-system/kubelet-config',
    ),
  ];
}

function notInspected(object: string, message: string, nodes: readonly string[]): Found {
  const remedy = 'see why its Job failed, then ask for the preflight again';
  return { code: 'host_not_inspected', object, message, remedy, nodes };
}

const whyOf = ({ reason: why }: Extract<NodeStepEnd, { kind: 'failed' }>): string =>
  String(why.params.detail ?? 'it took too long');

interface HostLook {
  readonly node: string;
  readonly end: NodeStepEnd;
}

async function look(means: InspectMeans, request: InspectRequest, node: string): Promise<HostLook> {
  const { kube, clock, nodeImage: image, settings } = means;
  const { order, plan, target, attempt, cancel } = request;
  const step: Step = { kind: 'preflight', name: `inspect/${node}`, target };
  const words = { ...nodeWords(plan.spec, settings), deadlineS: LOOK_S };
  const work = {
    verb: 'inspect',
    node,
    from: order.hop.from,
    to: target,
    first: false,
    verify: 'status',
    words,
  } as const;
  const bound = boundedBy(clock, cancel, (LOOK_S + START_S) * 1000);
  try {
    return {
      node,
      end: await runNodeStep(kube, clock, { orderId: order.id, step, attempt, work, image, cancel: bound }),
    };
  } catch (error) {
    if (!(error instanceof StepInterrupted) || cancel.cancelled) throw error;
    const detail = 'its Job did not end in time (is the image of node Jobs there?)';
    return { node, end: { kind: 'failed', reason: reason('step_failed', { step: step.name, node, detail }) } };
  } finally {
    bound.cancel();
  }
}

function findingsOf({ node, end }: HostLook): Found[] {
  if (end.kind === 'failed') {
    return [notInspected(node, `${node} was not looked at: ${whyOf(end)}`, [node])];
  }
  return foundIn(end.message).flatMap(({ code, text }): Found[] => {
    const known = CODES[code];
    if (!known) return [];
    return [{ code: known, object: node, message: `${node}: ${text}`, remedy: REMEDIES[known] ?? '', nodes: [node] }];
  });
}

const REMEDIES: Readonly<Partial<Record<FindingCode, string>>> = {
  host_not_of_kubeadm: 'leave the node out, or replace it by one that kubeadm joins',
  node_name_mismatch: 'give each host its own name and join it again',
  package_manager_unknown: 'install kubeadm, kubelet and kubectl from packages, or upgrade this node by your own means',
  package_manager_experimental: 'try it on a cluster that you can lose first',
  package_missing: 'name a version that the repository has, or wait until your mirror has caught up',
  package_repository_unusable: 'mend the repository on the host, or let the plan name another (upgrade.packages)',
  host_disk_full: 'make room on the host',
  image_not_on_host: 'nothing: the step pulls them before it changes anything',
  etcd_alarm_raised: 'mend what raised it, then: etcdctl alarm disarm',
  etcd_leader_unstable: 'find out why the leader moves (disk, network, CPU), and wait for a quiet day',
  etcd_quorum_at_risk: 'mend the silent etcd member first',
  kubeadm_plan_failed: "do what kubeadm's words say",
  kubeadm_plan_says: "read kubeadm's words",
};

function foundIn({ found }: StepMessage): { readonly code: string; readonly text: string }[] {
  if (!Array.isArray(found)) return [];
  return found.flatMap((one: unknown) => {
    const { code, text } = (one ?? {}) as Readonly<Record<string, unknown>>;
    return typeof code === 'string' && typeof text === 'string' ? [{ code, text }] : [];
  });
}

function mixedManagers(seen: readonly HostLook[]): Found[] {
  const by = new Map<string, string[]>();
  for (const { node, end } of seen) {
    const manager = end.kind === 'reported' ? end.message.manager : '';
    if (typeof manager === 'string' && manager !== '') by.set(manager, [...(by.get(manager) ?? []), node]);
  }
  if (by.size < 2) return [];
  const each = [...by]
    .sort()
    .map(([manager, nodes]) => `${manager} on ${nodes.slice(0, 4).join(', ')}${nodes.length > 4 ? ' …' : ''}`);
  const remedy = 'make the hosts alike, or accept it by a rule of preflight.severities';
  return [
    {
      code: 'package_managers_mixed',
      object: 'nodes',
      message: `different package managers: ${each.join('; ')}`,
      remedy,
    },
  ];
}
