import type { FindingCode } from '@wavegate/fleet';

/** The looks at one cluster that the table below speaks of; see preflight-codes.spec.ts for how each is made. */
export type LookName =
  | 'sound'
  | 'uninstalled'
  | 'troubled'
  | 'later'
  | 'unknownMinor'
  | 'fastClock'
  | 'oneWorker'
  | 'oneNode'
  | 'narrow'
  | 'etcdAway'
  | 'after'
  | 'afterWell';

/** Where a finding of the code must be, about which object; and where there must be none of it. */
export type Expected =
  | { readonly found: readonly [LookName, RegExp]; readonly absent: readonly [LookName, RegExp] }
  /** Another spec of this tier has the real objects for it. */
  | { readonly elsewhere: string }
  /** No object of the test world can bring it about: tried on recorded answers beside the code. */
  | { readonly unit: string };

const all = /./;
/** The kubelets of this world are simulated and have no hosts. */
const PROMETHEUS = 'preflight-of-a-real-prometheus.spec.ts';
const ETCD = 'preflight-of-a-real-etcd.spec.ts';
const HOSTS = 'libs/kube/src/node/inspect-hosts.spec.ts, and step-script.spec.ts beside it';
const found = (look: LookName, object: RegExp, absent: readonly [LookName, RegExp] = ['sound', all]): Expected => ({
  ...{ found: [look, object], absent },
});

