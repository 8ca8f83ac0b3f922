import type { RealCluster } from './real-cluster.js';
import { workload } from './workload.js';

/**
 * One namespace with everything that a copy of it could do harm with: what runs, what would cost, what would answer for
 * the original, and what somebody's controller cleans up after.
 */
export async function canaryNamespace(cluster: RealCluster, namespace: string): Promise<void> {
  await workload(cluster, { namespace, name: 'web', replicas: 2, pdb: { maxUnavailable: 1 }, owner: 'team-shop' });
  await workload(cluster, { namespace, name: 'logs', replicas: 1, kind: 'DaemonSet' });
  for (const [path, object] of objects(namespace)) {
    await cluster.api.create(path, { ...object, metadata: { ...(object.metadata as object), namespace } });
  }
}

function objects(namespace: string): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  const core = `/api/v1/namespaces/${namespace}`;
  const group = (name: string): string => `/apis/${name}/namespaces/${namespace}`;
  const template = {
    metadata: { labels: { app: 'db' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.example/c:1' }] },
  };
  const always = { ...template, spec: { ...template.spec, restartPolicy: 'Always' } };
  const selector = { matchLabels: { app: 'db' } };
  const meta = (name: string, more: object = {}): Readonly<Record<string, unknown>> => ({
    metadata: { name, ...more },
  });
  const ports = [{ port: 80, targetPort: 8080 }];
  const backend = { service: { name: 'web', port: { number: 80 } } };
  const rules = [{ host: 'shop.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' };
  return [
    [`${core}/configmaps`, { ...meta('settings'), data: { color: 'blue', size: '3' } }],
    [`${core}/configmaps`, { ...meta('guarded', { finalizers: ['example.com/guard'] }), data: { a: 'b' } }],
    [`${core}/secrets`, { ...meta('password'), stringData: { password: 'hunter2' } }],
    [`${core}/services`, { ...meta('web'), spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports } }],
    [`${core}/services`, { ...meta('db'), spec: { clusterIP: 'None', selector: { app: 'db' }, ports } }],
    [`${core}/serviceaccounts`, meta('runner')],
    [
      `${core}/persistentvolumeclaims`,
      {
        ...meta('data'),
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } },
      },
    ],
    [
      `${group('apps/v1')}/statefulsets`,
      { ...meta('db'), spec: { serviceName: 'db', replicas: 1, selector, template: always } },
    ],
    [
      `${group('batch/v1')}/cronjobs`,
      { ...meta('sweep'), spec: { schedule: '0 3 1 1 *', jobTemplate: { spec: { template } } } },
    ],
    [
      `${group('autoscaling/v2')}/horizontalpodautoscalers`,
      {
        ...meta('web'),
        spec: {
          minReplicas: 2,
          maxReplicas: 4,
          scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        },
      },
    ],
    [`${group('networking.k8s.io/v1')}/ingresses`, { ...meta('web'), spec: { ingressClassName: 'public', rules } }],
    [
      `${group('networking.k8s.io/v1')}/networkpolicies`,
      { ...meta('closed'), spec: { podSelector: {}, policyTypes: ['Ingress'] } },
    ],
    [
      `${group('rbac.authorization.k8s.io/v1')}/roles`,
      { ...meta('reader'), rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }] },
    ],
    [
      `${group('rbac.authorization.k8s.io/v1')}/rolebindings`,
      { ...meta('reader'), roleRef, subjects: [{ kind: 'ServiceAccount', name: 'runner', namespace }] },
    ],
  ];
}
