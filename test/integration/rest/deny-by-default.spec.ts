import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestHub, type TestHub } from '../world/running-hub.js';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
}

/** What each role may call; a route that is in nobody's list is open to nobody, and a new route fails this table. */
const READS = [
  'listClusters',
  'getCluster',
  'listPlans',
  'validatePlan',
  'previewPlan',
  'getPlan',
  'listRollouts',
  'getRollout',
  'listRolloutClusters',
  'explain',
  'listEvents',
  'streamEvents',
  'listClusterOrders',
  'listOrders',
  'getOrder',
  'listSchedules',
  'listVerdicts',
  'getVerdictEvidence',
  'getVerdictPicture',
  'getSchedule',
  'listRecoveries',
  'getRecovery',
];
/** It makes agents look, so it needs more than to read. */
const LOOKS = ['previewDrains'];
const OPERATES = [
  'startRollout',
  'pauseRollout',
  'resumeRollout',
  'abortRollout',
  'retryCluster',
  'skipCluster',
  'rollBack',
  'requestOrder',
  'withdrawOrder',
  'createSchedule',
  'deleteSchedule',
  'askRecovery',
  'verifyRecovery',
];
const ADMINISTERS = [
  'changeLabels',
  'approveCluster',
  'revokeCluster',
  'removeCluster',
  'createJoinToken',
  'createApiToken',
  'listApiTokens',
  'revokeApiToken',
];
const MAY: Record<string, readonly string[]> = {
  viewer: READS,
  operator: [...READS, ...OPERATES, ...LOOKS],
  planner: [...READS, ...LOOKS, 'createPlan'],
  approver: [...READS, 'approveWave', 'approveRecovery'],
  admin: [...READS, ...LOOKS, ...OPERATES, ...ADMINISTERS, 'createPlan', 'approveWave', 'approveRecovery'],
};
const OPEN = ['planSchema'];

describe('every route is refused to who may not call it', () => {
  let hub: TestHub;
  let operations: Operation[];

  beforeAll(async () => {
    hub = await startTestHub();
    const document = (await hub.ask('GET', '/api/openapi.json', undefined, { token: null })).body as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({
        method: method.toUpperCase(),
        path: path.replace(/\{\w+\}/g, 'x'),
        operationId,
      })),
    );
  });
  afterAll(() => hub?.stop());

  it('the table names every route of the OpenAPI document', () => {
    const known = [...new Set([...Object.values(MAY).flat(), ...OPEN])].sort();
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(known);
  });

  it('without a token, or with a wrong one → 401 everywhere', async () => {
    const wrong = hub.adminToken.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    for (const { method, path, operationId } of operations.filter((one) => !OPEN.includes(one.operationId))) {
      for (const token of [null, wrong, 'nonsense']) {
        const answer = await hub.ask(method, path, method === 'GET' ? undefined : {}, { token });
        expect([operationId, answer.status]).toEqual([operationId, 401]);
      }
    }
  });

  it.each(Object.keys(MAY))('%s: exactly its routes', async (role) => {
    const { token } = (await hub.ask('POST', '/api/v1/api-tokens', { name: `a ${role}`, role })).body as {
      token: string;
    };
    for (const { method, path, operationId } of operations.filter(
      (one) => !OPEN.includes(one.operationId) && one.operationId !== 'streamEvents',
    )) {
      const answer = await hub.ask(method, path, method === 'GET' ? undefined : {}, { token });
      // Allowed calls go on to fail on their made-up input; only 403 says "you may not".
      expect([operationId, answer.status === 403]).toEqual([operationId, !MAY[role]?.includes(operationId)]);
    }
  });
});
