import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestHub, type TestHub } from '../world/running-hub.js';

const PLAN = {
  apiVersion: 'wavegate.dev/v1',
  kind: 'UpgradePlan',
  metadata: { name: 'k135' },
  spec: {
    target: { kubernetes: '1.35.4' },
    strategy: { waves: ['25%', '100%'], maxInFlight: 2 },
    gates: { approvals: [{ beforeWave: 2, count: 1 }] },
  },
};

/** No agent answers in this world: what people say is decided, kept and explained all the same. */
describe('a rollout over REST', () => {
  let hub: TestHub;
  let id: string;

  beforeAll(async () => {
    hub = await startTestHub();
    for (const name of ['c1', 'c2', 'c3', 'c4']) await hub.addCluster(name, { env: 'dev' });
  });
  afterAll(() => hub?.stop());

  it('preview → waves, order and words, and nothing is stored', async () => {
    const preview = (await hub.ask('POST', '/api/v1/plans/preview', PLAN)).body;
    expect(preview.waves.map((wave: { clusters: unknown[] }) => wave.clusters.length)).toEqual([1, 3]);
    expect(preview.waves[0].clusters[0].hops).toEqual(['1.34.4 → 1.35.4']);
    expect(preview.waves[1].gates).toContain('1 approval');
    expect(preview.proves[0]).toContain('at most 95 %');
    expect(preview.undo.join(' ')).toContain('rung 6');
    expect((await hub.ask('GET', '/api/v1/plans')).body.items).toEqual([]);
    expect((await hub.ask('GET', '/api/v1/rollouts')).body.items).toEqual([]);
  });

  it('start → the first wave is open and its cluster ordered', async () => {
    const plan = (await hub.ask('POST', '/api/v1/plans', PLAN)).body;
    const started = await hub.ask('POST', '/api/v1/rollouts', { plan: plan.digest });
    expect(started.status).toBe(201);
    id = started.body.id;
    expect(started.body).toMatchObject({ state: 'running', size: 4, done: 0, currentWave: 1, planDigest: plan.digest });
    const clusters = (await hub.ask('GET', `/api/v1/rollouts/${id}/clusters`)).body.items;
    expect(clusters.map((one: { phase: string }) => one.phase)).toEqual(['ordered', 'waiting', 'waiting', 'waiting']);
    expect(clusters[0].versions).toBe('1.34.4 / 1.34.4 ×3');
  });

  it('a second rollout over the same clusters → 409 that names the first', async () => {
    const again = await hub.ask('POST', '/api/v1/rollouts', { plan: 'k135' });
    expect([again.status, again.body.title.includes(id)]).toEqual([409, true]);
  });

  it('explain → why it waits, its gates, and who moves next', async () => {
    const clusters = (await hub.ask('GET', `/api/v1/rollouts/${id}/clusters`)).body.items;
    const waiting = (await hub.ask('GET', `/api/v1/rollouts/${id}/explain?cluster=${clusters[3].name}`)).body;
    expect(waiting.sentence).toContain('wave');
    expect(waiting.gates.length).toBeGreaterThan(0);
    expect(waiting.next).not.toBe('');
    const ordered = (await hub.ask('GET', `/api/v1/rollouts/${id}/explain?cluster=${clusters[0].name}`)).body;
    expect(ordered.next).toMatch(/agent|itself/i);
  });

  it('pause and resume → decided at once, and audited with who said it', async () => {
    expect((await hub.ask('POST', `/api/v1/rollouts/${id}/pause`)).body.rollout.state).toBe('paused');
    expect((await hub.ask('POST', `/api/v1/rollouts/${id}/resume`, {})).body.rollout.state).toBe('running');
    const events = (await hub.ask('GET', `/api/v1/events?object=rollout/${id}&limit=500`)).body.items;
    const paused = events.find((event: { action: string }) => event.action === 'rollout.paused');
    expect(paused.actor).toBe('first-admin');
  });

  it('an approval for another plan → 409, for this one → kept', async () => {
    const other = await hub.ask('POST', `/api/v1/rollouts/${id}/approve`, { wave: 2, planDigest: 'f'.repeat(64) });
    expect(other.status).toBe(409);
    const { planDigest } = (await hub.ask('GET', `/api/v1/rollouts/${id}`)).body;
    expect((await hub.ask('POST', `/api/v1/rollouts/${id}/approve`, { wave: 2, planDigest })).status).toBe(200);
  });

  it('skip → the waiting cluster is done; skipping it again does not fit', async () => {
    const clusters = (await hub.ask('GET', `/api/v1/rollouts/${id}/clusters`)).body.items;
    const skipped = await hub.ask('POST', `/api/v1/rollouts/${id}/skip`, { cluster: clusters[3].name });
    expect(skipped.body.rollout.done).toBe(1);
    expect((await hub.ask('POST', `/api/v1/rollouts/${id}/skip`, { cluster: clusters[3].name })).status).toBe(409);
  });

  it('verdicts → none yet; of a cluster that is not in the rollout → 404', async () => {
    const { status, body } = await hub.ask('GET', `/api/v1/rollouts/${id}/verdicts`);
    expect([status, body.rollout, body.items]).toEqual([200, id, []]);
    expect(body.waves[0]).toEqual({ wave: 1, verdict: null, overriddenBy: null, reasons: [] });
    expect((await hub.ask('GET', `/api/v1/rollouts/${id}/verdicts?cluster=nobody`)).status).toBe(404);
  });

  it('rollback of what has not begun → cannot, with the reason; an order that is out is taken back', async () => {
    const answer = await hub.ask('POST', `/api/v1/rollouts/${id}/rollback`, { scope: 'rollout' });
    expect(answer.status).toBe(200);
    expect(answer.body.cannot.length).toBe(3);
    const clusters = (await hub.ask('GET', `/api/v1/rollouts/${id}/clusters?phase=ordered`)).body.items;
    expect(clusters.every(({ reason }: { reason: { code: string } }) => reason.code === 'rollback_asked')).toBe(true);
    expect(answer.body.cannot[0].reason.text.length).toBeGreaterThan(5);
  });

  it('a removed label selector still finds, a cluster in use is not removed', async () => {
    const [busy] = (await hub.ask('GET', `/api/v1/rollouts/${id}/clusters`)).body.items;
    expect((await hub.ask('DELETE', `/api/v1/clusters/${busy.name}`)).status).toBe(409);
    const list = await hub.ask('GET', '/api/v1/clusters?labelSelector=env%20in%20(dev)&limit=3');
    expect([list.body.items.length, typeof list.body.nextCursor]).toEqual([3, 'string']);
    const rest = await hub.ask(
      'GET',
      `/api/v1/clusters?labelSelector=env%20in%20(dev)&limit=3&cursor=${list.body.nextCursor}`,
    );
    expect(rest.body.items.length).toBe(1);
  });

  it('abort → no new start, the open order is withdrawn, the rollout ends', async () => {
    const aborted = await hub.ask('POST', `/api/v1/rollouts/${id}/abort`);
    expect(aborted.body.rollout.state).toBe('aborted');
    const late = await hub.ask('POST', `/api/v1/rollouts/${id}/resume`, {});
    expect(late.status).toBe(409);
  });

  it('events as a stream → resumes after Last-Event-ID', async () => {
    const response = await fetch(`${hub.url}/api/v1/events/stream?object=rollout/${id}`, {
      headers: { authorization: `Bearer ${hub.adminToken}`, 'last-event-id': '0' },
    });
    const reader = response.body!.getReader();
    let text = '';
    while (!text.includes('rollout.aborted')) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toMatch(/^id: \d+$/m);
    expect(text.indexOf('rollout.created')).toBeLessThan(text.indexOf('rollout.aborted'));
  });

  it('the audit chain of all this verifies', async () => {
    expect(await hub.storage.audit.verify()).toMatchObject({ kind: 'intact' });
  });
});
