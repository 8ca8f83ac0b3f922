import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:http';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { startKubeWorld } from '../testing/kube-world.js';
import { ApiProbe } from './api-probe.js';

const START = 1_700_000_000_000;

let api: FakeApiServer;
let probe: ApiProbe;
let now = START;
const said: [string, Record<string, unknown>][] = [];

beforeEach(async () => {
  const world = await startKubeWorld();
  api = world.api;
  api.onRequest = (_method, path) => (path === '/readyz' ? { code: 200, body: {} } : null);
  api.put('/api/v1/namespaces', { metadata: { name: 'kube-system' } });
  const info = (message: string, fields = {}): void => void said.push([message, fields]);
  now = START;
  said.length = 0;
  probe = new ApiProbe({ kube: world.kube, now: () => now, log: { info, warn: info, error: info } });
});
afterEach(async () => {
  probe.stop();
  await api.stop();
});

async function seconds(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await probe.look();
    now += 1_000;
  }
}

describe('the agent’s own probe of the API server', () => {
  it('answers, an outage, answers again → each second is measured, and the outage is told in seconds', async () => {
    await seconds(4);
    api.goAway();
    await seconds(3);
    api.comeBack();
    await seconds(1);

    expect(probe.series(START, 4, 2_000)).toEqual([
      [0, 4],
      [0, 4],
      [4, 4],
      [2, 4],
    ]);
    expect(probe.disruptionSeconds).toBe(3);
    expect(probe.disruption(START, 4, 2_000)).toEqual([0, 0, 2, 1]);
    // Periods and seconds have different edges, and what was not asked is not known.
    expect(probe.disruption(START, 3, 2_500)).toEqual([0, expect.closeTo(2.5 / 3), expect.any(Number)]);
    expect(probe.disruption(START + 8_000, 1, 2_000)).toEqual([null]);
    const [message, fields] = said.at(-1) ?? ['', {}];
    expect(message).toBe('API server answers again');
    expect(fields).toMatchObject({ disruptionSeconds: 3, newConnections: 3, reusedConnections: 3 });
  });

  it('only one of the two is answered → half of that second is bad', async () => {
    api.onRequest = (_method, path) => (path === '/readyz' ? { code: 500, body: {} } : null);
    await seconds(2);
    expect(probe.series(START, 1, 2_000)).toEqual([[2, 4]]);
  });

  it('seconds in which the agent itself did not run → no sample, neither good nor bad', async () => {
    await seconds(2);
    now += 10_000;
    await seconds(2);
    expect(probe.series(START, 3, 4_000)).toEqual([[0, 4], null, null]);
    expect(probe.series(START + 12_000, 1, 2_000)).toEqual([[0, 4]]);
  });

  it('three seconds → one connection that stays, and a new one in each', async () => {
    let opened = 0;
    (Reflect.get(api, 'server') as Server).on('connection', () => (opened += 1));
    await seconds(3);
    expect(opened).toBe(1 + 3);
  });
});
