import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FINDING_CODES, readPlan, type FindingCode } from '@wavegate/fleet';
import {
  bareContext,
  documentedCodes,
  drainPreview,
  openKube,
  runChecks,
  summaryOf,
  takePicture,
  type ClusterFinding,
  type ClusterPicture,
  type KubeAccess,
  type PreflightContext,
} from '@wavegate/kube';
import { EXPECTED, type LookName } from './preflight/expected-codes.js';
import { adminAccess, agentAccess, soundCluster, trouble, withoutStackedEtcd } from './preflight/troubled-cluster.js';
import { RawReader } from '../../libs/kube/src/preflight/raw-reader.js';
import { readServers } from '../../libs/kube/src/preflight/read-servers.js';
import { evictions, underTest } from './world/audit-log.js';
import { eventually } from './world/eventually.js';
import type { RealCluster } from './world/real-cluster.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

const DAY_MS = 86_400_000;
const NOW = Date.now();

let dir: string;
beforeAll(() => {
  dir = makeRunFolder();
});
afterAll(() => removeRunFolder(dir));

describe('the table of codes', () => {
  it('every code has a way to come about, and is documented once', () => {
    const codes = Object.keys(FINDING_CODES).sort();
    expect(Object.keys(EXPECTED).sort()).toEqual(codes);
    expect(
      documentedCodes()
        .map(({ code }) => code)
        .sort(),
    ).toEqual(codes);
  });
});