/** Every code of the registry. The type makes a new code an error here until somebody has said how it comes about. */
export const EXPECTED: Readonly<Record<FindingCode, Expected>> = {
  skew_violation: found('troubled', /^kubelet\/w-old$/, ['troubled', /w-1$/]),
  hop_not_possible: found('troubled', /→ 1\.37\.0$/),
  api_servers_mixed: found('troubled', /kube-apiserver/),
  minor_unsupported: found('later', /^1\.3[45]$/),
  minor_support_unknown: found('unknownMinor', /^1\.99$/),
  api_server_not_ready: found('etcdAway', /127\.0\.0\.1/),
  control_plane_pod_missing: found('troubled', /^cp-2$/, ['troubled', /^cp-1$/]),
  control_plane_pod_not_ready: found('troubled', /kube-controller-manager-cp-2/, ['troubled', /cp-1/]),
  etcd_member_unhealthy: found('troubled', /^cp-2$/, ['troubled', /^cp-1$/]),
  // Two control-plane nodes, two members: also the sound cluster has it. Absent where nothing is stacked at all.
  etcd_no_fault_tolerance: found('sound', /^etcd$/, ['oneNode', all]),
  etcd_restarted_lately: found('troubled', /^cp-1$/, ['troubled', /^cp-2$/]),
  etcd_space_low: found('troubled', /^etcd$/),
  etcd_not_looked_at: found('oneNode', /^etcd$/),
  node_not_ready: found('troubled', /^w-sick$/, ['troubled', /^w-1$/]),
  node_cordoned: found('troubled', /^w-closed$/, ['troubled', /^w-1$/]),
  node_under_pressure: found('troubled', /^w-full$/, ['troubled', /^w-1$/]),
  container_runtime_too_old: found('troubled', /docker/, ['troubled', /containerd/]),
  container_runtime_old: found('troubled', /containerd:\/\/1\.7/, ['troubled', /containerd:\/\/2/]),
  cgroup_v1_likely: found('troubled', /CentOS/, ['troubled', /Debian/]),
  clock_skew: found('fastClock', /API server/),
  certificate_expired: found('later', /API server/),
  certificate_expires_soon: found('troubled', /API server/),
  ca_expires_soon: found('troubled', /authority/),
  client_certificates_expire_soon: found('troubled', /kube-apiserver/),
  removed_api_requested: found('troubled', /networking\.k8s\.io\/v1beta1 servicecidrs/, ['troubled', /endpoints/]),
  deprecated_api_requested: found('troubled', /v1 endpoints/, ['troubled', /servicecidrs/]),
  removed_api_written: found('troubled', /networking\.k8s\.io\/v1beta1 servicecidrs/),
  crd_old_version_stored: found('troubled', /^gadgets/, ['troubled', /^sounds/]),
  manifest_drift: found('troubled', /kube-apiserver@cp-1/, ['troubled', /kube-scheduler@cp-1/]),
  kubeadm_config_missing: found('uninstalled', /kubeadm-config/, ['troubled', all]),
  kubeadm_config_old: found('troubled', /kubeadm-config/),
  feature_gate_removed: found('troubled', /^PodIndexLabel$/, ['troubled', /^NodeSwap$/]),
  pdb_never_allows: found('troubled', /^shop\/never$/, ['troubled', /^shop\/sound$/]),
  pdb_blocks_now: found('troubled', /^shop\/unready$/, ['troubled', /^shop\/sound$/]),
  pdb_guards_unhealthy_pods: found('troubled', /^shop\/unready$/, ['troubled', /^shop\/sound$/]),
  pod_in_several_pdbs: found('troubled', /^shop\/twice$/, ['troubled', /^shop\/sound$/]),
  pod_with_local_data: found('troubled', /^shop\/cache$/, ['troubled', /^shop\/sound$/]),
  pod_without_controller: found('troubled', /^shop\/bare$/, ['troubled', /^shop\/sound$/]),
  single_replica: found('troubled', /^shop\/lonely$/, ['troubled', /^shop\/sound$/]),
  pod_on_local_volume: found('troubled', /^shop\/database$/, ['troubled', /^shop\/sound$/]),
  pod_tied_to_node: found('troubled', /^shop\/tied$/, ['troubled', /^shop\/sound$/]),
  pods_without_room: found('troubled', /^w-1$/, ['troubled', /^cp-1$/]),
  quota_full: found('troubled', /^tight\/pods$/),
  pod_crash_looping: found('troubled', /^shop\/crashing$/, ['troubled', /^shop\/sound$/]),
  pod_stuck_terminating: found('later', /^shop\/stuck$/, ['troubled', /^shop\/stuck$/]),
  namespace_terminating: found('troubled', /^leaving$/, ['troubled', /^shop$/]),
  nowhere_to_drain_to: found('oneNode', /^w-1$/, ['oneWorker', all]),
  one_worker_with_pdb: found('oneWorker', /^w-1$/, ['troubled', all]),
  own_pod_under_pdb: found('troubled', /^shop\/never-/, ['sound', all]),
  webhook_unreachable: found('troubled', /^gone\//, ['troubled', /^two-backends\//]),
  webhook_backend_drained: found('troubled', /^one-backend\//, ['troubled', /^two-backends\//]),
  webhook_intercepts_our_work: found('troubled', /^jobs\//, ['troubled', /^gone\//]),
  api_service_unavailable: found('troubled', /^v1\.nothing\.test$/),
  node_job_namespace_missing: found('uninstalled', /wavegate-nodes/, ['troubled', all]),
  node_job_refused: found('troubled', /wavegate-nodes/),
  velero_missing: found('uninstalled', /velero/, ['troubled', all]),
  velero_storage_unavailable: found('troubled', /^away$/, ['troubled', /^there$/]),
  velero_backup_old: found('troubled', /^old$/),
  velero_backup_failed: found('troubled', /^half$/, ['troubled', /^old$/]),
  velero_schedule_paused: found('troubled', /^asleep$/, ['troubled', /^nightly$/]),
  velero_schedule_invalid: found('troubled', /^broken$/, ['troubled', /^nightly$/]),
  etcd_receipt_old: found('troubled', /^etcd$/),
  metrics_source_missing: { elsewhere: PROMETHEUS },
  metrics_source_unreachable: { elsewhere: PROMETHEUS },
  silence_not_possible: { elsewhere: PROMETHEUS },
  gauge_not_measured: { elsewhere: PROMETHEUS },
  metrics_source_single: { elsewhere: PROMETHEUS },
  host_not_inspected: { unit: HOSTS },
  host_not_of_kubeadm: { unit: HOSTS },
  node_name_mismatch: { unit: HOSTS },
  package_manager_unknown: { unit: HOSTS },
  package_manager_experimental: { unit: HOSTS },
  package_managers_mixed: { unit: HOSTS },
  package_missing: { unit: HOSTS },
  package_repository_unusable: { unit: HOSTS },
  host_disk_full: { unit: HOSTS },
  image_not_on_host: { unit: HOSTS },
  etcd_alarm_raised: { elsewhere: ETCD },
  etcd_leader_unstable: { elsewhere: ETCD },
  etcd_quorum_at_risk: { elsewhere: ETCD },
  kubeadm_plan_failed: { unit: HOSTS },
  kubeadm_plan_says: { unit: HOSTS },
  objective_query_refused: { elsewhere: PROMETHEUS },
  objective_without_data: { elsewhere: PROMETHEUS },
  objective_period_too_short: { elsewhere: PROMETHEUS },
  objective_not_measured_at_target: { elsewhere: PROMETHEUS },
  blocking_alert_firing: { elsewhere: PROMETHEUS },
  version_not_reached: found('after', /kubelet of w-old/, ['after', /kubelet of w-1/]),
  workload_below_before: found('after', /^shop\/sound$/, ['afterWell', /^shop\/sound$/]),
  workload_gone: found('after', /^shop\/lonely$/, ['after', /^shop\/never$/]),
  crash_loop_since_upgrade: found('after', /^shop\/crashing$/, ['afterWell', all]),
  dns_not_answering: found('after', /kube-dns/, ['sound', all]),
  addon_seen: found('troubled', /CoreDNS 1\.12\.1/, ['sound', /CoreDNS/]),
  not_checked: found('narrow', /webhooks/, ['troubled', /webhooks/]),
  not_visible: found('troubled', /cluster/, ['after', /cluster/]),
  severity_rule_not_applied: found('troubled', /single_replica/, ['sound', all]),
};
