import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { clearScaleDownMarks, CORDON_ANNOTATION, cordonNode, SCALE_DOWN_ANNOTATION, uncordonNode } from './cordon.js';
import type { KubeAccess } from '../kube-access.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { startKubeWorld } from '../testing/kube-world.js';

const NODES = '/api/v1/nodes';
let api: FakeApiServer;
let kube: KubeAccess;
beforeEach(async () => ({ api, kube } = await startKubeWorld()));
afterEach(() => api.stop());

const node = (unschedulable: boolean, by?: string): void =>
  void api.put(NODES, {
    metadata: { name: 'w-1', annotations: by ? { [CORDON_ANNOTATION]: by } : {} },
    spec: { unschedulable },
  });
const ownerNow = () => api.get(NODES, 'w-1')?.metadata.annotations?.[CORDON_ANNOTATION] ?? null;
const closedNow = () =>
  (api.get(NODES, 'w-1')?.spec as { unschedulable?: boolean } | undefined)?.unschedulable === true;

describe('cordons', () => {
  it('an open node → closed in the order’s name; again → nothing is written', async () => {
    node(false);
    expect((await cordonNode(kube, 'w-1', 'order-1')).ours).toBe(true);
    expect((await cordonNode(kube, 'w-1', 'order-1')).ours).toBe(true);
    expect([closedNow(), ownerNow()]).toEqual([true, 'order-1']);
    expect(api.requests.filter((request) => request.startsWith('PATCH'))).toHaveLength(1);
  });

  it('a node that a person cordoned → stays theirs, is not marked, and is never opened by us', async () => {
    node(true);
    expect((await cordonNode(kube, 'w-1', 'order-1')).ours).toBe(false);
    expect(await uncordonNode(kube, 'w-1', 'order-1')).toBe(false);
    expect([closedNow(), ownerNow()]).toEqual([true, null]);
  });

  it('a cordon left by an earlier order → passes to this one, which may open the node again', async () => {
    node(true, 'order-0');
    expect((await cordonNode(kube, 'w-1', 'order-1')).ours).toBe(true);
    expect(ownerNow()).toBe('order-1');
    expect(await uncordonNode(kube, 'w-1', 'order-1')).toBe(true);
    expect([closedNow(), ownerNow()]).toEqual([false, null]);
  });

  it('another order’s cordon → not opened by this one', async () => {
    node(true, 'order-0');
    expect(await uncordonNode(kube, 'w-1', 'order-1')).toBe(false);
    expect(closedNow()).toBe(true);
  });

  it('a person cordons between our look and our write → the write is refused, we look again, and it stays theirs', async () => {
    node(false);
    let meddled = false;
    api.onRequest = (method) => {
      if (method === 'PATCH' && !meddled) {
        meddled = true;
        node(true);
      }
      return null;
    };
    expect((await cordonNode(kube, 'w-1', 'order-1')).ours).toBe(false);
    expect([closedNow(), ownerNow()]).toEqual([true, null]);
  });

  it('a word for the Cluster Autoscaler stood there before → it stands there again afterwards', async () => {
    api.put(NODES, { metadata: { name: 'w-1', annotations: { [SCALE_DOWN_ANNOTATION]: 'false' } }, spec: {} });
    await cordonNode(kube, 'w-1', 'order-1');
    expect(api.get(NODES, 'w-1')?.metadata.annotations?.[SCALE_DOWN_ANNOTATION]).toBe('true');
    await uncordonNode(kube, 'w-1', 'order-1');
    expect(api.get(NODES, 'w-1')?.metadata.annotations).toEqual({ [SCALE_DOWN_ANNOTATION]: 'false' });
  });

  it('the order ends and a cordon stays, or was never ours → our word for the Cluster Autoscaler goes all the same', async () => {
    api.put(NODES, { metadata: { name: 'w-1' }, spec: {} });
    api.put(NODES, { metadata: { name: 'w-2' }, spec: { unschedulable: true } });
    await cordonNode(kube, 'w-1', 'order-1');
    await cordonNode(kube, 'w-2', 'order-1');
    await clearScaleDownMarks(kube, 'order-1');
    expect(api.get(NODES, 'w-1')?.metadata.annotations).toEqual({ [CORDON_ANNOTATION]: 'order-1' });
    expect(api.get(NODES, 'w-2')?.metadata.annotations).toEqual({});
    expect(closedNow()).toBe(true);
  });
});
