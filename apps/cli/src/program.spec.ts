import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import { fakeWorld, HUB, problem } from './testing/fake-world.js';
import { sampleRollout, viewOf } from './testing/sample-rollout.js';

describe('the command line itself', () => {
  it('version → the one of package.json', async () => {
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await fakeWorld().run('version')).toEqual({ code: 0, out: `wavegate ${manifest.version}\n`, err: '' });
  });

  it('asked for help → 0, on stdout, with the exit codes', async () => {
    const { code, out } = await fakeWorld().run('--help');
    expect([code, out.includes('Exit codes:')]).toEqual([0, true]);
  });

  it('a wrong command line → 2, said on stderr, and nothing is sent', async () => {
    const wrong = [
      ['clusters', 'lits'],
      ['rollout', 'watch'],
      ['clusters', 'list', '-o', 'xml'],
      ['rollout', 'approve', 'x', '--wave', 'two'],
      ['rollout', 'rollback', 'x'],
      ['rollout', 'rollback', 'x', '--all', '--wave', '2'],
      ['rollout', 'rollback', 'x', '--all', '--approve-rungs', 'three'],
      ['clusters', 'label', 'c1', 'nonsense'],
      ['clusters', 'join', 'c1', '--label', 'nonsense'],
      ['tokens', 'create', 'bob'],
      [],
    ];
    for (const args of wrong) {
      const world = fakeWorld();
      const { code, out, err } = await world.run(...args);
      expect([args, code, out, err === '', world.sent]).toEqual([args, 2, '', false, []]);
    }
  });

  it('no hub configured → 2, and how to name one', async () => {
    const { code, err } = await fakeWorld({ env: {} }).run('clusters', 'list');
    expect([code, err]).toEqual([2, 'No hub is configured: wavegate login URL --token T, or set WAVEGATE_URL.\n']);
  });
});

describe('refusals', () => {
  it('problem+json → each field with what is wrong and what would be right; 1', async () => {
    const errors = [
      { pointer: '/minutes', code: 'too_big', detail: 'expected at most 60', example: 30 },
      { pointer: '/labels/a~1b', code: 'x', detail: 'labels["a/b"] is 3; write a text' },
    ];
    const answers = { 'POST /join-tokens': () => problem(422, 'The request is not valid', { errors }) };
    const { code, out, err } = await fakeWorld({ answers }).run('clusters', 'join', 'c1', '--minutes', '90');
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      'The request is not valid\n  minutes  expected at most 60, for example 30\n  labels["a/b"] is 3; write a text\n',
    );
  });

  it("the hub's own failure → with the request id that its log is searched for", async () => {
    const answers = { 'GET /clusters': () => problem(500, 'The hub failed to answer') };
    const { code, err } = await fakeWorld({ answers }).run('clusters', 'list');
    expect([code, err]).toEqual([1, 'The hub failed to answer (request r-1)\n']);
  });

  it('something that is no hub, and nobody at all → one line each; 1', async () => {
    const html = () => new Response('<html>', { status: 404, headers: { 'content-type': 'text/html' } });
    const other = await fakeWorld({ answers: { 'GET /clusters': html } }).run('clusters', 'list');
    expect([other.code, other.err.split('\n').length, other.err]).toEqual([
      ...[1, 2, expect.stringContaining('not the answer of a Wavegate hub')],
    ]);
    const nobody = () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
    };
    const none = await fakeWorld({ answers: { 'GET /clusters': nobody } }).run('clusters', 'list');
    expect(none.err).toBe('The hub at http://hub.test does not answer: connect ECONNREFUSED 127.0.0.1:1\n');
    expect(none.code).toBe(1);
  });
});

