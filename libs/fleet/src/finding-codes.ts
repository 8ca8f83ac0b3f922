import type { Severity } from './finding.js';

/**
 * Every code a preflight or a validation after an upgrade may give, with its severity where neither check nor plan says
 * otherwise. It is here, and not beside the checks, because the hub validates plans that name codes and has no code
 * that reaches a cluster. The registry of checks (libs/kube) holds meaning and remedy of each; a test keeps both equal.
 */
export const FINDING_CODES = {
  // Versions, and the way to the target.
  skew_violation: 'block',
  hop_not_possible: 'block',
  api_servers_mixed: 'warn',
  minor_unsupported: 'warn',
  minor_support_unknown: 'info',
  // Control plane, etcd, nodes.
  api_server_not_ready: 'block',
  control_plane_pod_missing: 'block',
  control_plane_pod_not_ready: 'block',
  etcd_member_unhealthy: 'block',
  etcd_no_fault_tolerance: 'warn',
  etcd_restarted_lately: 'warn',
  etcd_leader_unstable: 'warn',
  etcd_space_low: 'warn',
  etcd_not_looked_at: 'info',
  node_not_ready: 'block',
  node_cordoned: 'warn',
  node_under_pressure: 'block',
  container_runtime_too_old: 'block',
  container_runtime_old: 'warn',
  cgroup_v1_likely: 'warn',
  clock_skew: 'warn',
  // Certificates.
  certificate_expired: 'block',
  certificate_expires_soon: 'warn',
  ca_expires_soon: 'warn',
  client_certificates_expire_soon: 'warn',
  // What the target no longer knows, and what kubeadm would drop.
  removed_api_requested: 'block',
  deprecated_api_requested: 'warn',
  removed_api_written: 'warn',
  crd_old_version_stored: 'warn',
  manifest_drift: 'block',
  kubeadm_config_missing: 'block',
  kubeadm_config_old: 'warn',
  feature_gate_removed: 'block',
  // What a drain would meet.
  pdb_never_allows: 'block',
  pdb_blocks_now: 'warn',
  pdb_guards_unhealthy_pods: 'warn',
  pod_in_several_pdbs: 'block',
  pod_with_local_data: 'block',
  pod_without_controller: 'block',
  single_replica: 'warn',
  pod_on_local_volume: 'warn',
  pod_tied_to_node: 'warn',
  pods_without_room: 'warn',
  quota_full: 'warn',
  pod_crash_looping: 'warn',
  pod_stuck_terminating: 'warn',
  namespace_terminating: 'warn',
  nowhere_to_drain_to: 'block',
  one_worker_with_pdb: 'block',
  own_pod_under_pdb: 'warn',
  // What stands between the API server and our own work.
  webhook_unreachable: 'block',
  webhook_backend_drained: 'warn',
  webhook_intercepts_our_work: 'warn',
  api_service_unavailable: 'warn',
  node_job_namespace_missing: 'block',
  node_job_refused: 'block',
  // What only the hosts know, as their node Jobs say.
  host_not_inspected: 'warn',
  host_not_of_kubeadm: 'block',
  node_name_mismatch: 'block',
  package_manager_unknown: 'block',
  package_manager_experimental: 'warn',
  package_managers_mixed: 'block',
  package_missing: 'block',
  package_repository_unusable: 'block',
  host_disk_full: 'block',
  image_not_on_host: 'info',
  etcd_alarm_raised: 'block',
  etcd_quorum_at_risk: 'block',
  kubeadm_plan_failed: 'block',
  kubeadm_plan_says: 'info',
  // Backups.
  velero_missing: 'block',
  velero_storage_unavailable: 'block',
  velero_backup_old: 'warn',
  velero_backup_failed: 'warn',
  velero_schedule_paused: 'warn',
  velero_schedule_invalid: 'warn',
  etcd_receipt_old: 'info',
  // What a verdict will be measured by.
  metrics_source_missing: 'block',
  metrics_source_unreachable: 'block',
  metrics_source_single: 'warn',
  objective_query_refused: 'block',
  objective_without_data: 'block',
  objective_period_too_short: 'block',
  objective_not_measured_at_target: 'warn',
  blocking_alert_firing: 'block',
  silence_not_possible: 'warn',
  gauge_not_measured: 'warn',
  // After an upgrade.
  version_not_reached: 'block',
  workload_below_before: 'block',
  workload_gone: 'warn',
  crash_loop_since_upgrade: 'block',
  dns_not_answering: 'block',
  // About the look itself.
  addon_seen: 'info',
  not_checked: 'warn',
  not_visible: 'info',
  severity_rule_not_applied: 'warn',
} as const satisfies Readonly<Record<string, Severity>>;

export type FindingCode = keyof typeof FINDING_CODES;

/**
 * What a sound cluster may show for a moment: a server restarts, a lease or a mirror is late, kubeadm's own test Job
 * waited for a busy node. An upgrade order looks again before it is refused for nothing but these.
 */
const PASSING_CODES: ReadonlySet<string> = new Set<FindingCode>([
  'api_server_not_ready',
  'control_plane_pod_not_ready',
  'etcd_member_unhealthy',
  'etcd_quorum_at_risk',
  'kubeadm_plan_failed',
  'metrics_source_unreachable',
  'node_not_ready',
  'package_repository_unusable',
  'velero_storage_unavailable',
  'webhook_unreachable',
]);

export const mayPass = (code: string): boolean => PASSING_CODES.has(code);

export function isFindingCode(code: string): code is FindingCode {
  return Object.hasOwn(FINDING_CODES, code);
}

/** Where a person reads what a code means and what to do: a path in this project's documentation. */
export function findingDoc(code: string): string {
  return `docs/preflight.md#${code}`;
}
