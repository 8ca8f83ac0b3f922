import { canHop, mayPass, reason, type Finding, type Reason } from '@wavegate/fleet';
import { PREFLIGHT_AGAIN_MS, PREFLIGHT_LOOKS, STEP_RUNS } from '../bounds.js';
import { carryOut, finishOpenSteps, goOnTo, halt, skip, waitFor } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { isSchedulable } from '../node-work.js';
import { quorumNeverHolds } from '../quorum.js';
import type { Situation } from '../situation.js';
import { apiServers, controlPlaneAt, sameRelease } from '../standing.js';
import { runsOf, type Runs } from '../step-runs.js';

/** Nothing is touched here: what blocks ends the attempt as skipped. */
export function preflight(situation: Situation): UpgradeDecision {
  const { stop, journal } = situation;
  if (stop) return journal.withdrawal ? skip(stop) : halt(situation, stop);
  const local = localProblem(situation);
  if (local) return skip(local);
  const open = finishOpenSteps(situation);
  if (open) return open;
  return looked(situation, runsOf(situation, 'preflight'));
}

function looked(situation: Situation, runs: Runs): UpgradeDecision {
  const { last, failed } = runs;
  if (last?.state === 'succeeded') return judged(situation, runs, last.endedAt ?? situation.at);
  if (last?.failure && failed >= STEP_RUNS) return halt(situation, last.failure);
  return look(situation, runs);
}

function look(situation: Situation, { name }: Runs): UpgradeDecision {
  return carryOut(situation, [{ kind: 'preflight', name, target: situation.hop.to }]);
}

function judged(situation: Situation, runs: Runs, lookedAt: number): UpgradeDecision {
  const blocking = situation.journal.findings.filter(({ severity }) => severity === 'block');
  const [first] = blocking;
  if (!first) return goOnTo(situation, hasArrived(situation) ? 'verify' : 'backup');
  if (!isWorthAnotherLook(blocking, runs)) {
    return skip(reason('preflight_blocked', { findings: blocking.length, first: first.code }));
  }
  const until = lookedAt + PREFLIGHT_AGAIN_MS;
  const why = reason('preflight_again', { finding: first.code, until });
  return situation.at < until ? waitFor(situation, why, until) : look(situation, runs);
}

/** One moment in which a node was not Ready must not cost a wave its cluster; what a person has to mend is said at once. */
function isWorthAnotherLook(blocking: readonly Finding[], { all, failed }: Runs): boolean {
  return blocking.every(({ code }) => mayPass(code)) && all.length - failed < PREFLIGHT_LOOKS;
}

function hasArrived({ controlPlane, observed, hop }: Situation): boolean {
  return (
    controlPlane.every((node) => controlPlaneAt(node, hop.to)) &&
    observed.nodes.every((node) => sameRelease(node.kubelet, hop.to))
  );
}

/** Checked by the agent itself against what it sees, whatever the hub believes. */
function localProblem(situation: Situation): Reason | null {
  const { observed, order, plan, hop } = situation;
  if (observed.uid !== order.clusterUid) {
    return reason('cluster_uid_mismatch', { expected: order.clusterUid, found: observed.uid });
  }
  const servers = apiServers(observed);
  const stranger = servers.find(({ version }) => !sameRelease(version, hop.from) && !sameRelease(version, hop.to));
  if (stranger) {
    const component = `apiserver/${stranger.name}`;
    return reason('version_mismatch', { component, expected: hop.from, observed: stranger.version });
  }
  const skew = canHop({ apiServers: servers.map(({ version }) => version), nodes: nodesAsFacts(situation) }, hop);
  if (skew) return skew;
  if (quorumNeverHolds(observed) && observed.etcd) {
    return reason('quorum_at_risk', { healthy: observed.etcd.healthy, members: observed.etcd.members });
  }
  const alone = observed.nodes.filter(isSchedulable).length < 2;
  if (alone && plan.spec.topology !== 'singleNode') {
    return reason('preflight_blocked', { findings: 1, first: 'single_node_without_consent' });
  }
  return null;
}

function nodesAsFacts({ observed }: Situation) {
  return observed.nodes.map(({ name, role, kubelet, ready, cordoned, zone }) => ({
    ...{ name, role, kubelet, ready, zone },
    schedulable: !cordoned,
  }));
}
