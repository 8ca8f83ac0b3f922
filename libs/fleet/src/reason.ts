/**
 * A reason says why something stands as it stands. It is data (a code and parameters) wherever it is kept or sent;
 * text is made only when it is shown (`describeReason`), so that the state, the log line, the metric label and the
 * screen all carry the same word.
 */
export interface Reason {
  readonly code: ReasonCode;
  /** Small, flat and printable: names, counts, versions, epoch milliseconds. Never secrets, never long text. */
  readonly params: Readonly<Record<string, string | number>>;
}

/** Every reason code of the product, with the parameters it carries. Fields are only added. */
export const REASON_CODES = {
  // a cluster that has not started
  waiting_for_wave: ['wave'],
  waiting_for_ring: ['ring'],
  waiting_for_slot: ['max'],
  waiting_for_proof: ['clean', 'max'],
  window_closed: ['opensAt'],
  window_never_opens: [],
  freeze_active: ['until', 'name'],
  approval_missing: ['wave', 'have', 'need'],
  soak_running: ['wave', 'until'],
  budget_exceeded: ['wave', 'failures', 'tolerated'],
  same_failure: ['first', 'second', 'failure', 'trait'],
  verdict_missing: ['wave'],
  verdict_not_promote: ['wave', 'verdict'],
  rollback_judged: ['helped', 'detail'],
  verdict_undecided: ['cluster', 'detail'],
  wave_upgraded_nothing: ['wave', 'refused', 'cluster', 'because'],
  offline_waiting: ['until'],
  offline_skipped: ['deadline'],
  offline_failed: ['deadline'],
  rollout_paused: ['by'],
  rollout_aborted: ['by'],
  rollout_finished: [],
  nothing_upgraded: ['clusters'],
  gate_passed: [],
  gate_not_asked: [],
  // a cluster that was sent an order
  order_sent: ['kind'],
  order_running: ['kind'],
  order_withdrawn: [],
  waiting_for_order: ['order', 'kind'],
  order_expired: ['startBy'],
  order_superseded: ['epoch'],
  agent_lost: ['since'],
  agent_returned: [],
  retried: ['by', 'attempt'],
  skipped_by_person: ['by'],
  already_at_target: ['version'],
  rollback_asked: ['by', 'rungs'],
  verdict_overridden: ['by'],
  // a cluster that a plan leaves out
  excluded_by_plan: [],
  driver_missing: [],
  facts_missing: [],
  hop_impossible: ['detail'],
  // inside one cluster
  preflight_running: [],
  preflight_again: ['finding', 'until'],
  preflight_blocked: ['findings', 'first'],
  validation_running: [],
  validation_waiting: ['findings', 'first', 'object', 'until'],
  validation_failed: ['findings', 'first', 'object'],
  backup_running: ['node'],
  backup_failed: ['detail'],
  manifests_exporting: ['name'],
  velero_backup_running: ['name', 'phase'],
  velero_restore_running: ['name', 'phase'],
  restore_failed: ['detail'],
  prefetching: ['node', 'version'],
  prefetch_incomplete: ['have', 'of', 'nodes', 'detail'],
  nothing_to_prefetch: ['version'],
  receipt_stale: ['takenAt'],
  control_plane_upgrading: ['node'],
  settling: ['node', 'until'],
  judging: ['phase', 'until'],
  draining: ['node'],
  drain_blocked: ['node', 'pod', 'pdb', 'owner', 'since', 'until'],
  drain_timed_out: ['node', 'pod', 'pdb'],
  node_unknown: ['node'],
  node_uid_mismatch: ['node', 'expected', 'found'],
  last_schedulable_node: ['node'],
  node_upgrading: ['node'],
  node_not_ready: ['node', 'until'],
  api_unreachable: ['since'],
  step_failed: ['step', 'node', 'detail'],
  step_timed_out: ['step', 'node'],
  step_interrupted: ['step', 'node', 'detail'],
  version_mismatch: ['component', 'expected', 'observed'],
  skew_violation: ['component', 'version', 'limit'],
  quorum_at_risk: ['healthy', 'members'],
  kubeadm_reverted: ['node', 'version'],
  kubeadm_left_behind: ['node', 'version', 'detail', 'left'],
  half_upgraded: ['node', 'stands', 'detail'],
  node_step_running: ['node', 'phase', 'percent', 'waiting'],
  step_refused: ['step', 'node', 'code', 'detail'],
  api_away_as_declared: ['node', 'since', 'until'],
  restore_staging: ['node'],
  emulating: ['version', 'until'],
  slo_burned: ['objective', 'consumedPercent', 'minutes'],
  slo_fast_burn: ['objective', 'burn'],
  slo_regressed: ['objective', 'times', 'periods', 'peers'],
  wave_regressed: ['objective', 'times', 'clusters', 'stratum'],
  slo_unproven: ['objective', 'atMostPercent', 'allowedPercent'],
  slo_unsettled: ['objective', 'periods'],
  slo_peers_too: ['objective', 'peers'],
  baseline_missing: ['objective', 'periods', 'need'],
  controls_missing: ['objective', 'have', 'need'],
  verdict_inconclusive: ['phase', 'detail'],
  no_data: ['objective'],
  alert_firing: ['alert', 'labels', 'since'],
  no_rung_applies: ['committed'],
  rung_needs_approval: ['rung'],
  rolled_back: ['rung'],
  verified: ['version'],
  hub_away: ['since'],
  deadline_passed: ['deadline'],
  aborted_mid_order: [],
  order_stopped: [],
  order_completed: [],
  withdrawn_by_person: ['by'],
  journal_rewound: ['known', 'found'],
  twin_agent: ['generation'],
  // refusals on the wire and of orders
  token_used: [],
  token_expired: [],
  token_unknown: [],
  cluster_name_taken: ['name'],
  cluster_uid_mismatch: ['expected', 'found'],
  cluster_uid_known: ['cluster'],
  cluster_not_approved: [],
  certificate_revoked: [],
  certificate_expired: ['expiredAt'],
  certificate_unknown: [],
  newer_generation: ['generation'],
  schema_too_new: ['schema', 'known'],
  message_too_large: ['bytes', 'limit'],
  message_unknown: [],
  local_policy: ['rule'],
  epoch_too_old: ['epoch', 'known'],
  order_unknown_kind: ['kind'],
  order_malformed: ['field'],
  plan_field_unknown: ['field'],
  plan_digest_mismatch: ['expected', 'found'],
  hub_draining: ['retryAfterMs'],
  rate_limited: ['retryAfterMs'],
  store_unavailable: ['retryAfterMs'],
  agent_busy: ['order'],
} as const satisfies Record<string, readonly string[]>;

export type ReasonCode = keyof typeof REASON_CODES;

/** Builds a reason; the parameters are checked against the code's list by the type. */
export function reason<C extends ReasonCode>(
  code: C,
  ...params: (typeof REASON_CODES)[C] extends readonly []
    ? []
    : [Record<(typeof REASON_CODES)[C][number], string | number>]
): Reason {
  return { code, params: params[0] ?? {} };
}

/** True where a string from the wire or a row is a code this release knows. Unknown codes are carried, not crashed on. */
export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASON_CODES, code);
}
