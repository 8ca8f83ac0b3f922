import {
  canonicalText,
  describeReason,
  durationMs,
  isHopProblem,
  planClusterHops,
  sha256Hex,
  type Hop,
  type Order,
  type Plan,
} from '@wavegate/fleet';
import type { Observed } from '@wavegate/runtime/agent';
import { rehearse, type RehearsedAct } from '@wavegate/upgrade';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { commandsOf, type StepPlace } from './upgrade-commands.js';

export interface PrintRequest {
  readonly plan: Plan;
  readonly observed: Observed;
  /** Node → operating system, as it says itself: which package manager it has. */
  readonly systems: Readonly<Record<string, string>>;
  readonly at: number;
}

/**
 * Every command of the upgrade, per node and in order, with every wait and the point of no return: for a person who
 * does it by hand, or checks us. The order is the engine's own, asked over the cluster as it stands.
 */
export function printedUpgrade(request: PrintRequest): string {
  const { plan, observed } = request;
  const { kubernetes: target, via } = plan.spec.target;
  const hops = planClusterHops(factsOf(observed), target, via);
  if (isHopProblem(hops)) throw new ProgramFailure(hops.problem.detail, EXIT.failure);
  if (hops.length === 0) return `# Everything is at ${target} already.\n`;
  const lines = [...opening(request, hops)];
  let stands = observed;
  for (const hop of hops) {
    const rehearsal = rehearse(orderOf(hop, plan, stands, request.at), plan, stands, request.at);
    lines.push('', `# ==== ${hop.from} → ${hop.to} (hop ${hop.index} of ${hop.of}) ====`);
    lines.push(...actLines(rehearsal.acts, request));
    const last = rehearsal.acts.at(-1);
    if (last?.kind === 'done' && last.outcome.kind !== 'upgraded') return `${lines.join('\n')}\n`;
    stands = rehearsal.observed;
  }
  return `${lines.join('\n')}\n`;
}

function opening({ observed, plan }: PrintRequest, hops: readonly Hop[]): string[] {
  const planes = observed.nodes.filter(({ role }) => role === 'controlPlane');
  const outage = durationMs(plan.spec.verdict.allowance.controlPlane) / 60_000;
  return [
    `# ${planes.length} control-plane and ${observed.nodes.length - planes.length} worker nodes, ${hops[0]?.from} → ${hops.at(-1)?.to}`,
    '# "on NODE": as root on that host. "anywhere": with kubectl. Nothing has been changed by printing this.',
    ...(planes.length === 1
      ? [
          `# One control-plane node: about two minutes without API while it restarts (${outage} min allowed); workloads go on.`,
        ]
      : []),
  ];
}

function actLines(acts: readonly RehearsedAct[], request: PrintRequest): string[] {
  const lines: string[] = [];
  const steps = acts.filter(({ kind }) => kind === 'step');
  for (const act of acts) {
    const said = linesOf(act, steps.indexOf(act) + 1, request);
    // The same wait again and again is one for a reader.
    if (act.kind !== 'wait' || said.at(-1) !== lines.at(-1)) lines.push(...said);
  }
  return lines;
}

function linesOf(act: RehearsedAct, number: number, request: PrintRequest): string[] {
  switch (act.kind) {
    case 'wait':
      return waitLines(act, request.plan);
    case 'note':
      return act.note.kind === 'committed' ? POINT_OF_NO_RETURN : [];
    case 'done':
      return ['', `# ${endWords(act)}`];
    case 'step': {
      const node = 'node' in act.step ? act.step.node : '';
      const { on, title, lines } = commandsOf(act.step, placeOf(node, request));
      return ['', `# ${number}. ${on === 'anywhere' ? 'anywhere' : `on ${on}`}: ${title}`, ...lines];
    }
  }
}

const POINT_OF_NO_RETURN = [
  '',
  '# ---- POINT OF NO RETURN ------------------------------------------------------------------------------------',
  '# Up to here workers are untouched. After it the control plane does not go back: workers can (rung 2, nothing lost),',
  '# the control plane only by restoring etcd (rung 6: every write since the snapshot is lost, two persons).',
];