describe.each(['1.34.4', '1.35.4'])('preflight on a real %s', (version) => {
  let cluster: RealCluster;
  let agent: KubeAccess;
  const looks = new Map<LookName, readonly ClusterFinding[]>();
  let troubled: ClusterPicture;

  const spec = (of: object): PreflightContext['spec'] => {
    const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'p' } };
    const read = readPlan({ ...head, spec: { target: { kubernetes: '1.37.0' }, ...of } });
    if ('problems' in read) throw new Error(JSON.stringify(read.problems));
    return read.plan.spec;
  };
  const context = (of: Partial<PreflightContext> = {}): PreflightContext => ({ ...bareContext('1.37.0', NOW), ...of });
  const take = (kube: KubeAccess, now: () => number = Date.now): Promise<ClusterPicture> =>
    takePicture({ kube, now }, context());
  const judge = (name: LookName, picture: ClusterPicture, of: Partial<PreflightContext> = {}): void =>
    void looks.set(name, runChecks(picture, context(of)));

  beforeAll(async () => {
    cluster = await soundCluster(version, dir);
    const sound = await take(adminAccess(cluster));
    judge('sound', sound, { target: version, at: NOW - 200 * DAY_MS });
    const velero = spec({ backup: { velero: { maxAge: '24h' } } });
    judge('uninstalled', sound, { self: { namespace: 'wavegate', name: 'agent' }, spec: velero });
    const access = await agentAccess(cluster);
    agent = access.kube;
    await trouble(cluster);
    troubled = await pictureOfTrouble();
    const rule = {
      code: 'single_replica',
      selector: 'env=dev',
      set: 'waive',
      reason: 'r',
      until: '2036-01-01T00:00:00Z',
    };
    const own = troubled.pods.find(({ workload }) => workload === 'Deployment/never');
    const self = { namespace: 'shop', name: own?.name ?? '' };
    const rules = spec({ preflight: { severities: [rule] }, backup: velero.backup });
    judge('troubled', troubled, { spec: rules, self, receiptAt: NOW - DAY_MS, at: Date.now() });
    judge('later', troubled, { at: NOW + 120 * DAY_MS });
    judge('unknownMinor', troubled, { target: '1.99.0' });
    judge('fastClock', await take(agent, () => Date.now() - 120_000));
    const narrow = await cluster.identity('narrow', [
      { apiGroups: [''], resources: ['nodes', 'pods', 'namespaces'], verbs: ['list'] },
      { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: ['list'] },
    ]);
    judge('narrow', await take(openKube({ kubeconfig: narrow })));
    await afterwards();
    await cornered();
    await withoutEtcd();
  });
  afterAll(() => cluster?.stop());

  /** Read again until controllers and kubelets have done their part. */
  const pictureOfTrouble = (): Promise<ClusterPicture> =>
    eventually('controllers to have seen all troubles', async () => {
      const picture = await take(agent);
      const ready = (name: string, n: number): boolean =>
        picture.workloads.some((one) => one.name === name && one.ready === n);
      const missing = Object.entries({
        'six counted budgets': picture.budgets.filter((one) => one.counted && one.expected > 0).length === 6,
        'sound, lonely and cache ready': ready('sound', 2) && ready('lonely', 1) && ready('cache', 2),
        'a backend of the webhook': (picture.endpoints.get('shop/lonely') ?? []).some((one) => one.ready),
        'endpoints of DNS': picture.endpoints.has('kube-system/kube-dns'),
        'a ready etcd': picture.pods.some(({ component, ready: is }) => component?.name === 'etcd' && is),
      }).flatMap(([what, is]) => (is ? [] : [what]));
      if (missing.length > 0) throw new Error(`${missing.join(', ')}`);
      return picture;
    });

  async function afterwards(): Promise<void> {
    const before = { ...summaryOf(troubled), crashLooping: [] };
    judge('afterWell', troubled, { phase: 'after', target: version, before: summaryOf(troubled) });
    const [pod] = troubled.pods.filter(({ workload }) => workload === 'Deployment/sound');
    const gone = { type: 'Ready', status: 'False', reason: 'ContainersNotReady' };
    await cluster.api.patch(`/api/v1/namespaces/shop/pods/${pod?.name}/status`, { status: { conditions: [gone] } });
    await cluster.api.remove('/apis/apps/v1/namespaces/shop/deployments/lonely');
    const picture = await eventually('a pod less to be counted', async () => {
      const now = await take(agent);
      return now.workloads.find(({ name }) => name === 'sound')?.ready === 1 ? now : undefined;
    });
    judge('after', picture, { phase: 'after', target: version, before });
  }

  async function cornered(): Promise<void> {
    const close = (names: readonly string[]) =>
      Promise.all(names.map((name) => cluster.api.patch(`/api/v1/nodes/${name}`, { spec: { unschedulable: true } })));
    await close(['w-2', 'w-old', 'w-full']);
    judge('oneWorker', await take(agent));
    await close(['cp-1', 'cp-2']);
    await withoutStackedEtcd(cluster);
    judge('oneNode', await take(agent));
  }

  /** The lists of a cluster without etcd are not to be had: its API server itself is asked, the rest is the last picture. */
  async function withoutEtcd(): Promise<void> {
    await cluster.programs.stop('etcd', 0);
    const reader = new RawReader(agent);
    const servers = await eventually('the API server to miss its etcd', async () => {
      const seen = await readServers(reader, []);
      return seen.servers.some(({ failing }) => failing.length > 0) ? seen.servers : undefined;
    });
    reader.close();
    judge('etcdAway', { ...troubled, servers });
  }

  const about = (code: string, [look, object]: readonly [LookName, RegExp]): readonly ClusterFinding[] =>
    (looks.get(look) ?? []).filter((one) => one.code === code && object.test(one.object));

  for (const code of Object.keys(FINDING_CODES) as FindingCode[]) {
    const expected = EXPECTED[code];
    if (!('found' in expected)) continue;
    it(`${code} → found where it is, with what to do, and not on its sound twin`, () => {
      const [finding] = about(code, expected.found);
      expect(finding).toMatchObject({
        code,
        message: expect.stringMatching(/\S{3}/),
        remedy: expect.stringMatching(/\S{3}/),
      });
      expect(about(code, expected.absent)).toEqual([]);
    });
  }

  it('the rights of the shipped manifests → everything could be read', () => {
    expect(troubled.gaps).toEqual([]);
  });

  it('a whole look → nothing was written, evicted or deleted by the agent', () => {
    const changes = underTest(cluster.audit()).filter(
      ({ verb, requestURI }) => !['get', 'list'].includes(verb) && !requestURI.includes('dryRun=All'),
    );
    expect(changes).toEqual([]);
    expect(evictions(cluster.audit())).toEqual([]);
  });

  it('what the API server counts → since when it does, and the kubectl convert line where there is a replacement', () => {
    const [removed] = about('removed_api_requested', ['troubled', /servicecidrs/]);
    expect(removed?.message).toMatch(
      /\d requests? since the API server started \d{4}-\d\d-\d\dT\d\d:\d\dZ; not served from/,
    );
    expect(removed?.remedy).toContain('kubectl convert -f FILE --output-version networking.k8s.io/v1');
    const [deprecated] = about('deprecated_api_requested', ['troubled', /v1 endpoints/]);
    expect(deprecated?.message).toMatch(/since the API server started \d{4}-/);
  });

  it('a finding about pods → names them, their nodes and budgets', () => {
    const [never] = about('pdb_never_allows', ['troubled', /^shop\/never$/]);
    expect(never?.pods?.length).toBeGreaterThan(0);
    for (const { pod, node, pdb } of never?.pods ?? []) {
      expect(pod).toMatch(/^shop\/never-/);
      expect(troubled.nodes.map(({ name }) => name)).toContain(node);
      expect(pdb).toBe('shop/never');
    }
  });

  it('the drain preview → what blocks is named with budget and owner, siblings share what a budget allows', () => {
    const rows = drainPreview(troubled);
    const of = (workload: string) => rows.filter((row) => row.workload === `Deployment/${workload}`);
    expect(
      of('never').every(
        ({ verdict, pdb, owner }) => verdict === 'blocked' && pdb === 'shop/never' && owner === 'team-ledger',
      ),
    ).toBe(true);
    expect(of('unready').every(({ verdict }) => verdict === 'blockedNow')).toBe(true);
    expect(of('sound').some(({ verdict }) => verdict === 'free')).toBe(true);
    expect(of('cache').every(({ verdict, owner }) => verdict === 'blocked' && owner === 'team-shop')).toBe(true);
  });
});
