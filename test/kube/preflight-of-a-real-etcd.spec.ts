import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EtcdLook } from '../../libs/kube/src/backup/etcd/look-at-etcd.js';
import { toHostFacts } from '../../libs/kube/src/node/host-facts.js';
import { externalEtcd } from '../../libs/kube/src/preflight/checks/external-etcd.js';
import { runChecks } from '../../libs/kube/src/preflight/run-checks.js';
import { context, node, picture } from '../../libs/kube/src/preflight/testing/sound-picture.js';
import { PlayedHost } from '../../libs/kube/src/testing/played-host.js';
import { ChildPrograms } from './world/child-programs.js';
import { eventually } from './world/eventually.js';
import { builtProgram } from './world/hub-process.js';
import { freePorts } from './world/free-ports.js';
import { ETCD_VERSION, programPath } from './world/obtained-programs.js';
import { ClusterPki, type CertificateFiles } from './world/pki.js';
import { makeRunFolder, removeRunFolder } from './world/run-folder.js';

/** Three members, as of a stacked plane; the log of the first is the one that lies on the host. */
const MEMBERS = ['cp-1', 'cp-2', 'cp-3'] as const;
const QUOTA_BYTES = 2 ** 20;
/** A busy machine may need more than the two seconds that a connection is given by default. */
const PATIENT = ['--dial-timeout=30s', '--command-timeout=60s'] as const;

let dir: string;
let programs: ChildPrograms;
let ca: string;
let client: CertificateFiles;
let serving: CertificateFiles;
let urls: readonly string[];
let host: PlayedHost;

const etcdctl = (...args: readonly string[]): string =>
  execFileSync(
    programPath('etcdctl', ETCD_VERSION),
    [
      ...PATIENT,
      `--endpoints=${urls.join(',')}`,
      `--cacert=${ca}`,
      `--cert=${client.cert}`,
      `--key=${client.key}`,
      ...args,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );

interface Status {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: number }; readonly leader: number };
}

beforeAll(async () => {
  dir = makeRunFolder();
  const pki = await ClusterPki.create(join(dir, 'pki'), 'etcd');
  ca = pki.caFile;
  client = await pki.client('etcd-client', 'root');
  serving = await pki.server('server');
  const server = serving;
  mkdirSync(join(dir, 'members'));
  programs = new ChildPrograms(join(dir, 'members'));
  const ports = await freePorts(2 * MEMBERS.length);
  urls = MEMBERS.map((_, n) => `https://127.0.0.1:${ports[n]}`);
  const peers = MEMBERS.map((_, n) => `http://127.0.0.1:${ports[MEMBERS.length + n]}`);
  const all = MEMBERS.map((name, n) => `${name}=${peers[n]}`).join(',');
  MEMBERS.forEach((name, n) => {
    const listen = [`--listen-client-urls=${urls[n]}`, `--advertise-client-urls=${urls[n]}`];
    const peer = [`--listen-peer-urls=${peers[n]}`, `--initial-advertise-peer-urls=${peers[n]}`];
    const tls = [`--cert-file=${server.cert}`, `--key-file=${server.key}`, `--trusted-ca-file=${ca}`];
    programs.start(name, programPath('etcd', ETCD_VERSION), [
      ...[
        `--name=${name}`,
        `--data-dir=${join(dir, name)}`,
        '--unsafe-no-fsync',
        `--quota-backend-bytes=${QUOTA_BYTES}`,
      ],
      ...[...listen, ...peer, `--initial-cluster=${all}`, ...tls, '--client-cert-auth'],
      // A machine shared by many must not hold elections of its own.
      ...['--heartbeat-interval=1000', '--election-timeout=10000'],
    ]);
  });
  await eventually('three healthy members', () => answers('endpoint', 'health'));
  host = new PlayedHost({ controlPlane: true, version: '1.34.4' });
  host.program('etcdctl', `exec ${programPath('etcdctl', ETCD_VERSION)} "$@"`);
  const pkiOf = 'etc/kubernetes/pki/etcd';
  host.file(`${pkiOf}/ca.crt`, readFileSync(ca, 'utf8'));
  host.file(`${pkiOf}/healthcheck-client.crt`, readFileSync(client.cert, 'utf8'));
  host.file(`${pkiOf}/healthcheck-client.key`, readFileSync(client.key, 'utf8'));
}, 300_000);

