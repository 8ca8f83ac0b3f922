import { isoMinute } from './iso-minute.js';
import type { Reason, ReasonCode } from './reason.js';

/** Turns epoch ms into the text that a sentence carries. */
export type FormatTime = (at: number) => string;

type Params = Reason['params'];
type Sentence = (text: (name: string) => string, time: (name: string) => string) => string;

/** One sentence per code, present tense, the object named; typed so that a new code without a sentence does not compile. */
const SENTENCES: Readonly<Record<ReasonCode, Sentence>> = {
  waiting_for_wave: (t) => `wave ${t('wave')} is not through`,
  waiting_for_ring: (t) => `ring ${t('ring')} is not through`,
  waiting_for_slot: (t) => `all ${t('max')} slots are taken`,
  waiting_for_proof: (t) =>
    `${t('clean')} clean ${t('clean') === '1' ? 'cluster proves' : 'clusters prove'} no more than ${t('max')} at once (adaptive waves)`,
  window_closed: (_, at) => `its window opens at ${at('opensAt')}`,
  window_never_opens: () => 'none of its windows ever opens again',
  freeze_active: (t, at) => `freeze "${t('name')}" until ${at('until')}`,
  approval_missing: (t) => `wave ${t('wave')} has ${t('have')} of ${t('need')} approvals`,
  soak_running: (t, at) => `wave ${t('wave')} soaks until ${at('until')}`,
  budget_exceeded: (t) =>
    `wave ${t('wave')} has ${t('failures')} ${t('failures') === '1' ? 'failure' : 'failures'} and tolerates ${t('tolerated')}`,
  same_failure: (t) => `${t('second')} failed as ${t('first')} did: ${t('failure')}; both ${t('trait')}`,
  verdict_missing: (t) => `wave ${t('wave')} has no verdict yet`,
  verdict_not_promote: (t) => `the verdict of wave ${t('wave')} is ${t('verdict')}`,
  rollback_judged: (t) => `${helpedWords(t('helped'))}${t('detail') ? ` (${t('detail')})` : ''}`,
  verdict_undecided: (t) => `${t('cluster')} was upgraded and could not be judged: ${t('detail')}`,
  wave_upgraded_nothing: (t) =>
    `wave ${t('wave')} upgraded nothing: ${t('refused')} ${t('refused') === '1' ? 'cluster was' : 'clusters were'} refused before any change, first ${t('cluster')} (${t('because')})`,
  offline_waiting: (_, at) => `its agent is offline; waited for until ${at('until')}`,
  offline_skipped: (_, at) => `its agent was offline until the deadline at ${at('deadline')}; skipped`,
  offline_failed: (_, at) => `its agent was offline until the deadline at ${at('deadline')}; counted as failed`,
  rollout_paused: (t) => `the rollout is paused by ${t('by')}`,
  rollout_aborted: (t) => `the rollout was aborted by ${t('by')}`,
  rollout_finished: () => 'the rollout is finished',
  nothing_upgraded: (t) =>
    `the rollout is over and upgraded nothing: ${t('clusters') === '1' ? 'its only cluster was' : `all ${t('clusters')} clusters were`} left out`,
  gate_passed: () => 'passed',
  gate_not_asked: () => 'not asked for',
  order_sent: (t) => `${t('kind')} order sent; the agent has not accepted it yet`,
  order_running: (t) => `${t('kind')} order running`,
  waiting_for_order: (t) => `waits for the end of the ${t('kind')} order ${shortId(t('order'))}, which came first`,
  order_withdrawn: () => 'the order was withdrawn before it started',
  order_expired: (_, at) => `the order was not started by ${at('startBy')}`,
  order_superseded: (t) => `a newer order took its place (epoch ${t('epoch')})`,
  agent_lost: (_, at) => `the agent is silent since ${at('since')}`,
  agent_returned: () => 'the agent is back',
  retried: (t) => `retried by ${t('by')}: attempt ${t('attempt')}`,
  skipped_by_person: (t) => `skipped by ${t('by')}`,
  already_at_target: (t) => `already at ${t('version')}`,
  rollback_asked: (t) => `rollback asked for by ${t('by')}, approved rungs: ${t('rungs') || 'none'}`,
  preflight_running: () => 'preflight checks run',
  preflight_blocked: (t) => `${t('findings')} blocking findings, first ${t('first')}`,
  validation_running: () => 'what the upgrade left behind is compared with before',
  validation_waiting: (t, at) => `${afterWords(t)}; looked at again until ${at('until')}`,
  validation_failed: (t) => `after the upgrade ${afterWords(t)}`,
  backup_running: (t) => `etcd is backed up on ${t('node')}`,
  backup_failed: (t) => `the backup failed: ${t('detail')}`,
  manifests_exporting: (t) => `the manifests are exported to ${t('name')}`,
  velero_backup_running: (t) => `Velero backup ${t('name')} runs${t('phase') ? ` (${t('phase')})` : ''}`,
  velero_restore_running: (t) => `Velero restores from ${t('name')}${t('phase') ? ` (${t('phase')})` : ''}`,
  restore_failed: (t) => `the restore failed: ${t('detail')}`,
  prefetching: (t) => `packages and images of ${t('version')} are fetched onto ${t('node')}`,
  prefetch_incomplete: (t) =>
    `${t('have')} of ${t('of')} nodes have it; missing on ${t('nodes')}: ${t('detail')}. Mend that and ask again`,
  nothing_to_prefetch: (t) => `nothing to fetch: every node is at ${t('version')}`,
  receipt_stale: (_, at) => `the backup receipt of ${at('takenAt')} is too old`,
  control_plane_upgrading: (t) => `control-plane node ${t('node')} is upgraded`,
  preflight_again: (t, at) => `${t('finding')} blocks and may pass by itself: looked at again at ${at('until')}`,
  settling: (t, at) => `control-plane node ${t('node')} settles until ${at('until')}`,
  judging: (t, at) => `${judgedWords(t('phase'))} is judged until ${at('until')}`,
  draining: (t) => `node ${t('node')} is drained`,
  drain_blocked: (t, at) =>
    `node ${t('node')}: pod ${t('pod')} ${heldBy(t('pdb'))} (owner ${t('owner') || 'unknown'}) since ${at('since')}; gives up at ${at('until')}`,
  drain_timed_out: (t) => `draining node ${t('node')} took too long: pod ${t('pod')} ${heldBy(t('pdb'))}`,
  node_unknown: (t) => `there is no node ${t('node')} in this cluster`,
  node_uid_mismatch: (t) =>
    `node ${t('node')} is another object now: its UID is ${t('found')}, the order was made for ${t('expected')}`,
  last_schedulable_node: (t) =>
    `node ${t('node')} is the last one that takes pods: what is evicted has nowhere to go (topology: singleNode consents)`,
  node_upgrading: (t) => `node ${t('node')} is upgraded`,
  node_not_ready: (t, at) => `node ${t('node')} is not ready; waited for until ${at('until')}`,
  api_unreachable: (_, at) => `the API server does not answer since ${at('since')}`,
  step_failed: (t) => `step ${t('step')} on ${t('node')} failed: ${t('detail')}`,
  step_timed_out: (t) => `step ${t('step')} on ${t('node')} took too long`,
  step_interrupted: (t) =>
    `step ${t('step')} on ${t('node')} was interrupted before it could say how it ended: ${t('detail')}`,
  version_mismatch: (t) => `${t('component')} is at ${t('observed')}, expected ${t('expected')}`,
  skew_violation: (t) => `${t('component')} ${t('version')} breaks the version skew policy: ${t('limit')}`,
  quorum_at_risk: (t) =>
    `etcd has ${t('healthy')} of ${t('members')} members healthy: one more away and it loses quorum`,
  kubeadm_reverted: (t) => `kubeadm went back to ${t('version')} on ${t('node')} by itself`,
  kubeadm_left_behind: (t) =>
    `kubeadm went back to ${t('version')} on ${t('node')} by itself: ${t('detail')}; it leaves behind: ${t('left')}`,
  half_upgraded: (t) => `node ${t('node')} stands half-way (${t('stands')}): ${t('detail')}`,
  node_step_running: (t) => `node ${t('node')}: ${t('phase')}, ${t('percent')} %, waits for ${t('waiting')}`,
  step_refused: (t) =>
    `step ${t('step')} on ${t('node')} was refused before anything was changed (${t('code')}): ${t('detail')}`,
  api_away_as_declared: (t, at) =>
    `the only control-plane node ${t('node')} restarts: without API since ${at('since')}, expected back by ${at('until')}; workloads go on`,
  restore_staging: (t) => `what a restore of etcd would need is laid on ${t('node')}`,
  emulating: (t, at) => `the control plane emulates ${t('version')} until it commits at ${at('until')}`,
  slo_burned: (t) =>
    `${t('objective')} burned ${t('consumedPercent')} % of its 30-day budget in ${t('minutes')} minutes`,
  slo_fast_burn: (t) => `${t('objective')} burns its budget at ${t('burn')} times the sustainable rate`,
  slo_regressed: (t) =>
    `${t('objective')} is ${t('times')} times as bad as its own past after ${t('periods')} periods, ${peersWords(t('peers'))}`,
  wave_regressed: (t) =>
    `${t('objective')} is ${t('times')} times as bad as before over ${t('clusters')} clusters together${t('stratum') === '' ? '' : ` (${t('stratum')})`}, none of which was stopped by itself`,
  slo_unproven: (t) =>
    `${t('objective')} may still be worse than before: up to ${t('atMostPercent')} % bad cannot be ruled out, ${t('allowedPercent')} % is allowed`,
  slo_unsettled: (t) =>
    `${t('objective')} is no worse so far; ${t('periods')} periods are too few to rule out that it slowly gets worse`,
  slo_peers_too: (t) =>
    `${t('objective')} is worse, and so is it in ${t('peers')} clusters that nothing was changed in`,
  baseline_missing: (t) =>
    `${t('objective')} has ${t('periods')} periods from before the change, at least ${t('need')} are needed to compare`,
  controls_missing: (t) =>
    `${t('objective')} has fresh samples of ${t('have')} clusters that are not upgraded yet, ${t('need')} are needed`,
  verdict_inconclusive: (t) => `${judgedWords(t('phase'))} could not be judged: ${t('detail')}`,
  no_data: (t) => `no sufficient data for ${t('objective')}`,
  alert_firing: (t) => `alert ${t('alert')} fires since ${t('since')} (${t('labels')})`,
  no_rung_applies: (t) => `no rung of the rollback ladder applies: ${t('committed')} is committed`,
  rung_needs_approval: (t) => `rung ${t('rung')} of the rollback ladder needs a person's approval`,
  rolled_back: (t) => `rolled back (rung ${t('rung')})`,
  verified: (t) => `verified at ${t('version')}`,
  hub_away: (_, at) => `the hub is away since ${at('since')}`,
  deadline_passed: (_, at) => `the deadline at ${at('deadline')} passed`,
  aborted_mid_order: () => 'stopped at a safe point because the rollout was aborted',
  order_stopped: () => 'stopped at a safe point because the order was withdrawn',
  order_completed: () => 'completed',
  withdrawn_by_person: (t) => `withdrawn by ${t('by')}`,
  journal_rewound: (t) => `the agent's journal is older than the hub knows (found ${t('found')}, known ${t('known')})`,
  twin_agent: (t) => `another agent of this cluster is at work (generation ${t('generation')})`,
  token_used: () => 'the join token was used before',
  token_expired: () => 'the join token has expired',
  token_unknown: () => 'the join token is unknown',
  cluster_name_taken: (t) => `a cluster named ${t('name')} is enrolled already`,
  cluster_uid_mismatch: (t) => `the kube-system UID is ${t('found')}, expected ${t('expected')}: another cluster`,
  cluster_uid_known: (t) => `this cluster's UID belongs to ${t('cluster')}: a clone or a restore`,
  cluster_not_approved: () => 'the cluster waits for approval',
  certificate_revoked: () => 'the certificate was revoked',
  certificate_expired: (_, at) => `the certificate expired at ${at('expiredAt')}`,
  certificate_unknown: () => 'the certificate is not one of this hub',
  newer_generation: (t) => `a newer session took over (generation ${t('generation')})`,
  schema_too_new: (t) => `schema ${t('schema')} is newer than ${t('known')}, the newest this release knows`,
  message_too_large: (t) => `the message has ${t('bytes')} bytes, at most ${t('limit')} are allowed`,
  message_unknown: () => 'the message is of a kind this release does not know',
  local_policy: (t) => `the cluster's own policy forbids it: ${t('rule')}`,
  epoch_too_old: (t) => `the order's epoch ${t('epoch')} is older than ${t('known')}, already seen`,
  order_unknown_kind: (t) => `orders of kind "${t('kind')}" are not known to this release`,
  order_malformed: (t) => `the order cannot be read: ${t('field')}`,
  plan_field_unknown: (t) =>
    `the plan uses ${t('field')}, which this release does not know; upgrade this agent, or leave the field out`,
  plan_digest_mismatch: (t) => `the order's plan has digest ${t('found')}, not ${t('expected')}`,
  hub_draining: (t) => `the hub is shutting down; reconnect in ${t('retryAfterMs')} ms`,
  rate_limited: (t) => `more agents ask at once than the hub lets in; ask again in ${t('retryAfterMs')} ms`,
  store_unavailable: (t) => `the hub could not use its database; reconnect in ${t('retryAfterMs')} ms`,
  driver_missing: () => 'no driver of this release upgrades this kind of cluster',
  excluded_by_plan: () => 'excluded by the plan',
  facts_missing: () => 'its agent has not reported any facts yet',
  hop_impossible: (t) => `there is no way to the target: ${t('detail')}`,
  verdict_overridden: (t) => `the verdict was overridden by ${t('by')}`,
  agent_busy: (t) => `the agent works at order ${t('order')}`,
};