/** Long enough for what a new kubelet restarts some ten seconds after it says Ready. */
const SETTLED_LOOKS = 15;
const LOOK_S = 2;

/**
 * The looks of one who waits for a control-plane node, good so many times in a row: its API server, the node, and its
 * static pods. A command, since who goes on too early asks an API server that is about to restart.
 */
function settled(node: string): string {
  const ready = (what: string): string => `kubectl wait --for=condition=Ready --timeout=2s ${what}`;
  const pods = `-n kube-system pod -l tier=control-plane --field-selector spec.nodeName=${node}`;
  return [
    `n=0; until [ $n -ge ${SETTLED_LOOKS} ]; do sleep ${LOOK_S}; if { kubectl get --raw=/readyz && ${ready(`node/${node}`)} \\`,
    `  && ${ready(pods)}; } >/dev/null; then \\`,
    // What is not good yet is said by kubectl itself: a wait without a word is no wait that anybody trusts.
    '  n=$((n+1)); else n=0; fi; done',
  ].join('\n');
}

function waitLines(wait: Extract<RehearsedAct, { kind: 'wait' }>, plan: Plan): string[] {
  if (wait.reason.code !== 'settling') return [waitLine(wait, plan)];
  const node = String(wait.reason.params.node ?? '');
  const good = `good for ${SETTLED_LOOKS * LOOK_S} s in a row`;
  return ['', `# anywhere: wait until ${node} is settled: API server, node and its static pods ${good}`, settled(node)];
}

/** A wait is told by what must hold, not by the clock of a rehearsal. */
function waitLine({ reason }: Extract<RehearsedAct, { kind: 'wait' }>, plan: Plan): string {
  const node = String(reason.params.node ?? '');
  const { window, minSoak } = plan.spec.verdict;
  switch (reason.code) {
    case 'judging':
      return `# watch your service levels for at least ${minSoak}, at most ${window}; stop here if they got worse`;
    case 'node_not_ready':
      return `# wait until ${node} is Ready at the new version`;
    case 'quorum_at_risk':
      return '# wait until every etcd member is healthy';
    default:
      return `# wait: ${describeReason(reason).replace(/ until \S+Z/, '')}`;
  }
}

function endWords({ outcome }: Extract<RehearsedAct, { kind: 'done' }>): string {
  if (outcome.kind === 'upgraded') return 'done: every component at the target, seen from outside';
  const why = 'reason' in outcome ? describeReason(outcome.reason) : '';
  return `Wavegate would not go on from here: ${why}`;
}

function placeOf(node: string, { plan, observed, systems }: PrintRequest): StepPlace {
  const role = observed.nodes.find(({ name }) => name === node)?.role ?? 'worker';
  const isRpm = /red hat|rhel|rocky|alma|fedora|centos|oracle|amazon/i.test(systems[node] ?? '');
  return { role, manager: isRpm ? 'dnf' : 'apt', spec: plan.spec };
}

function factsOf({ nodes }: Observed) {
  return {
    apiServers: nodes.flatMap(({ staticPods }) => staticPods['kube-apiserver']?.version ?? []),
    nodes: nodes.map(({ name, role, kubelet, ready, cordoned, zone }) => ({
      ...{ name, role, kubelet, ready, zone },
      schedulable: !cordoned,
    })),
  };
}

/** Of nobody's rollout: nothing of it is kept or sent. */
function orderOf(hop: Hop, plan: Plan, observed: Observed, at: number): Order {
  const text = canonicalText(plan);
  return {
    ...{ schema: 1, id: 'by-hand', kind: 'upgrade', parent: { kind: 'request', id: 'by-hand' }, clusterId: 'by-hand' },
    ...{ clusterUid: observed.uid, attempt: 1, hop, epoch: 1, plan: text, planDigest: sha256Hex(text) },
    ...{ approvedRungs: [], startBy: at + 3_600_000, deadline: at + 365 * 86_400_000 },
  };
}
