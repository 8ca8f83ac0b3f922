import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClusterSpec } from '@wavegate/simulator';
import { eventually } from '../../kube/world/eventually.js';
import { AgentHost, joinToken, smallCluster, type HostLine, type JoinToken } from '../world/agent-host.js';
import { startTestPostgres, type TestPostgres } from '../world/embedded-postgres.js';
import type { HubProcess } from '../world/hub-process.js';
import { Stage } from './stage.js';

const REFUSALS = 'wavegate_agent_refusals_total';

describe('an agent that must not come in', () => {
  let postgres: TestPostgres;
  let stage: Stage;
  let hub: HubProcess;
  let welcome: AgentHost;
  let first: JoinToken;
  let second: JoinToken;

  beforeAll(async () => {
    postgres = await startTestPostgres();
    stage = await Stage.open(await postgres.createDatabase());
    hub = await stage.startHub('hub');
    // Two tokens for one name, while it was free.
    first = await joinToken(hub, 'welcome');
    second = await joinToken(hub, 'welcome');
    const place = { dir: stage.dir, name: 'welcome', hub, caSha256: first.caSha256 };
    welcome = AgentHost.start(place, [{ spec: smallCluster('welcome'), join: first.token }]);
    stage.hosts.push(welcome);
    await eventually('the welcome agent to connect', () => welcome.generations('welcome').length > 0);
  });
  afterAll(async () => {
    await stage.close();
    await postgres.stop();
  });

  function agentWith(spec: ClusterSpec, token: string | null): AgentHost {
    const place = { dir: stage.dir, name: spec.name, hub, caSha256: first.caSha256 };
    const host = AgentHost.start(place, [{ spec, join: token }]);
    stage.hosts.push(host);
    return host;
  }

  /** The lines above info that the refused agent wrote, once there is one; and what the hub counted and wrote. */
  async function refusal(host: AgentHost, cluster: string, level: string): Promise<readonly HostLine[]> {
    const lines = await eventually('the refusal to be said', () => {
      const said = host.said(cluster, level);
      return said.length > 0 && said;
    });
    expect(host.generations(cluster)).toEqual([]);
    return lines;
  }

  async function counted(reason: string): Promise<void> {
    // The hub may count and write only after it has answered the agent.
    const look = async (): Promise<boolean> =>
      (await hub.counted(REFUSALS, 'reason', reason)) > 0 && hub.log.includes(`"reason":"${reason}"`);
    await eventually(`the hub to say ${reason}`, look);
    expect(await hub.counted(REFUSALS, 'reason', reason)).toBe(1);
  }

  /** Nobody else noticed: the welcome agent has the stream that it had from the beginning. */
  async function othersUndisturbed(): Promise<void> {
    expect(welcome.generations('welcome')).toEqual([1]);
    const { items } = await hub.client.get<{ items: { name: string }[] }>('/clusters?connected=true');
    expect(items.map(({ name }) => name)).toEqual(['welcome']);
    expect([...welcome.said('welcome', 'warn'), ...welcome.said('welcome', 'error')]).toEqual([]);
  }

  const oneLine = (lines: readonly HostLine[]): string => {
    expect(lines).toHaveLength(1);
    const text = lines[0]?.error ?? '';
    expect(text).not.toContain('\n');
    return text;
  };

  it('a token that was used → one line on each side, counted, nobody else disturbed', async () => {
    const host = agentWith(smallCluster('late'), first.token);
    expect(oneLine(await refusal(host, 'late', 'error'))).toBe(
      'not enrolled: the join token was used before: make a new one for this cluster',
    );
    await counted('token_used');
    await othersUndisturbed();
  });

  it('a token of another hub → not known, in one line', async () => {
    const host = agentWith(smallCluster('foreign'), `${'0'.repeat(12)}.${'A'.repeat(43)}`);
    expect(oneLine(await refusal(host, 'foreign', 'error'))).toBe(
      'not enrolled: the hub does not know this join token',
    );
    await counted('token_unknown');
    await othersUndisturbed();
  });

  it('a token for a name that another cluster took meanwhile → the name is taken, in one line', async () => {
    const host = agentWith(smallCluster('namesake'), second.token);
    expect(oneLine(await refusal(host, 'namesake', 'error'))).toBe(
      'not enrolled: another cluster has this name already',
    );
    await counted('cluster_name_taken');
    await othersUndisturbed();
  });

  it('a token older than its hour → expired, in one line', async () => {
    const made = await joinToken(hub, 'slow');
    await stage.storage.dataSource.query('UPDATE join_tokens SET expires_at = now_ms() - 1 WHERE id = $1', [made.id]);
    const host = agentWith(smallCluster('slow'), made.token);
    expect(oneLine(await refusal(host, 'slow', 'error'))).toBe(
      'not enrolled: the join token has expired: make a new one for this cluster',
    );
    await counted('token_expired');
    await othersUndisturbed();
  });

  it('a clone with the same UID and a new token → known under another name, in one line', async () => {
    const made = await joinToken(hub, 'clone');
    const host = agentWith(smallCluster('clone', { uid: smallCluster('welcome').uid }), made.token);
    expect(oneLine(await refusal(host, 'clone', 'error'))).toBe(
      'not enrolled: this cluster is enrolled under another name, or is the clone of one that is',
    );
    await counted('cluster_uid_known');
    await othersUndisturbed();
  });

  it('a copied identity in another cluster → its stream is refused by the UID, and the owner keeps its own', async () => {
    const spec = smallCluster('thief');
    const state = join(stage.dir, 'thief', 'state', 'thief');
    await welcome.copyState('welcome', state);
    rmSync(join(state, 'cluster.json'));
    const host = agentWith(spec, null);
    const [line] = await refusal(host, 'thief', 'warn');
    expect(line).toMatchObject({ msg: 'hub not reached', reason: 'cluster_uid_mismatch' });
    await eventually('the hub to count it', async () => {
      return (await hub.counted(REFUSALS, 'reason', 'cluster_uid_mismatch')) > 0;
    });
    await othersUndisturbed();
  });
});
