import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Reason } from '@wavegate/fleet';
import { CancelSource, StepInterrupted } from '@wavegate/runtime/agent';
import type { FakeApiServer } from '../../testing/fake-api-server.js';
import { FastClock } from '../../testing/fast-clock.js';
import { startKubeWorld } from '../../testing/kube-world.js';
import type { VeleroMeans } from './velero-means.js';
import { VELERO_API } from './velero-objects.js';
import { backupVelero, veleroMeans, type BackupStepRequest } from './velero-steps.js';

const LOCATIONS = `${VELERO_API}/backupstoragelocations`;
const BACKUPS = `${VELERO_API}/backups`;
const REQUEST: BackupStepRequest = { name: 'b', namespaces: [], selector: '', ttlMs: 0, attempt: 1 };

let api: FakeApiServer;
let means: VeleroMeans;
let clock: FastClock;
let told: Reason[];
let cancel: CancelSource;
let isInstalled: boolean;
let player: NodeJS.Timeout | undefined;

beforeEach(async () => {
  const world = await startKubeWorld();
  api = world.api;
  isInstalled = true;
  api.onRequest = (_method, path) => (path === VELERO_API && isInstalled ? { code: 200 } : null);
  clock = new FastClock(100);
  means = veleroMeans(world.kube, clock);
  told = [];
  cancel = new CancelSource();
});
afterEach(async () => {
  clearInterval(player);
  cancel.cancel();
  await api.stop();
});

const iso = (at: number): string => new Date(at).toISOString();

function location(name: string, rest: { namespace?: string; spec?: object; status?: object } = {}): void {
  const metadata = { name, namespace: rest.namespace ?? 'velero', creationTimestamp: iso(clock.now()) };
  const status = { phase: 'Available', lastValidationTime: iso(clock.now()), ...rest.status };
  api.put(LOCATIONS, { metadata, spec: { default: name === 'default', ...rest.spec }, status });
}

/**
 * Velero writes its status: the location's heartbeat with each phase, as a server that works. Each phase stays until it
 * was looked at, however busy the machine is.
 */
function play(phases: readonly { readonly phase: string; readonly [field: string]: unknown }[]): void {
  const left = [...phases];
  let seen = 0;
  player = setInterval(() => {
    const backup = api.get(BACKUPS, 'b', 'velero');
    if (!backup) return;
    location('default');
    const looks = api.requests.filter((line) => line.startsWith('GET') && line.endsWith('/backups/b')).length;
    const next = looks > seen || left.length === phases.length ? left.shift() : undefined;
    seen = looks;
    if (next) api.put(BACKUPS, { ...backup, status: next });
  }, 15);
}

const run = (more: Partial<BackupStepRequest> = {}) =>
  backupVelero(means, { ...REQUEST, ...more }, { report: (reason) => told.push(reason), cancel });
const detail = async (result: ReturnType<typeof run>): Promise<string> => {
  const end = await result;
  return end.kind === 'failed' ? String(end.reason.params.detail) : end.kind;
};

describe('whether Velero can take a backup', () => {
  it('not installed → said so, not tried', async () => {
    isInstalled = false;
    expect(await detail(run())).toBe('Velero is not installed in this cluster: its API velero.io/v1 is not there');
  });

  it('no location, two Veleros, no default, an unknown one → each with what would be right', async () => {
    expect(await detail(run())).toContain('Velero has no BackupStorageLocation');
    location('a', { namespace: 'one' });
    location('b', { namespace: 'two' });
    expect(await detail(run())).toContain('Velero is found in one and two: say which one');
    expect(await detail(run({ veleroNamespace: 'one' }))).toContain('has no default BackupStorageLocation; it has a');
    expect(await detail(run({ veleroNamespace: 'one', location: 'z' }))).toContain(
      'no BackupStorageLocation z; it has a',
    );
  });

  it.each([
    ['Unavailable', { status: { phase: 'Unavailable', message: 'bucket gone\nmore' } }, /is Unavailable: bucket gone$/],
    ['ReadOnly', { spec: { accessMode: 'ReadOnly' } }, /is ReadOnly: it can be restored from and takes no backup/],
    [
      'Available, but validated long ago',
      { status: { lastValidationTime: '2020-01-01T00:00:00Z' } },
      /was last validated \d+d.* ago: the Velero server does not run/,
    ],
  ])('a location that is %s → one reason, and no Backup is made', async (_what, rest, expected) => {
    location('default', rest);
    expect(await detail(run())).toMatch(expected);
    expect(api.all(BACKUPS)).toEqual([]);
  });

  it('validation switched off by its owner → an old date says nothing', async () => {
    const status = { lastValidationTime: '2020-01-01T00:00:00Z' };
    location('default', { spec: { validationFrequency: '0s' }, status });
    api.put(BACKUPS, {
      metadata: { name: 'b', namespace: 'velero' },
      spec: { includedNamespaces: ['*'], storageLocation: 'default' },
      status: { phase: 'Completed', progress: { totalItems: 4 }, startTimestamp: iso(clock.now()) },
    });
    expect(await run()).toMatchObject({ kind: 'succeeded' });
  });

  it('a selector that cannot be read → refused before anything is made', async () => {
    location('default');
    expect(await detail(run({ selector: 'app in web' }))).toContain('label selector "app in web"');
    expect(api.all(BACKUPS)).toEqual([]);
  });
});