afterAll(async () => {
  await programs?.stopAll();
  host?.remove();
  if (dir) removeRunFolder(dir);
});

function answers(...args: readonly string[]): boolean {
  try {
    return etcdctl(...args) !== '';
  } catch {
    return false;
  }
}

/** What the real step says of etcd when it inspects the host of the first member, whose log it finds as a kubelet lays it. */
function inspected(): string[] {
  const log = readFileSync(programs.logFile(MEMBERS[0]), 'utf8').trimEnd().split('\n');
  const stamp = new Date().toISOString();
  const text = log.map((line) => `${stamp} stderr F ${line}\n`).join('');
  host.file('var/log/pods/kube-system_etcd-cp-1_4f1c/etcd/0.log', text);
  const { found } = host.run('inspect', { ETCD_AT: urls[0] ?? '' }).message as {
    found: { code: string; text: string }[];
  };
  return found.filter(({ code }) => /etcd|quorum/.test(code)).map(({ code, text: said }) => `${code}: ${said}`);
}

/** The same etcd as one beside the cluster: what the agent's own program sees with the words of its Job, and what preflight says. */
function lookedAt(endpoints: readonly string[] = urls.slice(0, 1)): {
  readonly look: EtcdLook;
  readonly found: readonly string[];
} {
  const left = join(dir, 'termination-log');
  const files = ['--cacert', ca, '--cert', client.cert, '--key', client.key];
  const where = endpoints.flatMap((url) => ['--endpoint', url]);
  const run = ['etcd', ...where, ...files, '--termination-log', left, '--output', 'json'];
  execFileSync(builtProgram('agent'), run, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const { ok, ...look } = JSON.parse(readFileSync(left, 'utf8')) as EtcdLook & { readonly ok: boolean };
  expect(ok).toBe(true);
  const nodes = MEMBERS.map((name) => node(name, { role: 'controlPlane' }));
  const asked = context({ etcd: look, at: Date.now() });
  const found = runChecks(picture({ nodes, pods: [] }), asked, [externalEtcd]);
  return { look, found: found.map(({ code, object, message }) => `${code} ${object}: ${message}`) };
}

function statuses(): readonly Status[] {
  return JSON.parse(etcdctl('endpoint', 'status', '-w', 'json')) as Status[];
}

/** IDs of 64 bits do not fit a number: the program's own hexadecimal ones are used. */
function memberIds(): readonly string[] {
  return etcdctl('endpoint', 'status', '-w', 'simple')
    .trim()
    .split('\n')
    .map((line) => line.split(', ')[1] ?? '');
}

function leaderIndex(): number {
  return statuses().findIndex(({ Status: { header, leader } }) => header.member_id === leader);
}

async function moveLeader(): Promise<void> {
  const from = await eventually('a leader', () => Promise.resolve(leaderIndex() + 1));
  const to = memberIds()[from % MEMBERS.length] ?? '';
  execFileSync(programPath('etcdctl', ETCD_VERSION), [
    ...PATIENT,
    ...[`--endpoints=${urls[from - 1]}`, `--cacert=${ca}`, `--cert=${client.cert}`, `--key=${client.key}`],
    ...['move-leader', to],
  ]);
  await eventually('the next leader', () => Promise.resolve(leaderIndex() === from % MEMBERS.length));
}

describe('a real etcd of three members, inspected on the host of one', () => {
  it('just started → nothing is said of it; the end of the certificate that it serves is told', () => {
    expect(inspected()).toEqual([]);
    const manifest = 'etc/kubernetes/manifests/etcd.yaml';
    host.file(manifest, `${host.read(manifest)}\n    - --listen-client-urls=${urls[0]}\n`);
    const { served } = toHostFacts('cp-1', host.run('inspect', { ETCD_AT: urls[0] ?? '' }).message);
    const etcd = served?.find(({ of }) => of === 'etcd');
    expect(etcd).toMatchObject({ at: new URL(urls[0] ?? '').host });
    expect(etcd?.until).toBe(Date.parse(new X509Certificate(readFileSync(serving.cert)).validTo));
  });

  it('the same, asked by its API at one endpoint only → all three members, who leads, each one’s size and quota; nothing to say', () => {
    const { look, found } = lookedAt();
    expect(found).toEqual([]);
    expect(look.alarms).toEqual([]);
    expect(look.members.map(({ name, at }) => [name, at])).toEqual(MEMBERS.map((name, n) => [name, urls[n]]));
    for (const { silent, led, learner, version, dbBytes, quotaBytes, leaders } of look.members) {
      expect({ silent, led, learner, version, quotaBytes }).toEqual({
        ...{ silent: '', led: true, learner: false, version: ETCD_VERSION, quotaBytes: QUOTA_BYTES },
      });
      expect(dbBytes).toBeGreaterThan(0);
      expect(leaders?.since).toBeLessThan(Date.now());
    }
    expect(look.members.map(({ leads }) => leads)).toEqual(MEMBERS.map((_, n) => n === leaderIndex()));
  });

  it('asked where nobody listens, or with a certificate of another authority → exit code 4 and why', async () => {
    const stranger = await (await ClusterPki.create(join(dir, 'strangers'), 'other')).client('x', 'root');
    const ask = (endpoint: string, { cert, key }: CertificateFiles) =>
      spawnSync(builtProgram('agent'), ['etcd', '--endpoint', endpoint, '--cacert', ca, '--cert', cert, '--key', key], {
        encoding: 'utf8',
      });
    const [nobody = 0] = await freePorts(1);
    expect(ask(`https://127.0.0.1:${nobody}`, client)).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(/no answer/),
    });
    expect(ask(urls[0] ?? '', stranger)).toMatchObject({ status: 4, stderr: expect.stringMatching(/certificate/) });
  });

  it('its leader moved six times → etcd_leaders, with how often and the term', async () => {
    for (let move = 0; move < 6; move += 1) await moveLeader();
    const [said, ...more] = inspected();
    expect(said).toMatch(
      /^etcd_leaders: etcd elected a leader [678] times in the last 24 hours, last at .* \(raft term \d+\)/,
    );
    expect(more).toEqual([]);
    expect(lookedAt().found).toEqual([
      expect.stringMatching(
        /^etcd_leader_unstable etcd: etcd's leader changed [678] times since .* \(counted by cp-\d\)/,
      ),
    ]);
  });

  it('one member is gone → quorum_at_risk; then its quota is full → etcd_alarm NOSPACE', async () => {
    // Not the leader: a new election would only take time.
    const away = leaderIndex() === 2 ? 1 : 2;
    await programs.stop(MEMBERS[away] ?? '', 0);
    const alone = 'quorum_at_risk: etcd has 3 members and only 1 beside this one answer';
    expect(inspected()).toEqual(expect.arrayContaining([expect.stringContaining(alone)]));
    const gone = MEMBERS[away] ?? '';
    const silent = [
      expect.stringMatching(
        new RegExp(`^etcd_member_unhealthy ${gone}: etcd member ${gone} does not answer: .*no answer`),
      ),
      'etcd_quorum_at_risk etcd: etcd has 3 members and 2 of them answer: with one less it would lose its quorum (2 needed)',
    ];
    // The silent one first, as a list of endpoints has it on a bad day.
    expect(lookedAt([urls[away] ?? '', urls[0] ?? '']).found).toEqual(expect.arrayContaining(silent));
    const value = 'v'.repeat(100_000);
    let written = 0;
    await eventually('the alarm', () => {
      answers('put', `/full/${written++}`, value);
      return etcdctl('alarm', 'list').includes('NOSPACE');
    });
    const full = 'etcd_alarm: etcd has raised an alarm: NOSPACE';
    expect(inspected()).toEqual(expect.arrayContaining([expect.stringContaining(full)]));
    const { found } = lookedAt();
    expect(found).toEqual(
      expect.arrayContaining([
        'etcd_alarm_raised etcd: etcd has raised an alarm: NOSPACE',
        expect.stringMatching(/^etcd_space_low etcd: etcd's database has \d MiB of 1 MiB allowed/),
        ...silent,
      ]),
    );
  });
});