/**
 * One short English sentence, without a full stop, for a person to read beside a cluster or in a log. Times are ISO
 * minutes in UTC unless a formatter is given. A code of a newer release is shown with its parameters, never dropped.
 */
export function describeReason(reason: Reason, formatTime: FormatTime = isoMinute): string {
  const { code, params } = reason;
  if (!Object.hasOwn(SENTENCES, code)) return describeUnknown(code, params);
  const text = (name: string): string => String(Object.hasOwn(params, name) ? params[name] : '?');
  const time = (name: string): string => {
    const at = Object.hasOwn(params, name) ? params[name] : undefined;
    return typeof at === 'number' && Number.isFinite(at) ? formatTime(at) : text(name);
  };
  return SENTENCES[code](text, time);
}

function peersWords(peers: string): string {
  return peers === '0' ? 'with no peers to compare' : `while ${peers} clusters that nothing was changed in are not`;
}

/** What is judged in a phase, for a reader who does not know the phases' names; those of a newer release stay as they are. */
function judgedWords(phase: string): string {
  const words: Readonly<Record<string, string>> = {
    judgeControlPlane: 'the upgraded control plane',
    judgeCanary: 'the node canary',
    workers: 'the batch of workers',
    judgeFinal: 'the whole cluster',
    judgeRollback: 'the rollback',
  };
  return Object.hasOwn(words, phase) ? (words[phase] ?? phase) : phase;
}

