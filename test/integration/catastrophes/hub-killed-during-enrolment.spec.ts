import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../kube/world/eventually.js';
import { AgentHost, joinToken, smallCluster } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import { auditProof } from './history.js';
import { Stage } from './stage.js';

describe('the hub is killed while an agent enrols', () => {
  let postgres: TestPostgres;
  let stage: Stage;

  beforeEach(async () => {
    postgres = await startTestPostgres();
    stage = await Stage.open(await postgres.createDatabase());
  });
  afterEach(async () => {
    await stage.close();
    await postgres.stop();
  });

  it('the token is used up, no answer came → the same agent enrols with it, a stranger does not', async () => {
    const hub = await stage.startHub('hub', 'enrol.afterRedeem');
    const { token, caSha256 } = await joinToken(hub, 'newcomer');
    const place = { dir: stage.dir, hub, caSha256 };
    const host = AgentHost.start({ ...place, name: 'newcomer' }, [{ spec: smallCluster('newcomer'), join: token }]);
    stage.hosts.push(host);
    await hub.died();
    await hub.start();

    await eventually('the agent to connect', () => host.generations('newcomer').length > 0);
    expect(host.said('newcomer', 'error')).toEqual([]);
    const { items } = await hub.client.get<{ items: { name: string }[] }>('/clusters');
    expect(items.map(({ name }) => name)).toEqual(['newcomer']);

    const stranger = AgentHost.start({ ...place, name: 'stranger' }, [{ spec: smallCluster('stranger'), join: token }]);
    stage.hosts.push(stranger);
    await eventually('the stranger to be refused', () => stranger.said('stranger', 'error').length > 0);
    expect(stranger.said('stranger', 'error')[0]?.error).toContain('the join token was used before');
    expect(await auditProof(stage.storage)).toBe('intact');
  });
});
