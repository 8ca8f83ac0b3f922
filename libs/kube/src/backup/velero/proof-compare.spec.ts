import { describe, expect, it } from '@jest/globals';
import { compareKind, type ProofTerms } from './proof-compare.js';
import { asRestored, resourceModifiers, PROOF_RULES } from './proof-rules.js';
import type { RawObject } from './raw-api.js';

const BACKUP_AT = Date.parse('2026-11-21T08:00:00Z');
const TERMS: ProofTerms = { backupAt: BACKUP_AT, belongs: () => true };

const object = (name: string, rest: Readonly<Record<string, unknown>> = {}, meta: object = {}): RawObject => ({
  metadata: { name, namespace: 'shop', creationTimestamp: '2026-11-01T00:00:00Z', ...meta },
  ...rest,
});
/** As it comes out of a restore: another identity, the rules applied, Velero's labels. */
const restored = (resource: string, original: RawObject): RawObject => {
  const copy = asRestored(resource, original);
  const labels = { ...copy.metadata.labels, 'velero.io/restore-name': 'r', 'velero.io/backup-name': 'b' };
  const { name } = copy.metadata;
  return { ...copy, metadata: { ...copy.metadata, name, namespace: 'scratch', uid: 'other', labels } };
};
const compare = (resource: string, live: readonly RawObject[], copies: readonly RawObject[], terms = TERMS) =>
  compareKind(
    { resource, namespace: 'shop', objects: live },
    { resource, namespace: 'scratch', objects: copies },
    terms,
  );

describe('a restored namespace against the living one', () => {
  it('what server, Velero and our own rules change → no difference', () => {
    const web = object(
      'web',
      { spec: { replicas: 3, template: { spec: { containers: [{ image: 'a:1' }] } } }, status: { readyReplicas: 3 } },
      { uid: 'u', annotations: { 'deployment.kubernetes.io/revision': '4' }, finalizers: ['x.example/y'] },
    );
    const service = object('web', {
      spec: {
        type: 'LoadBalancer',
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        ports: [{ port: 1, nodePort: 30001 }],
      },
    });
    const copyOfService = {
      ...restored('services', service),
      spec: { type: 'ClusterIP', clusterIP: '10.0.0.9', ports: [{ port: 1 }] },
    };
    const subjects = (namespace: string) => [{ kind: 'ServiceAccount', name: 'runner', namespace }];
    const binding = object('b', { subjects: subjects('shop') });

    expect(compare('deployments.apps', [web], [restored('deployments.apps', web)])).toEqual([]);
    expect(compare('services', [service], [copyOfService])).toEqual([]);
    const bindings = 'rolebindings.rbac.authorization.k8s.io';
    expect(compare(bindings, [binding], [{ ...restored(bindings, binding), subjects: subjects('scratch') }])).toEqual(
      [],
    );
  });

  it('a headless Service that got an address → a difference: that is intent', () => {
    const headless = object('db', { spec: { clusterIP: 'None' } });
    const copy = object('db', { spec: { clusterIP: '10.0.0.9' } });

    expect(compare('services', [headless], [copy])).toMatchObject([{ field: 'spec.clusterIP', explained: '' }]);
  });

  it('a value changed, a list shorter, a key gone → each by its path', () => {
    const live = object('s', { data: { a: '1', b: '2' }, spec: { list: [{ x: 1 }, { x: 2 }], deep: [{ y: 1 }] } });
    const copy = object('s', { data: { a: 'x' }, spec: { list: [{ x: 1 }], deep: [{ y: 2 }] } });

    expect(compare('configmaps', [live], [copy]).map(({ field }) => field)).toEqual([
      ...['data.a', 'data.b', 'spec.deep[0].y', 'spec.list'],
    ]);
  });

  it('missing → a fault, unless it is newer than the backup, kept out by its label, or not selected by the backup', () => {
    const old = object('old');
    const young = object('young', {}, { creationTimestamp: '2026-11-21T08:00:01Z' });
    const kept = object('kept', {}, { labels: { 'velero.io/exclude-from-backup': 'true' } });
    const terms = { ...TERMS, belongs: (labels: Readonly<Record<string, string>>) => labels.app !== 'other' };
    const other = object('other', {}, { labels: { app: 'other' } });

    expect(compare('configmaps', [old, young, kept, other], [], terms)).toEqual([
      { object: 'configmaps/old', field: '', what: 'missing', explained: '' },
      { object: 'configmaps/young', field: '', what: 'missing', explained: 'created since the backup' },
      {
        ...{ object: 'configmaps/kept', field: '', what: 'missing' },
        explained: 'excluded by its label velero.io/exclude-from-backup',
      },
    ]);
  });

  it('written since the backup → explained; only its status written since → still a fault', () => {
    const write = (time: string, subresource?: string) => ({
      managedFields: [{ time, ...(subresource && { subresource }) }],
    });
    const later = object('s', { data: { a: '2' } }, write('2026-11-21T09:00:00Z'));
    const status = object('s', { data: { a: '2' } }, write('2026-11-21T09:00:00Z', 'status'));
    const copy = object('s', { data: { a: '1' } });

    expect(compare('configmaps', [later], [copy])).toMatchObject([{ explained: 'changed since the backup' }]);
    expect(compare('configmaps', [status], [copy])).toMatchObject([{ explained: '' }]);
  });

  it('made by a controller, or finished → not looked for', () => {
    const owned = object('rs', {}, { ownerReferences: [{ controller: true }] });
    const finished = object('job', { status: { completionTime: '2026-11-20T00:00:00Z' } });
    const token = object('t', { type: 'kubernetes.io/service-account-token' });

    expect(compare('replicasets.apps', [owned], [])).toEqual([]);
    expect(compare('jobs.batch', [finished], [])).toEqual([]);
    expect(compare('secrets', [token], [])).toEqual([]);
  });
});

describe('what keeps a proof from running', () => {
  it('a workload, a claim, an ingress → no replicas, suspended, no class; the original is left as it was', () => {
    const web = object('web', { spec: { replicas: 3, paused: false } }, { finalizers: ['a/b'] });

    expect(asRestored('deployments.apps', web)).toMatchObject({ spec: { replicas: 0, paused: false } });
    expect(asRestored('deployments.apps', web).metadata).not.toHaveProperty('finalizers');
    expect(asRestored('cronjobs.batch', object('c', { spec: {} }))).toMatchObject({ spec: { suspend: true } });
    expect(web).toMatchObject({ spec: { replicas: 3 }, metadata: { finalizers: ['a/b'] } });
  });

  it('a Service that is no load balancer → its type stays', () => {
    expect(asRestored('services', object('s', { spec: { type: 'NodePort' } }))).toMatchObject({
      spec: { type: 'NodePort' },
    });
  });

  it('the rules that Velero is given are the ones that are expected here', () => {
    const given = JSON.parse(resourceModifiers()) as {
      resourceModifierRules: { conditions: { groupResource: string }; mergePatches: { patchData: string }[] }[];
    };
    const patches = given.resourceModifierRules.map(({ conditions, mergePatches }) => [
      conditions.groupResource,
      JSON.parse(mergePatches[0]?.patchData ?? '') as unknown,
    ]);

    expect(patches).toEqual(PROOF_RULES.map(({ resource, patch }) => [resource, patch]));
  });
});