describe('login', () => {
  const empty = { 'GET /clusters': () => ({ items: [], nextCursor: null }) };

  it('a good token → stored 0600, used by the next command, named by its context', async () => {
    const world = fakeWorld({ answers: empty, env: {}, input: 'from-stdin\n' });
    expect((await world.run('login', 'http://hub.test/', '--token', '-', '--name', 'prod')).code).toBe(0);
    expect(statSync(join(world.home, 'wavegate', 'config.json')).mode & 0o777).toBe(0o600);
    expect((await world.run('clusters', 'list')).code).toBe(0);
    expect(world.sent.at(-1)?.authorization).toBe('Bearer from-stdin');
    expect((await world.run('--context', 'prod', 'clusters', 'list')).code).toBe(0);
    expect((await world.run('--context', 'test', 'clusters', 'list')).code).toBe(2);
  });

  it('a refused token → 1, nothing stored', async () => {
    const answers = { 'GET /clusters': () => problem(401, 'This needs a token') };
    const world = fakeWorld({ answers, env: {} });
    expect((await world.run('login', 'http://hub.test', '--token', 'bad')).code).toBe(1);
    expect((await world.run('clusters', 'list')).err).toContain('No hub is configured');
  });

  it('WAVEGATE_URL names another hub → the stored token is not sent there', async () => {
    const world = fakeWorld({ answers: empty, env: {} });
    await world.run('login', 'http://hub.test', '--token', 'stored');
    const elsewhere = fakeWorld({
      answers: empty,
      env: { XDG_CONFIG_HOME: world.home, WAVEGATE_URL: 'http://other.test' },
    });
    await elsewhere.run('clusters', 'list');
    expect(elsewhere.sent.map(({ authorization }) => authorization)).toEqual([null]);
  });

  it('an address that is none → 2', async () => {
    expect((await fakeWorld({ env: {} }).run('login', 'hub', '--token', 'x')).code).toBe(2);
  });
});

describe('clusters and tokens', () => {
  const cluster = {
    ...{ id: 'i1', name: 'c1', uid: null, labels: {}, approved: true, driver: null, provider: null, controlPlane: [] },
    ...{ nodes: [], pdbCount: null, factsAt: null, lastBackup: null, lastRestoreProof: null },
    agent: { connected: false, version: null, lastSeen: null, generation: 0, replica: null },
  };

  it('list → the filters are sent, every page is fetched, -o name is one per line', async () => {
    const second = { items: [{ ...cluster, name: 'c2' }], nextCursor: null };
    const answers = {
      'GET /clusters': ({ path }: { path: string }) =>
        path.includes('cursor=next') ? second : { items: [cluster], nextCursor: 'next' },
    };
    const world = fakeWorld({ answers });
    const args = ['clusters', 'list', '-l', 'env=prod', '--connected', 'true', '--version', '1.34', '-o', 'name'];
    expect(await world.run(...args)).toEqual({ code: 0, out: 'cluster/c1\ncluster/c2\n', err: '' });
    expect(world.sent[0]?.path).toBe('/clusters?labelSelector=env=prod&connected=true&version=1.34&limit=500');
  });

  it('join → the line alone on stdout, the warning on stderr', async () => {
    const made = { id: 't', cluster: 'c1', expiresAt: '2026-10-07T13:00:00Z', token: 't.s', caSha256: 'ab' };
    const lines = { helm: 'helm install --set-string join.token=t.s', command: 'wavegate-agent run --join t.s' };
    const answers = { 'POST /join-tokens': () => ({ ...made, ...lines, warnings: [] }) };
    const world = fakeWorld({ answers });
    const { code, out, err } = await world.run(
      ...['clusters', 'join', 'c1', '--label', 'a=b', '--label', 'c=', '--minutes', '30', '--needs-approval'],
    );
    expect([code, out]).toEqual([0, 'helm install --set-string join.token=t.s\n']);
    expect((await world.run('clusters', 'join', 'c1', '--by', 'hand')).out).toBe('wavegate-agent run --join t.s\n');
    expect(err).toContain('before 13:00 (in 30m)');
    expect(err).not.toContain('t.s');
    const body = { cluster: 'c1', labels: { a: 'b', c: '' }, minutes: 30, approved: false };
    expect(world.sent[0]?.body).toEqual(body);
  });

  it('label k=v k- → set and removed in one change', async () => {
    const world = fakeWorld({ answers: { 'PATCH /clusters/c1/labels': () => cluster } });
    expect((await world.run('clusters', 'label', 'c1', 'env=prod', 'old-')).code).toBe(0);
    expect(world.sent[0]?.body).toEqual({ labels: { env: 'prod', old: null } });
  });

  it('remove → the token goes along although nothing comes back', async () => {
    const world = fakeWorld({ answers: { 'DELETE /clusters/c1': () => new Response(null, { status: 204 }) } });
    expect((await world.run('clusters', 'remove', 'c1')).code).toBe(0);
    expect(world.sent[0]?.authorization).toBe(`Bearer ${HUB.WAVEGATE_TOKEN}`);
  });

  it('tokens create → the secret alone on stdout', async () => {
    const answers = { 'POST /api-tokens': () => ({ id: 'a', name: 'bob', role: 'viewer', token: 'a.b' }) };
    const { out } = await fakeWorld({ answers }).run('tokens', 'create', 'bob', '--role', 'viewer');
    expect(out).toBe('a.b\n');
  });
});

