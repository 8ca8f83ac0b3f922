import type { KubeadmConfiguration } from './picture.js';

/**
 * The flags that kubeadm writes into the manifests of a control-plane node by itself. Source: `getAPIServerCommand`,
 * `getControllerManagerCommand`, `getSchedulerCommand` (cmd/kubeadm/app/phases/controlplane/manifests.go) and
 * `getEtcdCommand` (phases/etcd/local.go) of Kubernetes 1.34.4 to 1.36.3, read on 2026-11-21. A value is named only
 * where it is the same on every node and follows from the configuration alone.
 */
export interface Rendered {
  readonly flags: ReadonlySet<string>;
  readonly values: Readonly<Record<string, string>>;
}

export type ComponentName = keyof KubeadmConfiguration['extraArgs'];

/** Static pod's `component` label → name in the ClusterConfiguration. */
export const CONFIGURED_AS: Readonly<Record<string, ComponentName>> = {
  'kube-apiserver': 'apiServer',
  'kube-controller-manager': 'controllerManager',
  'kube-scheduler': 'scheduler',
  etcd: 'etcd',
};

const NAMES: Readonly<Record<ComponentName, string>> = {
  apiServer:
    'advertise-address enable-admission-plugins service-cluster-ip-range service-account-key-file service-account-signing-key-file service-account-issuer client-ca-file tls-cert-file tls-private-key-file kubelet-client-certificate kubelet-client-key enable-bootstrap-token-auth secure-port allow-privileged kubelet-preferred-address-types requestheader-username-headers requestheader-group-headers requestheader-extra-headers-prefix requestheader-client-ca-file requestheader-allowed-names proxy-client-cert-file proxy-client-key-file etcd-servers etcd-cafile etcd-certfile etcd-keyfile authorization-mode',
  controllerManager:
    'bind-address leader-elect kubeconfig authentication-kubeconfig authorization-kubeconfig client-ca-file requestheader-client-ca-file root-ca-file service-account-private-key-file cluster-signing-cert-file cluster-signing-key-file use-service-account-credentials controllers allocate-node-cidrs cluster-cidr service-cluster-ip-range cluster-name',
  scheduler: 'bind-address leader-elect kubeconfig authentication-kubeconfig authorization-kubeconfig',
  etcd: 'name listen-client-urls advertise-client-urls listen-peer-urls initial-advertise-peer-urls data-dir cert-file key-file trusted-ca-file client-cert-auth peer-cert-file peer-key-file peer-trusted-ca-file peer-client-cert-auth snapshot-count listen-metrics-urls feature-gates watch-progress-notify-interval experimental-initial-corrupt-check experimental-watch-progress-notify-interval initial-cluster initial-cluster-state',
};

function fixedValues(component: ComponentName, config: KubeadmConfiguration): Record<string, string> {
  switch (component) {
    case 'apiServer':
      return {
        ...{ 'enable-admission-plugins': 'NodeRestriction', 'enable-bootstrap-token-auth': 'true' },
        ...{ 'allow-privileged': 'true', 'service-cluster-ip-range': config.serviceSubnet },
        'service-account-issuer': `https://kubernetes.default.svc.${config.dnsDomain}`,
        'client-ca-file': `${config.certificatesDir}/ca.crt`,
        'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
        ...(config.extraArgs.apiServer['authorization-config'] === undefined
          ? { 'authorization-mode': 'Node,RBAC' }
          : {}),
      };
    case 'controllerManager':
      return {
        ...{ 'bind-address': '127.0.0.1', 'leader-elect': 'true', 'use-service-account-credentials': 'true' },
        ...{ controllers: '*,bootstrapsigner,tokencleaner', 'cluster-name': config.clusterName },
        ...(config.podSubnet === '' ? {} : { 'allocate-node-cidrs': 'true', 'cluster-cidr': config.podSubnet }),
      };
    case 'scheduler':
      return { 'bind-address': '127.0.0.1', 'leader-elect': 'true' };
    case 'etcd':
      return { 'client-cert-auth': 'true', 'peer-client-cert-auth': 'true', 'snapshot-count': '10000' };
  }
}

/** What kubeadm would render: its own flags, and the extraArgs over them. */
export function renderedBy(component: ComponentName, config: KubeadmConfiguration): Rendered {
  const extra = config.extraArgs[component];
  return {
    flags: new Set([...NAMES[component].split(' '), ...Object.keys(extra)]),
    values: { ...fixedValues(component, config), ...extra },
  };
}
