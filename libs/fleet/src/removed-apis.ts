import { parseVersion } from './version.js';

/** A served version of a built-in kind that Kubernetes stops serving. */
export interface RemovedApi {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  /** Minors: "1.29". */
  readonly deprecatedIn: string;
  readonly removedIn: string;
  /** "flowcontrol.apiserver.k8s.io/v1"; '' where Kubernetes names none. */
  readonly replacement: string;
}

/**
 * Source: the generated lifecycle functions (`zz_generated.prerelease-lifecycle.go`) of k8s.io/api v0.24.17, v0.28.15,
 * v0.31.14, v0.34.4, v0.35.4 and v0.36.3, read on 2026-11-21; replacements that those leave out by the deprecation
 * guide. Removals after 1.36 are announcements: a version may be kept longer. Columns: deprecated in, removed in,
 * group/version, resource, kind, replacement.
 */
const TABLE = `
1.16 1.22 admissionregistration.k8s.io/v1beta1 mutatingwebhookconfigurations MutatingWebhookConfiguration admissionregistration.k8s.io/v1
1.16 1.22 admissionregistration.k8s.io/v1beta1 validatingwebhookconfigurations ValidatingWebhookConfiguration admissionregistration.k8s.io/v1
1.19 1.22 certificates.k8s.io/v1beta1 certificatesigningrequests CertificateSigningRequest certificates.k8s.io/v1
1.19 1.22 coordination.k8s.io/v1beta1 leases Lease coordination.k8s.io/v1
1.14 1.22 extensions/v1beta1 ingresses Ingress networking.k8s.io/v1
1.19 1.22 networking.k8s.io/v1beta1 ingressclasses IngressClass networking.k8s.io/v1
1.19 1.22 networking.k8s.io/v1beta1 ingresses Ingress networking.k8s.io/v1
1.17 1.22 rbac.authorization.k8s.io/v1beta1 clusterrolebindings ClusterRoleBinding rbac.authorization.k8s.io/v1
1.17 1.22 rbac.authorization.k8s.io/v1beta1 clusterroles ClusterRole rbac.authorization.k8s.io/v1
1.17 1.22 rbac.authorization.k8s.io/v1beta1 rolebindings RoleBinding rbac.authorization.k8s.io/v1
1.17 1.22 rbac.authorization.k8s.io/v1beta1 roles Role rbac.authorization.k8s.io/v1
1.14 1.22 scheduling.k8s.io/v1beta1 priorityclasses PriorityClass scheduling.k8s.io/v1
1.19 1.22 storage.k8s.io/v1beta1 csidrivers CSIDriver storage.k8s.io/v1
1.17 1.22 storage.k8s.io/v1beta1 csinodes CSINode storage.k8s.io/v1
1.19 1.22 storage.k8s.io/v1beta1 storageclasses StorageClass storage.k8s.io/v1
1.19 1.22 storage.k8s.io/v1beta1 volumeattachments VolumeAttachment storage.k8s.io/v1
1.21 1.24 storage.k8s.io/v1alpha1 csistoragecapacities CSIStorageCapacity storage.k8s.io/v1beta1
1.21 1.24 storage.k8s.io/v1alpha1 volumeattachments VolumeAttachment storage.k8s.io/v1
1.22 1.25 autoscaling/v2beta1 horizontalpodautoscalers HorizontalPodAutoscaler autoscaling/v2
1.21 1.25 batch/v1beta1 cronjobs CronJob batch/v1
1.21 1.25 discovery.k8s.io/v1beta1 endpointslices EndpointSlice discovery.k8s.io/v1
1.22 1.25 events.k8s.io/v1beta1 events Event events.k8s.io/v1
1.22 1.25 node.k8s.io/v1beta1 runtimeclasses RuntimeClass node.k8s.io/v1
1.21 1.25 policy/v1beta1 poddisruptionbudgets PodDisruptionBudget policy/v1
1.21 1.25 policy/v1beta1 podsecuritypolicies PodSecurityPolicy -
1.23 1.26 autoscaling/v2beta2 horizontalpodautoscalers HorizontalPodAutoscaler autoscaling/v2
1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta1 flowschemas FlowSchema flowcontrol.apiserver.k8s.io/v1beta3
1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta1 prioritylevelconfigurations PriorityLevelConfiguration flowcontrol.apiserver.k8s.io/v1beta3
1.24 1.27 storage.k8s.io/v1beta1 csistoragecapacities CSIStorageCapacity storage.k8s.io/v1
1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta2 flowschemas FlowSchema flowcontrol.apiserver.k8s.io/v1beta3
1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta2 prioritylevelconfigurations PriorityLevelConfiguration flowcontrol.apiserver.k8s.io/v1beta3
1.28 1.31 networking.k8s.io/v1alpha1 clustercidrs ClusterCIDR -
1.29 1.32 admissionregistration.k8s.io/v1alpha1 validatingadmissionpolicies ValidatingAdmissionPolicy admissionregistration.k8s.io/v1
1.29 1.32 admissionregistration.k8s.io/v1alpha1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding admissionregistration.k8s.io/v1
1.29 1.32 flowcontrol.apiserver.k8s.io/v1beta3 flowschemas FlowSchema flowcontrol.apiserver.k8s.io/v1
1.29 1.32 flowcontrol.apiserver.k8s.io/v1beta3 prioritylevelconfigurations PriorityLevelConfiguration flowcontrol.apiserver.k8s.io/v1
1.30 1.33 networking.k8s.io/v1alpha1 ipaddresses IPAddress networking.k8s.io/v1
1.30 1.33 networking.k8s.io/v1alpha1 servicecidrs ServiceCIDR networking.k8s.io/v1
1.31 1.34 admissionregistration.k8s.io/v1beta1 validatingadmissionpolicies ValidatingAdmissionPolicy admissionregistration.k8s.io/v1
1.31 1.34 admissionregistration.k8s.io/v1beta1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding admissionregistration.k8s.io/v1
1.32 1.35 storage.k8s.io/v1alpha1 volumeattributesclasses VolumeAttributesClass storage.k8s.io/v1
1.33 1.36 storagemigration.k8s.io/v1alpha1 storageversionmigrations StorageVersionMigration -
1.34 1.37 certificates.k8s.io/v1alpha1 clustertrustbundles ClusterTrustBundle -
1.34 1.37 coordination.k8s.io/v1alpha1 leasecandidates LeaseCandidate -
1.34 1.37 networking.k8s.io/v1beta1 ipaddresses IPAddress networking.k8s.io/v1
1.34 1.37 networking.k8s.io/v1beta1 servicecidrs ServiceCIDR networking.k8s.io/v1
1.34 1.37 storage.k8s.io/v1beta1 volumeattributesclasses VolumeAttributesClass storage.k8s.io/v1
1.35 1.38 admissionregistration.k8s.io/v1alpha1 mutatingadmissionpolicies MutatingAdmissionPolicy -
1.35 1.38 admissionregistration.k8s.io/v1alpha1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding -
1.35 1.38 coordination.k8s.io/v1alpha2 leasecandidates LeaseCandidate -
1.35 1.38 resource.k8s.io/v1beta1 deviceclasses DeviceClass resource.k8s.io/v1
1.35 1.38 resource.k8s.io/v1beta1 resourceclaims ResourceClaim resource.k8s.io/v1
1.35 1.38 resource.k8s.io/v1beta1 resourceclaimtemplates ResourceClaimTemplate resource.k8s.io/v1
1.35 1.38 resource.k8s.io/v1beta1 resourceslices ResourceSlice resource.k8s.io/v1
1.36 1.39 coordination.k8s.io/v1beta1 leasecandidates LeaseCandidate -
1.36 1.39 resource.k8s.io/v1alpha3 devicetaintrules DeviceTaintRule -
1.36 1.39 resource.k8s.io/v1beta2 deviceclasses DeviceClass resource.k8s.io/v1
1.36 1.39 resource.k8s.io/v1beta2 resourceclaims ResourceClaim resource.k8s.io/v1
1.36 1.39 resource.k8s.io/v1beta2 resourceclaimtemplates ResourceClaimTemplate resource.k8s.io/v1
1.36 1.39 resource.k8s.io/v1beta2 resourceslices ResourceSlice resource.k8s.io/v1
1.37 1.40 admissionregistration.k8s.io/v1beta1 mutatingadmissionpolicies MutatingAdmissionPolicy admissionregistration.k8s.io/v1
1.37 1.40 admissionregistration.k8s.io/v1beta1 mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding admissionregistration.k8s.io/v1
1.37 1.40 certificates.k8s.io/v1alpha1 podcertificaterequests PodCertificateRequest -
1.37 1.40 certificates.k8s.io/v1beta1 clustertrustbundles ClusterTrustBundle -
1.38 1.41 certificates.k8s.io/v1beta1 podcertificaterequests PodCertificateRequest -
1.38 1.41 storagemigration.k8s.io/v1beta1 storageversionmigrations StorageVersionMigration -
1.39 1.42 resource.k8s.io/v1alpha3 resourcepoolstatusrequests ResourcePoolStatusRequest -
1.39 1.42 resource.k8s.io/v1beta2 devicetaintrules DeviceTaintRule -
`;