function describeUnknown(code: string, params: Params): string {
  const names = Object.keys(params).sort();
  return names.length === 0 ? code : `${code} (${names.map((name) => `${name} ${params[name]}`).join(', ')})`;
}

/** What a validation found; a look that failed found nothing to count. */
function afterWords(t: (name: string) => string): string {
  const object = t('object') ? ` (${t('object')})` : '';
  return t('findings') === '0'
    ? `the cluster could not be looked at: ${t('first')}${object}`
    : `${t('findings')} blocking findings, first ${t('first')}${object}`;
}

/** No name of a budget has a blank in it: what has one says itself what holds the pod, such as its finalizers. */
function heldBy(pdb: string): string {
  if (pdb === '') return 'is still there';
  return pdb.includes(' ') ? pdb : `is held by PDB ${pdb}`;
}

/** Eight digits of a digest tell orders apart on a screen; anything else is said whole. */
function shortId(id: string): string {
  return /^[0-9a-f]{16,}$/.test(id) ? id.slice(0, 8) : id;
}

/** Did a rollback help? A word of a newer release is said as it is. */
function helpedWords(helped: string): string {
  const words: Readonly<Record<string, string>> = {
    yes: 'judged afterwards: it helped',
    partly: 'judged afterwards: it helped in part, users still hurt',
    unchanged: 'judged afterwards: no worse than before it, and no better',
    no: 'judged afterwards: it did not help',
    unknown: 'whether it helped could not be judged',
  };
  return words[helped] ?? `judged afterwards: ${helped}`;
}
