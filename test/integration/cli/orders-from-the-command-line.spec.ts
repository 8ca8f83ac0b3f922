import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../../../apps/cli/src/program.js';
import { startTestHub, type TestHub } from '../world/running-hub.js';
import { SimulatedAgents } from '../world/simulated-agents.js';

const PLAN = `apiVersion: wavegate.dev/v1
kind: UpgradePlan
metadata: { name: k135 }
spec: { target: { kubernetes: 1.35.4 }, clusters: { selector: env=test } }
`;

/** Whole command lines, a real hub, real agents over gRPC. */
describe('orders from the command line', () => {
  let hub: TestHub;
  let agents: SimulatedAgents;
  let home: string;

  async function run(...args: string[]) {
    const text = { out: '', err: '' };
    const stream = (name: 'out' | 'err') => ({
      ...{ isTTY: false, columns: 120, rows: 40 },
      write: (more: string) => void (text[name] += more),
    });
    const code = await runCommandLine(args, {
      env: { XDG_CONFIG_HOME: home, WAVEGATE_URL: hub.url, WAVEGATE_TOKEN: hub.adminToken, TZ: 'UTC' },
      ...{ out: stream('out'), err: stream('err'), fetch: globalThis.fetch },
      interrupted: new AbortController().signal,
      now: () => Date.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms / 5)),
      readInput: () => Promise.resolve(PLAN),
    });
    return { code, ...text };
  }

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'wavegate-cli-'));
    hub = await startTestHub();
    agents = await SimulatedAgents.of(hub);
    await agents.start('well');
    await agents.start('blocking', { preflightBlocks: { times: 99 } });
  }, 180_000);
  afterAll(async () => {
    await agents?.stop();
    await hub?.stop();
    await rm(home, { recursive: true, force: true });
  });

  it('preflight → 3 where something blocks, 0 where nothing does', async () => {
    const blocking = await run('clusters', 'preflight', 'blocking', '--target', '1.35.4');
    expect([blocking.code, blocking.err]).toEqual([3, '1 finding blocks an upgrade of blocking.\n']);
    expect(blocking.out).toContain('BLOCK  pdb_never_allows  payments/ledger');
    expect((await run('clusters', 'preflight', 'well')).code).toBe(0);
  });

  it('drain, backup, and the fleet table → done, proven, and shown', async () => {
    const drained = await run('clusters', 'drain', 'well', 'w-1', '--timeout', '5m');
    expect([drained.code, drained.err]).toEqual([0, '']);
    expect(drained.out).toContain('completed; left cordoned: w-1');
    const backup = await run('clusters', 'backup', 'well', 'etcd');
    expect([backup.code, backup.err]).toEqual([0, '']);
    expect(backup.out).toMatch(/receipt {2}etcd on cp-1 at .*restored for proof/);
    const wide = (await run('clusters', 'list', '-o', 'wide')).out;
    expect(wide).toMatch(/^well .* etcd [\dms ]+ ago .* etcd [\dms ]+ ago /m);
    expect(wide).toMatch(/^blocking .* never .* never /m);
    expect((await run('clusters', 'get', 'well')).out).toMatch(/restore proven +etcd on cp-1/);
  });

  it('a node that is not there, a timeout that is none → the field and what would be right', async () => {
    const unknown = await run('clusters', 'drain', 'well', 'w1');
    expect([unknown.code, unknown.err]).toEqual([
      1,
      'The order does not fit well\n  args.node  there is no node "w1"; did you mean "w-1"?\n',
    ]);
    const timeout = await run('clusters', 'drain', 'well', 'w-2', '--timeout', '-5m');
    expect([timeout.code, timeout.err]).toEqual([
      1,
      expect.stringMatching(/drain\.timeout is "-5m"; write a duration/),
    ]);
  });

  it('orders list, get and withdraw → what was asked, and that it is too late', async () => {
    const list = (await run('orders', 'list')).out;
    expect(list.split('\n')[0]).toMatch(/^ORDER +KIND +CLUSTER +STATE +AGE +BY +WHAT$/);
    const id = /^(\w{8}) +backup +well +completed/m.exec(list)?.[1] ?? '';
    expect((await run('orders', 'get', id)).out).toContain('backup of well  etcd');
    expect((await run('orders', 'withdraw', id)).out).toContain('completed');
    expect(JSON.parse((await run('orders', 'get', id, '-o', 'json')).out)).toMatchObject({ state: 'done' });
  });

  it('plan preview --preflight and plan drain-preview → the findings of the fleet, for people and as CSV', async () => {
    const path = join(home, 'plan.yaml');
    await writeFile(path, PLAN);
    const preview = (await run('plan', 'preview', path, '--preflight')).out;
    expect(preview).toContain('Preflight: 1 cluster of 2 without findings');
    expect(preview).toContain('BLOCK  pdb_never_allows');
    const drains = (await run('plan', 'drain-preview', '-f', path)).out;
    expect(drains).toContain('team-ledger  1 block, 0 warn in 1 cluster');
    const csv = (await run('plan', 'drain-preview', '-f', '-', '-o', 'csv')).out;
    expect(csv.split('\r\n')[1]).toMatch(/^team-ledger,block,pdb_never_allows,blocking,/);
  });

  it('schedules create, list, delete', async () => {
    const args = ['--kind', 'backup', '--args', '{"what":"etcd"}', '--at', '03:00', '--time-zone', 'Europe/Berlin'];
    const made = await run('schedules', 'create', 'drill', ...args, '--rrule', 'FREQ=WEEKLY;BYDAY=SU');
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toContain('backup etcd');
    expect((await run('schedules', 'list', '-o', 'name')).out).toBe('schedule/drill\n');
    expect((await run('schedules', 'delete', 'drill')).code).toBe(0);
    expect((await run('schedules', 'list')).out).toContain('There is no schedule');
  });
});
