import type { Check, CodeDoc } from './check.js';
import { addons } from './checks/addons.js';
import { afterUpgrade } from './checks/after-upgrade.js';
import { apiServices } from './checks/api-services.js';
import { backups } from './checks/backups.js';
import { certificates } from './checks/certificates.js';
import { clockSkew } from './checks/clock-skew.js';
import { controlPlaneHealth } from './checks/control-plane-health.js';
import { deprecatedApis } from './checks/deprecated-apis.js';
import { disruptionBudgets } from './checks/disruption-budgets.js';
import { drainRoom } from './checks/drain-room.js';
import { etcdHealth } from './checks/etcd-health.js';
import { externalEtcd } from './checks/external-etcd.js';
import { kubeadmConfig } from './checks/kubeadm-config.js';
import { manifestDrift } from './checks/manifest-drift.js';
import { nodeHealth } from './checks/node-health.js';
import { nodeHosts } from './checks/node-hosts.js';
import { nodeJobs } from './checks/node-jobs.js';
import { nodeRuntime } from './checks/node-runtime.js';
import { notVisible } from './checks/not-visible.js';
import { podLosses } from './checks/pod-losses.js';
import { podPlacement } from './checks/pod-placement.js';
import { quotas } from './checks/quotas.js';
import { serviceLevels } from './checks/service-levels.js';
import { singleReplicas } from './checks/single-replicas.js';
import { storedVersions } from './checks/stored-versions.js';
import { stuckObjects } from './checks/stuck-objects.js';
import { supportEnd } from './checks/support-end.js';
import { versionSkew } from './checks/version-skew.js';
import { webhooks } from './checks/webhooks.js';

/** Every check, in the order in which the documentation tells of them. A new one is a file and a line here. */
export const CHECKS: readonly Check[] = [
  ...[versionSkew, supportEnd, controlPlaneHealth, etcdHealth, externalEtcd],
  ...[nodeHealth, nodeRuntime, clockSkew, certificates],
  ...[deprecatedApis, storedVersions, manifestDrift, kubeadmConfig],
  ...[disruptionBudgets, podLosses, singleReplicas, podPlacement, quotas, stuckObjects, drainRoom],
  ...[webhooks, apiServices, nodeJobs, nodeHosts, backups, serviceLevels, afterUpgrade, addons, notVisible],
];

/** Codes about the look itself, which no check gives. */
export const LOOK_CODES: readonly CodeDoc[] = [
  {
    code: 'not_checked',
    title: 'Something could not be checked',
    meaning:
      'The API refused to tell, or did not answer. The message names the part, the reason and the codes about which nothing is known. For nodes, pods and budgets it blocks.',
    remedy: 'Grant what deploy/agent/rbac.yaml grants, or look again from where it can be reached.',
  },
  {
    code: 'severity_rule_not_applied',
    title: 'A rule of the plan was not applied',
    meaning:
      "A rule of `preflight.severities` names clusters by a selector, and this cluster's labels are not known where the check ran. The finding keeps its own severity.",
    remedy: 'Run it through the hub; or write the rule without a selector.',
  },
];

export function documentedCodes(): readonly CodeDoc[] {
  return [...CHECKS.flatMap(({ codes }) => codes), ...LOOK_CODES];
}
