import { isReached } from './removed-apis.js';

/**
 * Feature gates that components of a minor no longer know: named on a command line or in a configuration, they keep the
 * component from starting ("unrecognized feature gate"). Source: the differences between the feature lists
 * (`test/.../versioned_feature_list.yaml`) of Kubernetes 1.32.0, 1.33.0, 1.34.4, 1.35.4 and 1.36.3, read on 2026-11-21.
 * Gates of 1.32 and older are not in this table, nor are those of a minor newer than 1.36.
 */
const REMOVED: Readonly<Record<string, string>> = {
  '1.33':
    'APIListChunking AdmissionWebhookMatchConditions AggregatedDiscoveryEndpoint AppArmor AppArmorFields CPUManager DisableCloudProviders DisableKubeletCloudCredentialProviders EfficientWatchResumption JobPodFailurePolicy KubeProxyDrainingTerminatingNodes PDBUnhealthyPodEvictionPolicy PersistentVolumeLastPhaseTransitionTime RemainingItemCount VolumeCapacityPriority WatchBookmark',
  '1.34':
    'DevicePluginCDIDevices ElasticIndexedJob LegacySidecarContainers PodDisruptionConditions StatefulSetStartOrdinal',
  '1.35':
    'AllowServiceLBStatusOnNonLB ComponentSLIs CronJobsScheduledAnnotation LoadBalancerIPMode PodIndexLabel ProbeHostPodSecurityStandards SizeMemoryBackedVolumes StatefulSetAutoDeletePVC StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks UserNamespacesPodSecurityStandards',
  '1.36':
    'CPUCFSQuotaPeriod CSIMigrationPortworx HonorPVReclaimPolicy InPlacePodVerticalScalingAllocatedStatus InTreePluginPortworxUnregister MemoryManager RuntimeClassInImageCriAPI ServiceTrafficDistribution StructuredAuthorizationConfiguration TopologyAwareHints WatchFromStorageWithoutResourceVersion',
};

/** kubeadm's own gates (ClusterConfiguration.featureGates), from `cmd/kubeadm/app/features/features.go` of the same. */
const KUBEADM_REMOVED: Readonly<Record<string, string>> = {
  '1.35': 'WaitForAllControlPlaneComponents',
  '1.36': 'ControlPlaneKubeletLocalMode',
};

/** The newest minor that the tables know about: beyond it, silence proves nothing. */
export const FEATURE_GATES_KNOWN_UNTIL = '1.36';

/** The minor in which a component stopped knowing the gate, where that is `target`'s minor or an older one; null otherwise. */
export function gateRemovedIn(gate: string, target: string, of: 'component' | 'kubeadm' = 'component'): string | null {
  const table = of === 'kubeadm' ? KUBEADM_REMOVED : REMOVED;
  const found = Object.entries(table).find(([, gates]) => gates.split(' ').includes(gate));
  return found && isReached(found[0], target) ? found[0] : null;
}
