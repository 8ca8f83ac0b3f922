import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../kube/world/eventually.js';
import type { SeenCluster, SeenRollout } from '../kube/world/fleet-world.js';
import { ChartsInLab, lineWith } from './world/charts-in-lab.js';
import { say } from './world/lab-log.js';
import { standing } from './world/lab-standing.js';
import { startLab } from './world/start-lab.js';
import type { Lab } from './world/start-lab.js';

interface AskedOrder {
  readonly id: string;
  readonly ended: boolean;
  readonly outcome: { readonly kind: string; readonly text: string } | null;
}

/** Told as it went: each step rests on the one before, so one long story is checked at its end. */
describe('hub and agent installed by helm in one small cluster, which the agent then upgrades', () => {
  let lab: Lab;
  let charts: ChartsInLab;
  let rollout: string;

  const seen = async (): Promise<SeenCluster> => {
    const { items } = await charts.call<{ items: SeenCluster[] }>('GET', `/rollouts/${rollout}/clusters`);
    const [only] = items;
    if (!only) throw new Error('no cluster in the rollout');
    return only;
  };
  const untilPhase = (wanted: RegExp): Promise<string> => {
    let told = '';
    return eventually(
      `the order to come to ${String(wanted)}`,
      async () => {
        const { phase, reason, progress } = await seen();
        const line = `${phase}, ${progress ? `${progress.phase}: ${progress.reason.text}` : reason.text}`;
        if (line !== told) say(line);
        told = line;
        return wanted.test(line) && line;
      },
      { withinMs: 900_000, everyMs: 500 },
    );
  };

  beforeAll(async () => {
    lab = await startLab({ name: 'charts', shape: 'short', version: '1.34.4', upgradableTo: ['1.35.4'] });
    // One worker alone cannot be drained: the control plane takes pods too, as on small clusters.
    await lab.kubectl(['taint', 'nodes', 'cp1', 'node-role.kubernetes.io/control-plane-']);
    charts = await ChartsInLab.start(lab);
  }, 1_200_000);
  afterAll(async () => {
    await charts?.stop();
    if (!process.env['WAVEGATE_KEEP_RUN']) await lab?.stop();
  });

  it('the lines of docs, NOTES and the hub, run as they stand → both installed, the agent connected, their tests pass', async () => {
    const hubNotes = await charts.installHub();
    await charts.lineMust(lineWith(hubNotes, 'helm test wavegate-hub'));
    const agentNotes = await charts.lineMust(await charts.joinLine(hubNotes, 'charts'));
    await charts.lineMust(lineWith(agentNotes, 'helm test wavegate-agent'));
    const restricted = lineWith(agentNotes, 'pod-security.kubernetes.io/enforce=restricted');
    await charts.lineMust(restricted);
    const toFull = lineWith(agentNotes, '--set mode=full').replace('<chart>', 'deploy/charts/agent');
    expect(await charts.lineMust(`${toFull} --wait --timeout 5m`)).toContain('ROOT ON YOUR NODES');
    const { items } = await charts.call<{ items: { name: string; agent: { connected: boolean } }[] }>(
      'GET',
      '/clusters',
    );
    expect(items.map(({ name, agent }) => [name, agent.connected])).toEqual([['charts', true]]);
  });

  it('an order of the hub → its real node Jobs pass the admission policies; helm upgrades the agent under it', async () => {
    const spec = {
      target: { kubernetes: '1.35.4' },
      strategy: { waves: ['100%'] },
      gates: { soak: { default: '1s' } },
      verdict: { window: '2m', period: '1s', minSoak: '10s' },
      upgrade: { ignorePreflightErrors: ['SystemVerification'] },
    };
    const plan = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'k135' }, spec };
    await charts.call('POST', '/plans', plan);
    rollout = (await charts.call<SeenRollout>('POST', '/rollouts', { plan: 'k135' })).id;
    // A node Job is at work, and the only API server has not yet gone away for its own restart.
    await untilPhase(/(controlPlane: node cp1|backup:)/);
    const before = await charts.agentPods();
    const upgrade = 'helm upgrade wavegate-agent deploy/charts/agent -n wavegate --reset-then-reuse-values';
    // Only sent: whether the new pod is up while the API server is away is not helm's to know.
    await charts.lineMust(`${upgrade} --set log=debug`);
    await eventually(
      'another pod of the agent',
      async () => {
        const now = await charts.agentPods();
        return now.length === 1 && now[0] !== before[0];
      },
      { withinMs: 600_000, everyMs: 1_000 },
    );
    const { phase, outcome } = await seen();
    expect([phase, outcome]).toEqual(['upgrading', null]);
  });

  it('helm uninstall while the order runs → refused with the order’s name; the line it says brings the release back', async () => {
    // The API server is back for good: its own restarts are over.
    await untilPhase(/judgeControlPlane/);
    const refused = await charts.line('helm uninstall wavegate-agent -n wavegate');
    const said = refused.stdout + refused.stderr;
    expect(refused.code).not.toBe(0);
    expect(said).toMatch(/order \S+ \(upgrade\) is not over: running/);
    expect(await charts.agentPods()).toHaveLength(1);
    await charts.lineMust(lineWith(said, 'helm rollback'));
    expect(await charts.lineMust('helm list -n wavegate --deployed --short')).toBe('wavegate-agent\n');
  });

  it('the order, over all that → upgraded, every component at the target, no node left closed', async () => {
    const ended = await eventually(
      'the rollout to end',
      async () => {
        const now = await charts.call<SeenRollout>('GET', `/rollouts/${rollout}`);
        return now.state !== 'running' && now;
      },
      { withinMs: 1_200_000, everyMs: 1_000 },
    );
    // A pause says why, and for what it asks.
    expect([ended.state, ended.reason.text]).toEqual(['finished', expect.any(String)]);
    const { outcome, attempt } = await seen();
    expect({ kind: outcome?.kind, attempt, text: outcome?.text }).toEqual({
      kind: 'upgraded',
      attempt: 1,
      text: expect.any(String),
    });
    expect(await standing(lab)).toMatchObject({
      apiServers: { cp1: '1.35.4' },
      kubelets: { cp1: '1.35.4', w1: '1.35.4' },
      packages: { cp1: '1.35.4-1.1 held', w1: '1.35.4-1.1 held' },
      closed: [],
    });
  });

  it('the backup that the order took, proved again where it lies by a Job of its own → a restore worked, as the fleet’s list says', async () => {
    const asked = await charts.call<AskedOrder>('POST', '/clusters/charts/orders', {
      kind: 'backup',
      args: { what: 'etcd', prove: 'latest' },
    });
    const drill = await eventually(
      'the drill to end',
      async () => {
        const order = await charts.call<AskedOrder>('GET', `/orders/${asked.id}`);
        return order.ended && order;
      },
      { withinMs: 600_000, everyMs: 1_000 },
    );
    expect({ kind: drill.outcome?.kind, text: drill.outcome?.text }).toEqual({
      kind: 'completed',
      text: expect.any(String),
    });
    const { items } = await charts.call<{ items: { lastRestoreProof: { order: string } | null }[] }>(
      'GET',
      '/clusters',
    );
    expect(items.map(({ lastRestoreProof }) => lastRestoreProof?.order)).toEqual([asked.id]);
  });

  it('helm uninstall of both → nothing of ours is left but what their NOTES name', async () => {
    const agentNotes = await charts.lineMust('helm get notes wavegate-agent -n wavegate');
    await charts.lineMust('helm uninstall wavegate-agent -n wavegate --wait --timeout 5m');
    const hubNotes = await charts.lineMust('helm get notes wavegate-hub -n wavegate-hub');
    await lab.kubectl(['-n', 'wavegate-hub', 'delete', 'service', 'rest-from-outside']);
    await charts.lineMust('helm uninstall wavegate-hub -n wavegate-hub --wait --timeout 5m');
    await eventually(
      'the namespace of node Jobs to go',
      async () => !(await charts.objects()).includes('Namespace wavegate-nodes'),
    );
    const left = await charts.objects();
    expect(left).toEqual([
      'Namespace wavegate',
      'Namespace wavegate-hub',
      'PersistentVolumeClaim wavegate-hub/data-wavegate-hub-postgres-0',
      'Secret wavegate-hub/wavegate-hub-authority',
      'Secret wavegate-hub/wavegate-hub-authority-root',
      'Secret wavegate-hub/wavegate-hub-database',
    ]);
    for (const object of left.slice(2)) expect(hubNotes).toContain(object.replace(/.*\//, ''));
    expect(agentNotes).toContain('What stays: the namespace wavegate,');
    const { items } = JSON.parse(await lab.kubectl(['get', 'nodes', '-o', 'json'])) as {
      items: { metadata: { annotations: Record<string, string>; labels: Record<string, string> } }[];
    };
    const marks = items.flatMap(({ metadata }) => Object.keys({ ...metadata.annotations, ...metadata.labels }));
    expect(marks.filter((mark) => /wavegate|scale-down-disabled/.test(mark))).toEqual([]);
    for (const node of lab.nodes) {
      // Beside images and logs of pods, which the kubelet collects in its own time.
      const others = '-not -path "/proc/*" -not -path "/var/lib/containerd/*" -not -path "/var/log/*"';
      const files = (await node.sh(`find / /var -xdev -name "*wavegate*" ${others}`)).trim().split('\n');
      expect(files.filter((file) => !file.startsWith('/var/lib/wavegate/'))).toEqual(['/var/lib/wavegate']);
      expect(agentNotes).toContain('/var/lib/wavegate (');
    }
  });
});
