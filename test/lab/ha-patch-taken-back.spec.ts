import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LabFleet } from './world/lab-fleet.js';
import { openShop } from './world/lab-shop.js';
import { standing } from './world/lab-standing.js';
import { QuorumWatch } from './world/quorum-watch.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

const [OLD, NEW] = ['1.34.3', '1.34.4'];
const PLANES = ['cp1', 'cp2', 'cp3'];
const atEach = (nodes: readonly string[], version: string): Readonly<Record<string, string>> =>
  Object.fromEntries(nodes.map((node) => [node, version]));
/** Three nodes, each settled before the next. */
const LONG = { withinMs: 1_200_000 };
/** So long judged that the way back is asked for before the commit. */
const SOAKING = { verdict: { window: '20m', period: '1s', minSoak: '15m' } };

/** Rung 3 where there are several control-plane nodes: one after the other, and etcd's quorum through it all. */
describe('a patch of three control-plane nodes that is taken back', () => {
  let lab: Lab;
  let fleet: LabFleet;
  let quorum: QuorumWatch;
  let id: string;

  beforeAll(async () => {
    lab = await startLab({ name: 'hapatch', shape: 'ha', version: OLD, upgradableTo: [NEW] });
    await openShop(lab);
    fleet = await LabFleet.start([lab]);
    quorum = new QuorumWatch(lab);
  }, 1_200_000);
  afterAll(async () => {
    await quorum?.end();
    await fleet?.stop();
    await lab?.stop();
  });

  it('a newer patch whose three API servers are through → it is judged, and serves', async () => {
    const ask = (time: number): Promise<string> => fleet.rollOut(`patch-${time}`, { kubernetes: NEW }, SOAKING);
    id = await fleet.untilTaken('hapatch', ask, (asked) =>
      fleet.untilSeen(
        { id: asked, name: 'hapatch' },
        ({ outcome, progress }) =>
          outcome !== null || /judge|soak/i.test(`${progress?.phase} ${progress?.reason.text}`),
        LONG,
      ),
    );
    expect((await standing(lab)).apiServers).toEqual(atEach(PLANES, NEW));
    await lab.kubectl(['create', 'configmap', 'written-meanwhile', '--from-literal=a=1']);
  });

  it('back with the approval → rung 3 on each, nothing written meanwhile is lost, nothing stays closed', async () => {
    const asked = { scope: 'cluster', cluster: 'hapatch', approveRungs: [3] };
    await fleet.hub.call('POST', `/rollouts/${id}/rollback`, asked);
    const outcome = await fleet.untilSeen(
      { id, name: 'hapatch' },
      (seen) => seen.phase === 'done' && seen.outcome,
      LONG,
    );

    expect([outcome.kind, outcome.text]).toEqual(['rolledBack', expect.stringContaining('rung 3')]);
    const nodes = [...PLANES, 'w1', 'w2'];
    expect(await standing(lab)).toMatchObject({
      apiServers: atEach(PLANES, OLD),
      kubelets: atEach(nodes, OLD),
      packages: atEach(nodes, `${OLD}-1.1 held`),
      images: {
        ...atEach(
          PLANES.flatMap((node) => [`${node}/kube-scheduler`, `${node}/kube-controller-manager`]),
          `v${OLD}`,
        ),
        'kube-proxy': `v${OLD}`,
      },
      closed: [],
    });
    for (const node of PLANES) expect(await lab.node(node).sh('kubeadm version -o short')).toContain(OLD);
    const recorded = await lab.kubectl(['-n', 'kube-system', 'get', 'configmap', 'kubeadm-config', '-o', 'yaml']);
    expect(recorded).toContain(`kubernetesVersion: v${OLD}`);
    expect(await lab.kubectl(['get', 'configmap', 'written-meanwhile', '-o', 'jsonpath={.data.a}'])).toBe('1');
  });

  it('etcd through both ways → never fewer than two of three members', async () => {
    const { looks, least } = await quorum.end();
    expect(looks).toBeGreaterThan(30);
    expect(least).toBeGreaterThanOrEqual(2);
  });
});
