import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { fakeWorld } from '../testing/fake-world.js';

const PLAN = `apiVersion: wavegate.dev/v1
kind: UpgradePlan
metadata: { name: k135 }
spec:
  target: { kubernetes: 1.35.4 }
  strategy: { waves: [25%, 100%] }
  gates: { soak: { default: 5m } }
  verdict: { objectives: [availability], window: 20m }
`;

const node = (name: string, role: string) => ({
  ...{ name, role, kubelet: '1.34.4', ready: true, schedulable: true, zone: 'a' },
});
const cluster = (name: string, version = '1.34.4') => ({
  ...{ id: name, name, uid: `uid-${name}`, labels: {}, approved: true, driver: 'kubeadm', provider: 'on-prem' },
  controlPlane: [version],
  nodes: [node('cp-1', 'controlPlane'), node('w-1', 'worker'), node('w-2', 'worker')].map((one) => ({
    ...one,
    kubelet: version,
  })),
  pdbCount: 0,
  agent: { connected: true, version: '0.1.0', lastSeen: '2026-10-07T12:29:00Z', generation: 1, replica: 'hub' },
  factsAt: '2026-10-07T12:29:00Z',
});

const FLEET = ['a', 'b', 'c', 'd'].map((name) => cluster(name));

const simulate = (...more: string[]) => simulateWith(FLEET, ...more);

async function simulateWith(items: readonly unknown[], ...more: string[]) {
  const answers = { 'GET /clusters?limit=500': () => ({ items, nextCursor: null }) };
  const world = fakeWorld({ answers });
  const path = join(world.home, 'plan.yaml');
  writeFileSync(path, PLAN);
  const ran = await world.run('plan', 'simulate', path, ...more);
  return { ...ran, methods: world.sent.map(({ method }) => method) };
}

describe('plan simulate', () => {
  it('a healthy fleet → every wave with its times, exit 0, and nothing but reads was sent', async () => {
    const { code, out, methods } = await simulate();
    expect([code, new Set(methods)]).toEqual([0, new Set(['GET'])]);
    expect(out).toMatch(/WAVE +CLUSTERS +OPENS +LAST ENDS/);
    expect(out).toMatch(/\n 2 +3 .* 3 +0\n/);
    expect(out).toMatch(/It ends 1[34]:\d\d \(in [\dhm ]+\), after [\dhm ]+\./);
  });

  it('the canary burns → what went back and what stays is said, and where it stops; exit 1', async () => {
    const { code, out, err } = await simulate(...['a', 'b', 'c', 'd'].flatMap((name) => ['--burn', name]));
    expect(code).toBe(1);
    expect(out).toContain('rolled back (rung 2, worker)');
    expect(out).toMatch(/It stops for a person: .*1 failure.* 3 of 4 clusters were never begun/);
    expect(err).toContain('did not come to its end by itself');
  });

  it('a cluster that nobody knows, a time that is none → named, exit 2, and no rehearsal', async () => {
    expect(await simulate('--burn', 'zz')).toMatchObject({ code: 2, out: '' });
    const { code, err } = await simulate('--at', 'tomorrow');
    expect([code, err]).toEqual([2, expect.stringContaining('write for example 2026-12-01T20:00:00Z')]);
  });

  it('a plan that the hub would refuse for this fleet → refused with the place in the file, and no rehearsal', async () => {
    const { code, out, err } = await simulateWith([...FLEET, cluster('old', '1.33.8')]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/plan\.yaml:5:\d+ {2}spec\.target\.via does not name a patch of 1\.34, which old \(1\.33\.8\)/);
  });

  it('what is to go wrong in a cluster that takes no part → said, since it does not happen', async () => {
    const { code, err } = await simulateWith([...FLEET, cluster('new', '1.35.4')], '--burn', 'new');
    expect([code, err]).toEqual([0, expect.stringContaining('new takes no part in this rollout')]);
  });
});
