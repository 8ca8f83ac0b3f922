import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sampleFacts, sampleRollout } from '../../../libs/runtime/src/hub/testing/sample-rollout.js';
import type { TestPostgres } from '../world/embedded-postgres.js';
import { startTestPostgres } from '../world/embedded-postgres.js';
import { enrol } from '../world/storage-world.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('an agent that reconnects fifty times → no line in the audit; its session’s row has counted them', async () => {
  const storage = await postgres.openStorage();
  await enrol(storage, 'c1');
  const before = await storage.audit.head();
  const opening = { clusterId: 'c1', replica: 'hub-a', clusterUid: 'uid-c1', certificateSerial: 'cert-c1' };
  for (let n = 1; n <= 50; n += 1) {
    const opened = await storage.sessions.open({ ...opening, agentVersion: '1', facts: sampleFacts('uid-c1', n) });
    if ('refused' in opened) throw new Error(opened.refused.code);
    await storage.sessions.close({ clusterId: 'c1', generation: opened.generation });
  }
  expect(await storage.audit.head()).toEqual(before);
  expect(await storage.clusters.get('c1')).toMatchObject({ generation: 50 });
  await storage.close();
});

it('what is refused and what matters to a rollout are found: the certificate’s record is a line, silence an event', async () => {
  const storage = await postgres.openStorage();
  await enrol(storage, 'c1');
  const lines = await storage.audit.read({ since: 0, limit: 10 });
  expect(lines.map(({ action }) => action)).toContain('certificate.enrolled');
  await storage.sessions.open({
    clusterId: 'c1',
    replica: 'hub-a',
    clusterUid: 'uid-c1',
    certificateSerial: 'cert-c1',
    agentVersion: '1',
    facts: sampleFacts('uid-c1', 1),
  });
  const line = { actor: 'ada', action: 'rollout.created', object: 'rollout/r1', detail: {} };
  await storage.rollouts.create(sampleRollout('r1', ['c1'], 1), line);
  expect(await storage.sessions.expire(0)).toBe(1);
  const told = (await storage.rollouts.inbox('r1', 10)).map(({ event }) => event.kind);
  expect(told).toContain('agentLost');
  await storage.close();
});