/** The Backup is there: from now on it is followed. A clock would say so too early on a busy machine. */
async function made(): Promise<void> {
  while (!api.get(BACKUPS, 'b', 'velero')) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a backup that is followed', () => {
  it('through every phase to Completed → each was told once, the receipt counts its items', async () => {
    location('default');
    play([
      { phase: 'Queued', queuePosition: 2 },
      { phase: 'InProgress', progress: { totalItems: 8, itemsBackedUp: 3 } },
      { phase: 'WaitingForPluginOperations' },
      { phase: 'Finalizing' },
      { phase: 'Completed', progress: { totalItems: 8, itemsBackedUp: 8 }, startTimestamp: '2026-11-21T08:00:00Z' },
    ]);

    const result = await run({ namespaces: [], ttlMs: 72 * 3_600_000, orderId: 'o1' });

    expect(result).toMatchObject({
      kind: 'succeeded',
      receipt: { path: 'b', totalKeys: 8, takenAt: Date.parse('2026-11-21T08:00:00Z'), verified: 'status' },
    });
    const phases = told.map(({ params }) => params.phase);
    expect(phases).toEqual([...new Set(phases)]);
    expect(phases).toEqual(expect.arrayContaining(['Queued, number 2 in the queue', 'InProgress, 3 of 8 items']));
    expect(api.get(BACKUPS, 'b', 'velero')).toMatchObject({
      metadata: { labels: { 'wavegate.dev/order': 'o1' } },
      spec: { includedNamespaces: ['*'], storageLocation: 'default', ttl: '72h0m0s' },
    });
  });

  it.each([
    [
      'FailedValidation',
      { validationErrors: ['no such location'] },
      'Backup b ended FailedValidation: no such location',
    ],
    ['Failed', { failureReason: 'server restarted' }, 'Backup b ended Failed: server restarted'],
    ['Deleting', {}, 'Backup b ended Deleting'],
  ])('ended %s → failed, with the words of Velero', async (phase, status, expected) => {
    location('default');
    play([{ phase, ...status }]);
    expect(await detail(run())).toBe(expected);
  });

  it('a second try → a Backup of its own: the failed one is no answer to it', async () => {
    location('default');
    const metadata = { name: 'b', namespace: 'velero' };
    api.put(BACKUPS, { metadata, spec: { storageLocation: 'default' }, status: { phase: 'Failed' } });
    expect(await detail(run())).toBe('Backup b ended Failed');

    const spec = { storageLocation: 'default' };
    const good = { phase: 'Completed', progress: { totalItems: 2 }, startTimestamp: iso(clock.now()) };
    api.put(BACKUPS, { metadata: { ...metadata, name: 'b-2' }, spec, status: good });
    expect(await run({ attempt: 2 })).toMatchObject({ kind: 'succeeded', receipt: { path: 'b-2' } });
  });

  it('the server falls silent → named within minutes of its clock, with where it was left', async () => {
    location('default');
    const startedAt = clock.now();
    const said = await detail(run());

    expect(said).toMatch(/the Velero server has not been heard for \d+m.*; left at: New/);
    expect(clock.now() - startedAt).toBeLessThan(600_000);
  });

  it('the server is heard and nothing moves → given up by the bound of the request', async () => {
    location('default');
    play([{ phase: 'InProgress' }]);
    expect(await detail(run({ timeoutMs: 300_000 }))).toBe('Backup b is still InProgress after 5m');
  });

  it('deleted by somebody meanwhile → said so', async () => {
    location('default');
    play([{ phase: 'InProgress' }]);
    const result = run();
    await made();
    api.remove(BACKUPS, { metadata: { name: 'b', namespace: 'velero' } });
    expect(await detail(result)).toBe('Backup b was deleted while it was waited for');
  });

  it('the agent stops meanwhile, and lives again → the same Backup is adopted', async () => {
    location('default');
    const first = run();
    await made();
    cancel.cancel();
    await expect(first).rejects.toThrow(StepInterrupted);

    cancel = new CancelSource();
    play([{ phase: 'Completed', progress: { totalItems: 1 }, startTimestamp: iso(clock.now()) }]);
    expect(await run()).toMatchObject({ kind: 'succeeded' });
    expect(api.requests.filter((line) => line.startsWith('POST') && line.endsWith('/backups'))).toHaveLength(2);
    expect(api.all(BACKUPS)).toHaveLength(1);
  });

  it('the API server is away for a moment → the wait goes on', async () => {
    location('default');
    play([{ phase: 'InProgress' }, { phase: 'InProgress' }, { phase: 'InProgress' }]);
    const result = run();
    await made();
    api.goAway();
    setTimeout(() => {
      api.comeBack();
      const metadata = { name: 'b', namespace: 'velero' };
      api.put(BACKUPS, { metadata, spec: {}, status: { phase: 'Completed', progress: { totalItems: 2 } } });
    }, 200);
    expect(await result).toMatchObject({ kind: 'succeeded' });
  });
});
