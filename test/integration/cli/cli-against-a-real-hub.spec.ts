import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../../../apps/cli/src/program.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';

const PLAN = `apiVersion: wavegate.dev/v1
kind: UpgradePlan
metadata: { name: k135-cli }
spec:
  target: { kubernetes: 1.35.4 }
  clusters:
    selector: "env = dev"
  strategy:
    waves: [25%, 100%]
    maxInFlight: 2
  gates:
    approvals: [{ beforeWave: 2, count: 1 }]
`;

/** The CLI's whole command lines over real HTTP. No agent answers in this world, so nothing gets beyond its order. */
describe('wavegate against a real hub', () => {
  let hub: TestHub;
  let home: string;

  const run = (...args: string[]) => runUntil(() => false, ...args);

  /** Interrupts the command once its stdout satisfies `enough`, as a person would by Ctrl-C. */
  async function runUntil(enough: (out: string) => boolean, ...args: string[]) {
    const interrupt = new AbortController();
    const text = { out: '', err: '' };
    const stream = (name: 'out' | 'err') => ({
      ...{ isTTY: false, columns: 120, rows: 40 },
      write: (more: string) => {
        text[name] += more;
        if (enough(text.out)) interrupt.abort();
      },
    });
    const code = await runCommandLine(args, {
      env: { XDG_CONFIG_HOME: home },
      out: stream('out'),
      err: stream('err'),
      fetch: globalThis.fetch,
      interrupted: interrupt.signal,
      now: () => Date.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      readInput: () => Promise.resolve(''),
    });
    return { code, ...text };
  }

  async function planFile(text: string): Promise<string> {
    const path = join(home, 'plan.yaml');
    await writeFile(path, text);
    return path;
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'wavegate-cli-'));
    hub = await startTestHub();
    for (const name of ['c1', 'c2', 'c3', 'c4']) await hub.addCluster(name, { env: 'dev' });
  });
  afterAll(async () => {
    await hub?.stop();
    await rm(home, { recursive: true, force: true });
  });

  it('login with a wrong token → refused, nothing stored; with the right one → the fleet answers', async () => {
    expect((await run('login', hub.url, '--token', 'wrong.token')).code).toBe(1);
    expect((await run('clusters', 'list')).err).toContain('No hub is configured');
    expect((await run('login', hub.url, '--token', hub.adminToken)).code).toBe(0);
    expect(await run('clusters', 'list', '-l', 'env=dev', '-o', 'name')).toEqual({
      ...{ code: 0, err: '' },
      out: 'cluster/name-c1\ncluster/name-c2\ncluster/name-c3\ncluster/name-c4\n',
    });
    const list = await run('clusters', 'list');
    expect(list.out).toMatch(/^name-c1 +1\.34\.4 +3 +kubeadm +connected, 0\.1\.0 +env=dev$/m);
  });

  it('a selector that cannot be read → its field and what would be right; 1', async () => {
    const { code, err } = await run('clusters', 'list', '-l', 'env in (');
    expect([code, err]).toEqual([1, expect.stringMatching(/labelSelector {2}.*expected/)]);
  });

  it('labels and join tokens → set, removed, shown once; a name that is taken → refused', async () => {
    expect((await run('clusters', 'label', 'name-c4', 'team=a')).out).toContain('env=dev,team=a');
    expect((await run('clusters', 'label', 'name-c4', 'team-')).out).not.toContain('team');
    expect((await run('clusters', 'join', 'new-1', '--minutes', '5')).out).toMatch(
      /^helm install wavegate-agent deploy\/charts\/agent --namespace wavegate --create-namespace .*--set-string join\.token=\S+\n$/,
    );
    expect((await run('clusters', 'join', 'new-2', '--by', 'hand')).out).toMatch(/^wavegate-agent run .*--join \S+\n$/);
    expect((await run('clusters', 'join', 'name-c1')).code).toBe(1);
  });

  it('a plan that the fleet does not fit → line and column from the hub’s own problem', async () => {
    const path = await planFile(PLAN.replace('env = dev', 'enw = dev'));
    const { code, out } = await run('plan', 'validate', path);
    expect([code, out]).toEqual([1, expect.stringMatching(/plan\.yaml:7:15 {2}.*did you mean "env"/)]);
  });

  it('validate, preview, apply, start → the plan travels whole, and the screens name its waves', async () => {
    const path = await planFile(PLAN);
    expect((await run('plan', 'validate', path)).out).toContain('valid and fits the fleet');
    expect((await run('plan', 'preview', path)).out).toMatch(/^ 2 {2}100% {2}3 .*1 approval/m);
    expect((await run('plan', 'apply', path)).out).toMatch(/^plan\/k135-cli is stored: [0-9a-f]{64}$/m);
    expect((await run('rollout', 'start', 'k135-cli')).out).toMatch(/^rollout\/[0-9a-f]{8} of k135-cli runs over 4/);
    const screen = (await run('rollout', 'get', 'latest')).out;
    expect(screen).toContain(' WAVE 1   25%  ● open      0/1 upgraded, 1 running');
    expect(screen).toMatch(/ordered +\S+ +upgrade order sent; the agent has not accepted it yet/);
    expect(screen).toContain('… and 3 waiting');
  });

  it('explain → the gates, and who moves next', async () => {
    const listed = JSON.parse((await run('rollout', 'clusters', 'latest', '-o', 'json')).out) as {
      items: { name: string; phase: string }[];
    };
    const waiting = listed.items.find(({ phase }) => phase === 'waiting')?.name ?? '';
    const { code, out } = await run('explain', 'latest', waiting);
    expect(code).toBe(0);
    expect(out).toMatch(/gate budget +pass/);
    expect(out).toMatch(/^Next: ./m);
  });

  it('pause, approve, resume, abort → durable when answered, and the events tell who', async () => {
    expect((await run('rollout', 'pause', 'latest')).out).toContain('PAUSED  the rollout is paused by first-admin');
    const approved = await run('rollout', 'approve', 'latest', '--wave', '2');
    expect([approved.code, approved.err]).toEqual([0, expect.stringMatching(/digest [0-9a-f]{64}/)]);
    expect((await run('rollout', 'resume', 'latest')).out).toContain('running');
    expect((await run('rollout', 'abort', 'latest')).code).toBe(0);
    expect((await run('rollout', 'abort', 'latest')).code).toBe(1);
    const events = (await run('events')).out;
    expect(events).toMatch(/first-admin {2}command\.paused {2}rollout\//);
    const json = (await run('events', '-o', 'json')).out.trim().split('\n');
    expect(json.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(json.map((_, n) => n + 1));
  });

  it('bundle → one file of this rollout: its plan, its events, its orders and no others', async () => {
    await run('clusters', 'preflight', 'name-c4', '--no-wait');
    const asked = (await hub.ask('GET', '/api/v1/orders?requested=true')).body.items;
    expect(asked).toHaveLength(1);
    const file = join(home, 'review.tar.gz');
    const { code, err } = await run('rollout', 'bundle', 'latest', '-o', file);
    expect([code, err]).toEqual([0, expect.stringContaining('review.tar.gz is written: 8 files')]);
    execFileSync('tar', ['-xzf', file, '-C', home, '--strip-components=1']);
    execFileSync('sha256sum', ['-c', '--strict', '--quiet', 'SHA256SUMS'], { cwd: home });
    const read = async (name: string) => JSON.parse(await readFile(join(home, name), 'utf8'));
    const rollout = await read('rollout.json');
    const orders = (await read('orders.json')) as { parent: { kind: string; id: string } }[];
    expect(orders.length).toBeGreaterThan(0);
    for (const { parent } of orders) expect(parent).toEqual({ kind: 'rollout', id: rollout.id });
    expect((await read('plan.json')).digest).toBe(rollout.planDigest);
    expect(await readFile(join(home, 'events.jsonl'), 'utf8')).toContain('"command.aborted"');
  });

  it('events -f → goes on where the list ended, event by event, until interrupted; 130', async () => {
    const before = (await run('events', '-o', 'json')).out.trim().split('\n').length;
    const seen = (out: string): number => out.split('\n').length - 1;
    const following = runUntil((out) => seen(out) >= before + 2, 'events', '-f', '-o', 'json');
    await run('clusters', 'label', 'name-c1', 'followed=yes');
    await run('clusters', 'label', 'name-c1', 'followed-');
    const { code, out } = await following;
    const seqs = out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { seq: number }).seq);
    expect([code, seqs.slice(0, before + 2)]).toEqual([130, Array.from({ length: before + 2 }, (_, n) => n + 1)]);
  });

  it('a scoped token → made, listed by its scope, revoked by its id', async () => {
    const made = await run('tokens', 'create', 'ci', '--role', 'operator', '--scope', 'env=lab');
    expect([made.code, made.err]).toEqual([0, expect.stringContaining('(operator, env=lab)')]);
    const id = made.out.trim().split('.')[0] ?? '';
    const listed = (): Promise<string | undefined> =>
      run('tokens', 'list').then(({ out }) => out.split('\n').find((line) => line.startsWith(id)));
    expect(await listed()).toMatch(/ci +operator +env=lab .* valid$/);
    expect((await run('tokens', 'revoke', id)).code).toBe(0);
    expect(await listed()).toMatch(/revoked [\dms ]+ ago$/);
    const unknown = await run('tokens', 'revoke', 'nobody');
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('There is no API token "nobody"')]);
  });

  it('a viewer’s token → reads, and is told why it may not do more', async () => {
    const token = (await run('tokens', 'create', 'bob', '--role', 'viewer')).out.trim();
    expect((await run('login', hub.url, '--token', token, '--name', 'bob')).code).toBe(0);
    expect((await run('rollout', 'list')).code).toBe(0);
    const { code, err } = await run('rollout', 'pause', 'latest');
    expect([code, err]).toEqual([1, expect.stringContaining('The role "viewer" may not do this')]);
  });
});