export const REMOVED_APIS: readonly RemovedApi[] = TABLE.trim()
  .split('\n')
  .map((line) => {
    const [deprecatedIn = '', removedIn = '', groupVersion = '', resource = '', kind = '', replacement = ''] =
      line.split(' ');
    const [group = '', version = ''] = groupVersion.split('/');
    return {
      group,
      version,
      resource,
      kind,
      deprecatedIn,
      removedIn,
      replacement: replacement === '-' ? '' : replacement,
    };
  });

/** Whether `minor` ("1.32") is what `version` is, or older. False where either cannot be read. */
export function isReached(minor: string, version: string): boolean {
  const [limit, at] = [parseVersion(`${minor}.0`), parseVersion(version)];
  if (!limit || !at) return false;
  return at.major > limit.major || (at.major === limit.major && at.minor >= limit.minor);
}

/** What a server of `version` no longer serves and one of `from` still did. */
export function apisRemovedBetween(from: string, version: string): RemovedApi[] {
  return REMOVED_APIS.filter(({ removedIn }) => isReached(removedIn, version) && !isReached(removedIn, from));
}

export function removedApi(group: string, version: string, resource: string): RemovedApi | null {
  return (
    REMOVED_APIS.find((one) => one.group === group && one.version === version && one.resource === resource) ?? null
  );
}