describe('what people say to a rollout', () => {
  const rollout = sampleRollout();
  const get = { 'GET /rollouts/7f3': () => rollout };
  const done = (): unknown => ({ rollout, cannot: [] });

  it('approve → the digest that was shown is the digest that is approved', async () => {
    const world = fakeWorld({ answers: { ...get, 'POST /rollouts/7f3c01aa/approve': done } });
    const { code, err } = await world.run('rollout', 'approve', '7f3', '--wave', '3');
    expect(code).toBe(0);
    expect(err).toContain(rollout.planDigest);
    expect(world.sent.at(-1)?.body).toEqual({ wave: 3, planDigest: rollout.planDigest });
  });

  it('approve with another digest → nothing is approved; 1', async () => {
    const world = fakeWorld({ answers: get });
    expect((await world.run('rollout', 'approve', '7f3', '--wave', '3', '--digest', 'ffff')).code).toBe(1);
    expect(world.sent.map(({ method }) => method)).toEqual(['GET']);
  });

  it('resume --allow, skip, retry, abort → the words of the API', async () => {
    const answers = Object.fromEntries(
      ['pause', 'resume', 'abort', 'retry', 'skip'].map((verb) => [`POST /rollouts/7f3/${verb}`, done]),
    );
    const world = fakeWorld({ answers });
    await world.run('rollout', 'pause', '7f3');
    await world.run('rollout', 'resume', '7f3', '--allow', '2');
    await world.run('rollout', 'retry', '7f3', '--cluster', 'c1');
    await world.run('rollout', 'skip', '7f3', '--cluster', 'c2');
    await world.run('rollout', 'abort', '7f3');
    expect(world.sent.map(({ path, body }) => [path.split('/').at(-1), body])).toEqual([
      ['pause', null],
      ['resume', { allow: 2 }],
      ['retry', { cluster: 'c1' }],
      ['skip', { cluster: 'c2' }],
      ['abort', null],
    ]);
  });

  it('rollback → scope and rungs are sent; a cluster that no rung brings back is named; 1', async () => {
    const cannot = [{ cluster: 'c1', reason: viewOf(reason('rung_needs_approval', { rung: 6 })) }];
    const world = fakeWorld({ answers: { 'POST /rollouts/7f3/rollback': () => ({ rollout, cannot }) } });
    const { code, err } = await world.run('rollout', 'rollback', '7f3', '--wave', '2', '--approve-rungs', '3,6');
    expect(world.sent[0]?.body).toEqual({ scope: 'wave', wave: 2, approveRungs: [3, 6] });
    expect(code).toBe(1);
    expect(err).toContain('wavegate recoveries ask CLUSTER');
    expect(err).toMatch(
      /\nNot possible for 1 cluster:\n  c1  rung 6 of the rollback ladder needs a person's approval\n$/,
    );
  });

  it('-o json → the answer as the API gave it', async () => {
    const { out } = await fakeWorld({ answers: get }).run('rollout', 'get', '7f3', '-o', 'json');
    expect(JSON.parse(out)).toEqual(rollout);
  });
});
