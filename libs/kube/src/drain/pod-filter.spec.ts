import { describe, expect, it } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { fateOf, type PodFate } from './pod-filter.js';

const NOBODY = { deleteEmptyDir: { namespaces: [] }, evictUnmanaged: { namespaces: [] } };

function pod(of: {
  readonly namespace?: string;
  readonly owner?: string;
  readonly phase?: string;
  readonly mirror?: boolean;
  readonly emptyDir?: boolean;
}): V1Pod {
  const owner = { apiVersion: 'apps/v1', kind: of.owner ?? '', name: 'owner', uid: 'u', controller: true };
  return {
    metadata: {
      name: 'pod',
      namespace: of.namespace ?? 'shop',
      ...(of.owner ? { ownerReferences: [owner] } : {}),
      ...(of.mirror ? { annotations: { 'kubernetes.io/config.mirror': 'hash' } } : {}),
    },
    spec: { containers: [], ...(of.emptyDir ? { volumes: [{ name: 'scratch', emptyDir: {} }] } : {}) },
    status: { phase: of.phase ?? 'Running' },
  };
}

const evict: PodFate = { kind: 'evict' };
const kept = (why: 'daemonSet' | 'mirror' | 'nodeJob' | 'tolerates'): PodFate => ({ kind: 'kept', why });
const refused = (why: 'emptyDir' | 'unmanaged'): PodFate => ({ kind: 'refused', why });

describe('which pods a drain evicts, in the order of kubectl’s filters', () => {
  it.each<[string, Parameters<typeof pod>[0], PodFate]>([
    ['a ReplicaSet’s pod → evicted', { owner: 'ReplicaSet' }, evict],
    ['a StatefulSet’s pod → evicted', { owner: 'StatefulSet' }, evict],
    ['a controller of an unknown kind → evicted, whoever it is will make the pod again', { owner: 'Machine' }, evict],
    ['a DaemonSet’s pod → kept', { owner: 'DaemonSet' }, kept('daemonSet')],
    [
      'a DaemonSet’s pod with an emptyDir → kept: the earlier filter decides',
      { owner: 'DaemonSet', emptyDir: true },
      kept('daemonSet'),
    ],
    ['a DaemonSet’s pod that has finished → evicted', { owner: 'DaemonSet', phase: 'Failed' }, evict],
    ['a static pod’s mirror → kept', { owner: 'Node', mirror: true }, kept('mirror')],
    [
      'a mirror that has finished → kept: the API cannot delete it',
      { owner: 'Node', mirror: true, phase: 'Succeeded' },
      kept('mirror'),
    ],
    ['an emptyDir without consent → refused', { owner: 'ReplicaSet', emptyDir: true }, refused('emptyDir')],
    [
      'an emptyDir of a finished pod → evicted, nobody reads it any more',
      { owner: 'Job', emptyDir: true, phase: 'Succeeded' },
      evict,
    ],
    ['no controller, without consent → refused', {}, refused('unmanaged')],
    ['no controller, but finished → evicted', { phase: 'Succeeded' }, evict],
    [
      'no controller and an emptyDir → refused for the emptyDir, which comes first',
      { emptyDir: true },
      refused('emptyDir'),
    ],
    ['our own node Job at work → kept', { namespace: 'wavegate-nodes', owner: 'Job' }, kept('nodeJob')],
    [
      'our own node Job that has ended → kept: it is the evidence',
      { namespace: 'wavegate-nodes', owner: 'Job', phase: 'Failed' },
      kept('nodeJob'),
    ],
  ])('%s', (_title, of, fate) => {
    expect(fateOf(pod(of), NOBODY)).toEqual(fate);
  });

  const CLOSED = Date.parse('2026-11-21T10:00:00Z');
  const all = [{ operator: 'Exists' }];
  const cordon = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' }];
  const another = [{ key: 'dedicated', operator: 'Exists' }];
  it.each<[string, object[] | undefined, string, Parameters<typeof pod>[0], PodFate]>([
    ['tolerates all and came after the cordon → kept', all, '10:00:00Z', { owner: 'ReplicaSet' }, kept('tolerates')],
    ['tolerates the cordon alone → kept', cordon, '11:00:00Z', { owner: 'StatefulSet' }, kept('tolerates')],
    [
      '… with an emptyDir → kept, nothing is lost',
      all,
      '11:00:00Z',
      { owner: 'Job', emptyDir: true },
      kept('tolerates'),
    ],
    ['was there before the cordon → evicted, as kubectl does', all, '09:59:59Z', { owner: 'ReplicaSet' }, evict],
    ['tolerates another taint → evicted: it landed in the last moment', another, '10:00:01Z', { owner: 'Job' }, evict],
    ['tolerates nothing → evicted', undefined, '11:00:00Z', { owner: 'ReplicaSet' }, evict],
    ['without a controller → nobody would put it back', all, '11:00:00Z', {}, refused('unmanaged')],
  ])('on a closed node: %s', (_title, tolerations, time, of, fate) => {
    const { metadata, spec, status } = pod(of);
    const creationTimestamp = `2026-11-21T${time}` as unknown as Date;
    const one = { metadata: { ...metadata, creationTimestamp }, spec: { ...spec, tolerations }, status } as V1Pod;
    expect(fateOf(one, NOBODY, CLOSED)).toEqual(fate);
  });

  it('consent for one namespace → only pods there lose their emptyDir', () => {
    const consent = { ...NOBODY, deleteEmptyDir: { namespaces: ['ci'] } };
    expect(fateOf(pod({ owner: 'Job', emptyDir: true, namespace: 'ci' }), consent)).toEqual(evict);
    expect(fateOf(pod({ owner: 'Job', emptyDir: true, namespace: 'shop' }), consent)).toEqual(refused('emptyDir'));
  });

  it('consent for all namespaces by "*" → every bare pod is evicted', () => {
    const consent = { ...NOBODY, evictUnmanaged: { namespaces: ['*'] } };
    expect(fateOf(pod({}), consent)).toEqual(evict);
  });

  it('consent to lose the emptyDir → says nothing about pods without a controller', () => {
    const consent = { ...NOBODY, deleteEmptyDir: { namespaces: ['*'] } };
    expect(fateOf(pod({ emptyDir: true }), consent)).toEqual(refused('unmanaged'));
  });
});
