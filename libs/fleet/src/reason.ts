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
  window_closed: ['opensAt'],
  window_never_opens: [],
  freeze_active: ['until', 'name'],
  approval_missing: ['wave', 'have', 'need'],
  soak_running: ['wave', 'until'],
  budget_exceeded: ['wave', 'failures', 'tolerated'],
  verdict_missing: ['wave'],
  verdict_not_promote: ['wave', 'verdict'],
  offline_waiting: ['until'],
  offline_skipped: ['deadline'],
  offline_failed: ['deadline'],
  rollout_paused: ['by'],
  rollout_aborted: ['by'],
  rollout_finished: [],
  gate_passed: [],
  gate_not_asked: [],
  // a cluster that was sent an order
  order_sent: ['kind'],
  order_running: ['kind'],
  order_withdrawn: [],
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
  preflight_blocked: ['findings', 'first'],
  backup_running: ['node'],
  backup_failed: ['detail'],
  receipt_stale: ['takenAt'],
  control_plane_upgrading: ['node'],
  settling: ['node', 'until'],
  judging: ['phase', 'until'],
  draining: ['node'],
  drain_blocked: ['node', 'pod', 'pdb', 'owner', 'since', 'until'],
  drain_timed_out: ['node', 'pod', 'pdb'],
  node_upgrading: ['node'],
  node_not_ready: ['node', 'until'],
  api_unreachable: ['since'],
  step_failed: ['step', 'node', 'detail'],
  step_timed_out: ['step', 'node'],
  version_mismatch: ['component', 'expected', 'observed'],
  skew_violation: ['component', 'version', 'limit'],
  quorum_at_risk: ['healthy', 'members'],
  kubeadm_reverted: ['node', 'version'],
  slo_burned: ['objective', 'consumedPercent', 'minutes'],
  slo_fast_burn: ['objective', 'burn'],
  verdict_inconclusive: ['phase', 'detail'],
  no_data: ['objective'],
  no_rung_applies: ['committed'],
  rung_needs_approval: ['rung'],
  rolled_back: ['rung'],
  verified: ['version'],
  hub_away: ['since'],
  deadline_passed: ['deadline'],
  aborted_mid_order: [],
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
  plan_digest_mismatch: ['expected', 'found'],
  hub_draining: ['retryAfterMs'],
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
