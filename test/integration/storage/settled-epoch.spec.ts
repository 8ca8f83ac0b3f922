import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RECOVERY_SCHEMA, type Recovery, type RecoveryRung } from '@wavegate/fleet';
import { sampleFacts } from '../../../libs/runtime/src/hub/testing/sample-rollout.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('an approved restore → the agent is told that all before it is over; a node to be replaced takes no journal back', async () => {
  const storage = await postgres.openStorage();
  await enrol(storage, 'c1');
  const audit = { actor: 'ada', action: 'recovery.approved', object: 'recovery/r', detail: {} };
  const opening = { clusterId: 'c1', replica: 'hub-a', clusterUid: 'uid-c1', certificateSerial: 'cert-c1' };
  const approve = async (id: string, rung: RecoveryRung): Promise<number> => {
    const recovery: Recovery = {
      ...{ schema: RECOVERY_SCHEMA, id, clusterId: 'c1', clusterName: 'name-c1', rung, node: '', nodeUid: '' },
      ...{ order: '', version: '1.34.4', takenAt: 0, planes: ['cp1'], ahead: [], askedBy: 'ada', askedAt: 1 },
      ...{ approvals: [{ by: 'ada', at: 2 }], epoch: null, verifiedBy: null },
    };
    await storage.recoveries.add(recovery, audit);
    expect(await storage.recoveries.save({ recovery, revision: 0 }, true, [audit])).toBe(true);
    const opened = await storage.sessions.open({ ...opening, agentVersion: '1', facts: sampleFacts('uid-c1', 1) });
    return 'refused' in opened ? -1 : (opened.settledEpoch ?? -1);
  };

  expect(await approve('a5', 5)).toBe(0);
  expect(await approve('b6', 6)).toBe(2);
  await storage.close();
});
