import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PlanSchema, type Order, type Plan } from '@wavegate/fleet';
import type { KubeAccess } from '../kube-access.js';
import type { FakeApiServer } from '../testing/fake-api-server.js';
import { startKubeWorld } from '../testing/kube-world.js';
import { AlertmanagerSilences } from './alertmanager-silences.js';
import { checkObjectives } from './check-objectives.js';
import { readMetricSettings } from './metric-sources.js';
import { PlayedAlertmanager } from './testing/played-alertmanager.js';

const MINUTE = 60_000;
const AT = Date.parse('2026-11-21T03:00:00Z');
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const order = { id: 'o-1', clusterId: 'prd-fra-2', parent: { kind: 'rollout', id: '7f3c' } } as Order;

let api: FakeApiServer;
let kube: KubeAccess;
let played: PlayedAlertmanager;
let url: string;

beforeEach(async () => {
  ({ api, kube } = await startKubeWorld());
  played = new PlayedAlertmanager();
  url = await played.start();
});
afterEach(async () => {
  await played.stop();
  await api.stop();
});

function allow(alertmanagers: readonly object[] = [{ name: 'main', url, labels: { cluster: 'prd-fra-2' } }]): void {
  const metrics = JSON.stringify({ alertmanagers });
  api.put('/api/v1/configmaps', { metadata: { name: 'wavegate-metrics', namespace: 'wavegate' }, data: { metrics } });
}

function planOf(verdict: object = { silences: [{ match: { node: '$node' } }] }): Plan {
  const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
  return PlanSchema.parse({ ...head, spec: { target: { kubernetes: '1.35.4' }, verdict } });
}

/** A process of the agent: what it knows, it has from the Alertmanager. */
const keep = (nodes: readonly string[], at = AT, plan = planOf()) =>
  new AlertmanagerSilences({ kube, namespace: 'wavegate', now: () => at, log: quiet }).keep({ order, plan, nodes });
const sent = () => played.asked.filter(({ line }) => !line.startsWith('GET')).map(({ line }) => line);

describe('silences in an Alertmanager', () => {
  it('a node under work → one silence of that node and this cluster, for five minutes, by order and cluster', async () => {
    allow();
    await keep(['w-3']);
    expect(played.asked.map(({ line }) => line)).toEqual([
      'GET /api/v2/silences?filter=cluster%3D%22prd-fra-2%22',
      'POST /api/v2/silences',
    ]);
    expect(played.asked[1]?.body).toEqual({
      matchers: [
        { name: 'cluster', value: 'prd-fra-2', isEqual: true, isRegex: false },
        { name: 'node', value: 'w-3', isEqual: true, isRegex: false },
      ],
      startsAt: '2026-11-21T03:00:00.000Z',
      endsAt: '2026-11-21T03:05:00.000Z',
      createdBy: 'wavegate',
      comment: 'Wavegate works on node w-3 of cluster prd-fra-2 (rollout 7f3c, order o-1)',
    });
  });

  it('asked again by another process → the same silence, renewed in place when its time grows short; ended with the work', async () => {
    allow();
    await keep(['w-3']);
    await keep(['w-3'], AT + 30_000);
    expect(sent()).toEqual(['POST /api/v2/silences']);
    await keep(['w-3'], AT + 2 * MINUTE);
    expect(played.asked.at(-1)?.body).toMatchObject({
      id: 's-1',
      startsAt: '2026-11-21T03:00:00.000Z',
      endsAt: '2026-11-21T03:07:00.000Z',
    });
    expect(played.active()).toHaveLength(1);
    await keep([], AT + 3 * MINUTE);
    expect(sent().at(-1)).toBe('DELETE /api/v2/silence/s-1');
    expect(played.active()).toEqual([]);
  });

  it('the next node → the last one is ended; silences of persons and of other orders → not touched', async () => {
    allow();
    const person = { matchers: [], startsAt: '', endsAt: '', createdBy: 'ann', comment: 'by hand (x, order o-1)' };
    const other = {
      ...person,
      createdBy: 'wavegate',
      comment: 'Wavegate works on node w-3 (rollout 7f3c, order o-11)',
    };
    played.silences = [
      { ...person, id: 'p', status: { state: 'active' } },
      { ...other, id: 'o', status: { state: 'active' } },
    ];
    await keep(['w-3']);
    await keep(['w-4'], AT + MINUTE);
    expect(played.active().map(({ id, comment }) => [id, comment.slice(0, 30)])).toEqual([
      ['p', 'by hand (x, order o-1)'],
      ['o', 'Wavegate works on node w-3 (ro'],
      ['s-4', 'Wavegate works on node w-4 of '],
    ]);
  });

  it('blocking alerts of the plan → kept out of the silence', async () => {
    allow();
    const verdict = { silences: [{ match: { node: '$node' } }], alerts: [{ match: { severity: 'critical' } }] };
    await keep(['w-3'], AT, planOf(verdict));
    expect(played.active()[0]?.matchers).toContainEqual({
      ...{ name: 'severity', value: 'critical', isEqual: false, isRegex: false },
    });
  });

  it('not allowed, of another name, away, refusing → said, and preflight warns with what would be right', async () => {
    const found = async (plan = planOf()) =>
      (await checkObjectives({ kube, namespace: 'wavegate', now: Date.now }, plan, '1.35.4')).map(
        ({ severity, code, message }) => `${severity} ${code}: ${message}`,
      );
    await expect(keep(['w-3'])).rejects.toThrow(/no Alertmanager is allowed/);
    expect(await found()).toEqual([expect.stringMatching(/^warn silence_not_possible: .*no Alertmanager is allowed/)]);
    allow();
    expect(await found()).toEqual([]);
    const named = planOf({ silences: [{ match: { node: '$node' }, alertmanager: 'other' }] });
    expect(await found(named)).toEqual([expect.stringMatching(/called "other"; known: main/)]);
    played.refuses = 403;
    await expect(keep(['w-3'])).rejects.toThrow(/403/);
    expect(await found()).toEqual([expect.stringMatching(/silence_not_possible: http.*403/)]);
    expect(await found(planOf({}))).toEqual([]);
    allow([{ name: 'main', url: 'http://127.0.0.1:9', labels: {} }]);
    expect(await found()).toEqual([expect.stringMatching(/ECONNREFUSED/)]);
  });

  it('an Alertmanager without labels in the ConfigMap → refused: it might be shared; with {} → its own', () => {
    const read = (source: object) => readMetricSettings(JSON.stringify({ alertmanagers: [source] }));
    expect(() => read({ name: 'main', url })).toThrow(/labels is missing; write the labels/);
    expect(read({ name: 'main', url, labels: {} }).alertmanagers).toHaveLength(1);
    expect(() => readMetricSettings('alertmanagers: []')).toThrow(/not a list of at least one/);
    expect(() => readMetricSettings('{}')).toThrow(/sources is not a list/);
  });
});
