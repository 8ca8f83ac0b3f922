import { describe, expect, it } from '@jest/globals';
import { leftOutFor } from './derived-object.js';
import { inApplyOrder, isDerivedKind, nameOf, type ApiKind } from './kinds.js';
import { pruneObject } from './prune-object.js';

const kind = (name: string, cased = ''): ApiKind => {
  const [resource = '', ...group] = name.split('.');
  return { group: group.join('.'), version: 'v1', resource, kind: cased, namespaced: true };
};

describe('the order of an export', () => {
  it('what others refer to first, custom resources after the workloads that serve them, webhooks last', () => {
    const names = [
      ...['validatingwebhookconfigurations.admissionregistration.k8s.io', 'gadgets.example.com', 'deployments.apps'],
      ...['secrets', 'clusterrolebindings.rbac.authorization.k8s.io', 'namespaces', 'services', 'serviceaccounts'],
      ...['customresourcedefinitions.apiextensions.k8s.io', 'persistentvolumeclaims', 'services.serving.example.com'],
    ];
    expect(inApplyOrder(names.map((name) => kind(name))).map(nameOf)).toEqual([
      'customresourcedefinitions.apiextensions.k8s.io',
      'namespaces',
      'serviceaccounts',
      'clusterrolebindings.rbac.authorization.k8s.io',
      'secrets',
      'persistentvolumeclaims',
      'services',
      'deployments.apps',
      'gadgets.example.com',
      'services.serving.example.com',
      'validatingwebhookconfigurations.admissionregistration.k8s.io',
    ]);
  });

  it('what says how it was → no part of an export; what says how it should be → part of it', () => {
    const names = ['events', 'leases.coordination.k8s.io', 'pods.metrics.k8s.io', 'configmaps', 'events.example.com'];
    expect(names.filter((name) => isDerivedKind(kind(name)))).toEqual(names.slice(0, 3));
  });
});

describe('an object of an export', () => {
  it('its server’s fields, its owner’s UIDs and its status → gone; labels, finalizers of others, None → stay', () => {
    const pruned = pruneObject(kind('services', 'Service'), {
      metadata: {
        name: 'a',
        uid: 'u',
        resourceVersion: '7',
        generation: 2,
        managedFields: [],
        ownerReferences: [{}],
        labels: { app: 'a' },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
        finalizers: ['kubernetes.io/pvc-protection', 'example.com/keep'],
      },
      spec: { clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'a' } },
      status: {},
    });
    expect(pruned).toEqual({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', labels: { app: 'a' }, finalizers: ['example.com/keep'] },
      spec: { clusterIP: 'None', clusterIPs: ['None'], selector: { app: 'a' } },
    });
  });

  it('a bare pod → without its node and its injected token; a Job → without the UID in its selector', () => {
    const token = { name: 'kube-api-access-x2' };
    const pod = pruneObject(kind('pods', 'Pod'), {
      metadata: { name: 'p' },
      spec: { nodeName: 'w-1', volumes: [token, { name: 'data' }], containers: [{ name: 'c', volumeMounts: [token] }] },
    });
    expect(pod.spec).toEqual({ volumes: [{ name: 'data' }], containers: [{ name: 'c', volumeMounts: [] }] });
    const labels = { 'batch.kubernetes.io/controller-uid': 'u', app: 'a' };
    const job = pruneObject(kind('jobs.batch', 'Job'), {
      metadata: { name: 'j' },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
    });
    expect(job.spec).toEqual({ template: { metadata: { labels: { app: 'a' } } } });
  });

  it('owned by a controller, ended, on its way out, made by every cluster → left out, each with its word', () => {
    const metadata = { name: 'x', namespace: 'default' };
    const pods = kind('pods');
    expect(leftOutFor(pods, { metadata: { ...metadata, ownerReferences: [{ controller: true }] } })).toBe(
      'made by its owner',
    );
    expect(leftOutFor(pods, { metadata: { ...metadata, ownerReferences: [{}] } })).toBeNull();
    expect(leftOutFor(pods, { metadata, status: { phase: 'Succeeded' } })).toBe('finished');
    expect(leftOutFor(pods, { metadata: { ...metadata, deletionTimestamp: 'now' } })).toBe('being deleted');
    expect(leftOutFor(kind('services'), { metadata: { ...metadata, name: 'kubernetes' } })).toBe(
      'made by the cluster itself',
    );
    expect(leftOutFor(kind('services'), { metadata: { name: 'kubernetes', namespace: 'shop' } })).toBeNull();
  });
});
