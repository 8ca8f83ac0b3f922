import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PlayedHost } from '../testing/played-host.js';

/** The real step of the node image, on a host whose programs are played. */
let host: PlayedHost;
// Each run starts some hundred small programs.
jest.setTimeout(60_000);
afterEach(() => host.remove());

const controlPlane = (): PlayedHost => (host = new PlayedHost({ controlPlane: true, version: '1.34.4' }));
const worker = (): PlayedHost => (host = new PlayedHost({ controlPlane: false, version: '1.34.4' }));
const MANIFEST = 'etc/kubernetes/manifests/kube-apiserver.yaml';
const LIST = 'etc/apt/sources.list.d/kubernetes.list';

describe('the control-plane step', () => {
  it('all is well → kubeadm alone is installed, every component at the target, the old version kept for a way back', () => {
    const end = controlPlane().run('controlPlane', { WG_IGNORE: 'SystemVerification', WG_LIMITS: 'manifests=90' });
    expect(end.message).toMatchObject({
      ok: true,
      version: '1.35.4',
      stands: { 'kube-apiserver': '1.35.4', etcd: '3.6.6-0', kubelet: '1.34.4', kubeadm: '1.35.4' },
    });
    expect(host.read(LIST)).toBe('deb [trusted=yes] file:/kt/apt/v1.35/deb ./');
    expect(host.read('var/lib/wavegate/before/1.34.4/files/' + MANIFEST)).toContain(':v1.34.4');
    expect(existsSync(join(host.root, 'var/lib/wavegate/packages/1.34.4/kubelet_1.34.4-1.1_amd64.deb'))).toBe(true);
    const both = { ignorePreflightErrors: ['SystemVerification'], imagePullPolicy: 'IfNotPresent' };
    expect(parse(host.read('state/upgrade.yaml'))).toEqual({
      ...{ apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'UpgradeConfiguration' },
      apply: { kubernetesVersion: 'v1.35.4', allowRCUpgrades: false, ...both },
      ...{ node: both, timeouts: { upgradeManifests: '90s' } },
    });
    expect([...new Set(end.phases)]).toEqual(['checks', 'packages', 'images', 'quorum', 'keep', 'kubeadm', 'settle']);
  });

  it.each([
    ['NOSPACE', 'etcd has raised an alarm: NOSPACE.'],
    ['CORRUPT', 'etcd has raised an alarm: CORRUPT.'],
  ])('etcd has raised %s → refused before anything is changed, and an inspection says so', (alarm, text) => {
    controlPlane().program('etcdctl', `case "$*" in *'alarm list'*) echo 'memberID:8211 alarm:${alarm} ' ;; esac`);
    for (const verb of ['controlPlane', 'controlPlaneRollback'] as const) {
      const { message } = host.run(verb, { WG_TARGET: verb === 'controlPlane' ? '1.35.4' : '1.34.4' });
      expect(message).toMatchObject({ ok: false, code: 'etcd_alarm', error: expect.stringContaining(text) });
    }
    expect(host.read('state/installed-kubeadm')).toContain('1.34.4');
    const { found } = host.run('inspect').message as { found: { code: string }[] };
    expect(found.map(({ code }) => code)).toContain('etcd_alarm');
  });

  it.each([
    ['six in a day, the log of containerd', 6, 'cri', true],
    ['six in a day, the log of dockerd', 6, 'json', true],
    ['five in a day', 5, 'cri', false],
    ['six, all but five long ago', 6, 'old', false],
  ])(
    'leaders elected: %s → found only where it is too many, and no step is refused for it',
    (_when, terms, form, is) => {
      controlPlane();
      const line = (term: number): string => {
        const at = new Date(Date.now() - (form === 'old' && term === 1 ? 90_000_000 : 600_000)).toISOString();
        const msg = `raft.node: 8e9e05c5 ${term % 2 ? 'elected leader' : 'changed leader from a to'} 8e9e05c5 at term ${term}`;
        const text = JSON.stringify({ level: 'info', ts: at.replace('Z', '123Z'), logger: 'raft', msg });
        return form === 'json'
          ? JSON.stringify({ log: `${text}\n`, stream: 'stderr', time: at })
          : `${at} stderr F ${text}`;
      };
      // Each member says it twice: a term is one leader.
      const lines = Array.from({ length: terms }, (_, n) => `${line(n + 1)}\n${line(n + 1)}`).join('\n');
      host.file('var/log/pods/kube-system_etcd-cp-1_ab/etcd/0.log', `${lines}\n`);
      const { found } = host.run('inspect').message as { found: { code: string; text: string }[] };
      const said = found.filter(({ code }) => code === 'etcd_leaders').map(({ text }) => text);
      const sentence = expect.stringMatching(/6 times in the last 24 hours, last at .*T..:..Z \(raft term \d\)/);
      expect(said).toEqual(is ? [sentence] : []);
      expect(host.run('controlPlane').message).toMatchObject({ ok: true });
    },
  );

  it('run twice → the second run changes nothing and says the same', () => {
    const first = controlPlane().run('controlPlane');
    const second = host.run('controlPlane');
    expect(second.message).toEqual(first.message);
    expect(host.read('var/lib/wavegate/before/1.34.4/files/' + MANIFEST)).toContain(':v1.34.4');
  });

  it('kubeadm put the old manifests back → said as an outcome of its own, with what it leaves behind', () => {
    controlPlane().state('kubeadm-does', 'revert');
    const { message, status } = host.run('controlPlane');
    expect(status).toBe(1);
    expect(message).toMatchObject({ ok: false, code: 'kubeadm_reverted', phase: 'kubeadm', version: '1.34.4' });
    expect(String(message.left)).toContain('etcd stays at 3.6.6-0 (it was 3.6.5-0)');
    expect(String(message.left)).toContain('kubeadm-config still asks for --bogus=yes');
    expect(String(message.error)).toContain('kubeadm has tried to recover');
  });

  it('kubeadm ended half-way → half done, and the same step again goes on to the end', () => {
    controlPlane().state('kubeadm-does', 'die');
    expect(host.run('controlPlane').message).toMatchObject({
      code: 'half_done',
      stands: { 'kube-apiserver': '1.35.4', 'kube-scheduler': '1.34.4' },
    });
    host.state('kubeadm-does', 'succeed');
    expect(host.run('controlPlane').message).toMatchObject({ ok: true, version: '1.35.4' });
    // What was kept is what stood before the first try.
    expect(host.read('var/lib/wavegate/before/1.34.4/files/' + MANIFEST)).toContain(':v1.34.4');
  });

  it('kubeadm refuses in its own preflight → refused, nothing called reverted', () => {
    controlPlane().state('kubeadm-does', 'refuse');
    const { message } = host.run('controlPlane');
    expect(message).toMatchObject({ code: 'kubeadm_refused' });
    expect(String(message.error)).toContain('CoreDNSMigration');
  });

  it.each<[string, (of: PlayedHost) => void, string, RegExp]>([
    [
      'no such package',
      (of) => of.state('repository', '1.35.9-1.1 1.35.1-1.1'),
      'package_missing',
      /has no kubeadm 1\.35\.4; it has 1\.35\.9-1\.1/,
    ],
    ['a silent repository', (of) => of.state('repository-down', ''), 'repository_unreachable', /Failed to fetch/],
    ['a full disk', (of) => of.state('free-mib', '30'), 'disk_full', /30 MiB free and needs 700 MiB/],
    [
      'an image that cannot be pulled',
      (of) => of.state('images', 'registry.k8s.io/pause:9'),
      'image_missing',
      /kube-apiserver:v9/,
    ],
    [
      'a list that names no minor',
      (of) => of.file(LIST, 'deb http://deb.example/debian bookworm main\n'),
      'repository_unknown',
      /sources\.list\.d/,
    ],
    [
      'kubelet from no package',
      (of) => of.forget('installed-kubelet'),
      'package_manager_unknown',
      /not installed by apt/,
    ],
    [
      'a host that kubeadm did not join',
      (of) => of.drop('etc/kubernetes/kubelet.conf'),
      'not_kubeadm',
      /kubelet\.conf/,
    ],
    ['no admin.conf', (of) => of.drop('etc/kubernetes/admin.conf'), 'no_admin_conf', /init phase kubeconfig admin/],
    ['a manifest that is missing', (of) => of.drop(MANIFEST), 'not_control_plane', /treat it as a worker/],
  ])('%s → refused before anything is changed', (_title, spoil, code, text) => {
    spoil(controlPlane());
    const before = standing();
    const { message } = host.run('controlPlane');
    expect(message).toMatchObject({ ok: false, code });
    expect(String(message.error)).toMatch(text);
    expect(standing()).toBe(before);
  });

  it('the policy is offline and nothing lies on the host → refused; with the packages there, no repository is asked', () => {
    controlPlane().state('repository-down', '');
    expect(host.run('controlPlane', { WG_PACKAGES: 'offline' }).message).toMatchObject({ code: 'package_missing' });
    for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
      host.file(`var/lib/wavegate/packages/1.35.4/${name}_1.35.4-1.1_amd64.deb`, '');
    }
    expect(host.run('controlPlane', { WG_PACKAGES: 'offline' }).message).toMatchObject({ ok: true });
    expect(host.read(LIST)).toContain('v1.34');
  });

  it('the policy is a mirror → its address with the minor, trusted as the present one is', () => {
    const url = 'https://mirror.example/k8s/v{minor}/deb/';
    expect(controlPlane().run('controlPlane', { WG_PACKAGES: 'mirror' }).message).toMatchObject({
      code: 'repository_unknown',
    });
    expect(host.run('controlPlane', { WG_PACKAGES: 'mirror', WG_MIRROR: url }).message).toMatchObject({ ok: true });
    expect(host.read(LIST)).toBe('deb [trusted=yes] https://mirror.example/k8s/v1.35/deb/ ./');
  });

  it('a list in deb822 form → its minor is switched, the rest stays', () => {
    controlPlane().drop(LIST);
    const path = 'etc/apt/sources.list.d/kubernetes.sources';
    const text = (minor: string): string =>
      `Types: deb\nURIs: https://pkgs.example/core:/stable:/v${minor}/deb/\nSuites: /\nSigned-By: /etc/apt/keyrings/k.gpg`;
    host.file(path, `${text('1.34')}\n`);
    expect(host.run('controlPlane').message).toMatchObject({ ok: true });
    expect(host.read(path)).toBe(text('1.35'));
  });

  it('emulating the old minor → patches for the three components, and no addons yet', () => {
    expect(controlPlane().run('controlPlane', { WG_EMULATE: '1.34' }).message).toMatchObject({ ok: true });
    const { apply } = parse(host.read('state/upgrade.yaml')) as { apply: object };
    expect(apply).toMatchObject({
      skipPhases: ['addon'],
      patches: { directory: join(host.root, 'var/lib/wavegate/patches/emulate-1.34') },
    });
    expect(host.read('var/lib/wavegate/patches/emulate-1.34/kube-scheduler0+json.json')).toContain(
      '--emulated-version=1.34',
    );
  });
});

describe('the kubelet step', () => {
  it('a worker → kubeadm, its configuration, kubelet and kubectl, restarted and answering', () => {
    const { message } = worker().run('kubelet', { WG_FIRST: 'false' });
    expect(message).toMatchObject({ ok: true, version: '1.35.4' });
    expect(host.read('state/running')).toBe('1.35.4');
    expect(host.read('state/installed-kubectl')).toBe('1.35.4-1.1');
    expect(host.read('state/upgrade.yaml')).toContain('kind: UpgradeConfiguration');
  });

  it('killed between package and restart → the next run restarts it: the running process counts, not the file', () => {
    worker().state('installed-kubelet', '1.35.4-1.1');
    host.state('installed-kubectl', '1.35.4-1.1');
    expect(host.run('kubelet').message).toMatchObject({ ok: true });
    expect(host.read('state/running')).toBe('1.35.4');
  });

  it('a kubelet that does not start → put back by the step itself, in whose words it is told: no other Job could come', () => {
    worker().state('broken', '1.35.4');
    const { message } = host.run('kubelet', { WG_LIMITS: 'kubelet=4' });
    expect(message).toMatchObject({ ok: false, code: 'kubelet_reverted', version: '1.34.4' });
    expect(String(message.error)).toContain('noSuchField');
    expect([host.read('state/running'), host.read('state/installed-kubelet')]).toEqual(['1.34.4', '1.34.4-1.1']);
  });

  it('neither of the two starts → said so', () => {
    worker().state('broken', 'all');
    const { message } = host.run('kubelet', { WG_LIMITS: 'kubelet=2' });
    expect(message).toMatchObject({ ok: false, code: 'kubelet_not_running' });
    expect(String(message.error)).toContain('neither kubelet 1.35.4 nor 1.34.4 runs');
  });

  it('the way back → package and configuration as they were', () => {
    worker().run('kubelet');
    host.file('var/lib/kubelet/config.yaml', 'new: true\n');
    const back = host.run('kubeletRollback', { WG_FROM: '1.35.4', WG_TARGET: '1.34.4' });
    expect(back.message).toMatchObject({ ok: true, version: '1.34.4' });
    expect([host.read('state/running'), host.read('var/lib/kubelet/config.yaml')]).toEqual(['1.34.4', 'old: true']);
  });

  it('the package manager fails → its reason, and the kubelet still runs as it was', () => {
    worker().state('no-install', '');
    const { message } = host.run('kubelet');
    expect(message).toMatchObject({ code: 'package_install_failed' });
    expect(String(message.error)).toContain('dpkg was interrupted');
    expect(host.read('state/running')).toBe('1.34.4');
  });
});

describe('rung 3: an older patch of the same minor', () => {
  const PATCH = { WG_FROM: '1.34.6', WG_TARGET: '1.34.4' };
  const newer = (): PlayedHost => {
    host = new PlayedHost({ controlPlane: true, version: '1.34.6' });
    host.state('repository', '1.34.6-1.1 1.34.4-1.1');
    return host;
  };

  it('by that patch’s own kubeadm → every component back, etcd and the kubelet where they were, the newer one kept', () => {
    const end = newer().run('controlPlaneRollback', PATCH);
    expect(end.message).toMatchObject({
      ...{ ok: true, version: '1.34.4' },
      stands: { 'kube-apiserver': '1.34.4', 'kube-scheduler': '1.34.4', kubeadm: '1.34.4', kubelet: '1.34.6' },
    });
    expect(parse(host.read('state/upgrade.yaml'))).toMatchObject({ apply: { kubernetesVersion: 'v1.34.4' } });
    expect(host.read('var/lib/wavegate/before/1.34.6/files/' + MANIFEST)).toContain(':v1.34.6');
    expect(host.read(LIST)).toContain('/v1.34/');
    // Run again, by an agent that was killed: it finds it done.
    expect(host.run('controlPlaneRollback', PATCH).message).toMatchObject({ ok: true, version: '1.34.4' });
  });

  it('kubeadm itself goes back to where it came from → said as reverted; the same step again comes to the end', () => {
    newer().state('kubeadm-does', 'revert');
    expect(host.run('controlPlaneRollback', PATCH).message).toMatchObject({
      code: 'kubeadm_reverted',
      version: '1.34.6',
    });
    host.state('kubeadm-does', 'succeed');
    expect(host.run('controlPlaneRollback', PATCH).message).toMatchObject({ ok: true, version: '1.34.4' });
  });

  it('the older patch is not in the repository, or it is another minor → refused, nothing changed', () => {
    newer().state('repository', '1.34.6-1.1');
    const before = standing();
    expect(host.run('controlPlaneRollback', PATCH).message).toMatchObject({ code: 'package_missing' });
    const minor = host.run('controlPlaneRollback', { WG_FROM: '1.34.6', WG_TARGET: '1.33.9' });
    expect(minor.message).toMatchObject({ code: 'committed', error: expect.stringContaining('Rung 6') });
    expect(standing()).toBe(before);
  });
});

describe('rung 6, staged', () => {
  it('three members → every host has the same words for the restore: names and peer addresses of all of them', () => {
    controlPlane().program(
      'etcdctl',
      `case "$*" in
        *'member list'*) for n in 1 2 3; do echo "a$n, started, cp-$n, https://10.0.0.$n:2380, https://10.0.0.$n:2379, false"; done ;;
        *'snapshot save'*) for f; do :; done; echo snapshot > "$f" ;;
      esac`,
    );
    host.program('etcdutl', 'exit 0');
    const { message } = host.run('stageRestore', { WG_ORDER: 'order-1', WG_TARGET: '1.34.4' });
    expect(message).toMatchObject({
      ok: true,
      version: '1.34.4',
      script: '/var/lib/wavegate/restore/order-1/restore.sh',
    });
    expect(host.read('var/lib/wavegate/restore/order-1/initial-cluster')).toBe(
      'cp-1=https://10.0.0.1:2380,cp-2=https://10.0.0.2:2380,cp-3=https://10.0.0.3:2380',
    );
    expect(host.read('var/lib/wavegate/restore/order-1/restore.sh')).toContain('cat "$here/initial-cluster"');
  });
});

describe('what a step takes and says', () => {
  it.each([
    ['WG_TARGET', '1.35.4; reboot'],
    ['WG_TARGET', 'latest'],
    ['WG_IGNORE', '$(id)'],
    ['WG_MIRROR', 'ftp://mirror.example/'],
    ['WG_PACKAGES', 'anything'],
    ['WG_EMULATE', '1.34 --insecure'],
  ])('%s "%s" → refused: no shell text ever reaches the host', (word, value) => {
    const { message } = worker().run('kubelet', { [word]: value });
    expect(message).toMatchObject({ ok: false, code: 'bad_word' });
    expect(String(message.error)).toContain(word);
  });

  it('a verb of a newer agent → refused by name', () => {
    expect(worker().run('fly').message).toMatchObject({ code: 'unknown_verb' });
  });

  it('a program that says very much → a message of less than 4 KiB that is JSON', () => {
    controlPlane().state('repository', Array.from({ length: 2_000 }, (_, n) => `1.30.${n}-1.1"\\`).join(' '));
    const { message } = host.run('controlPlane');
    expect(message.code).toBe('package_missing');
    expect(host.read('termination').length).toBeLessThan(4_096);
  });

  it('a step that died and left its lock → its place is taken', () => {
    worker().file('var/lib/wavegate/lock/pid', '999999');
    expect(host.run('kubelet').message).toMatchObject({ ok: true });
  });
});

describe('looking and fetching ahead', () => {
  it('prefetch → packages and images are there, nothing else is touched', () => {
    controlPlane();
    const before = standing();
    const told = {
      ok: true,
      version: '1.35.4',
      packages: '/var/lib/wavegate/packages/1.35.4',
      images: 4,
      freeMib: 90_000,
    };
    expect(host.run('prefetch').message).toEqual(told);
    expect(standing()).toBe(before);
    // Asked again, it finds everything there and asks no repository.
    host.state('repository-down', '');
    expect(host.run('prefetch').message).toEqual(told);
    expect(standing()).toBe(before);
    host.state('repository-down', '');
    expect(host.run('controlPlane', { WG_PACKAGES: 'offline' }).message).toMatchObject({ ok: true });
  });

  it('prefetch on a worker → its own images only; a repository that lacks the version, a full disk → refused by name', () => {
    worker();
    expect(host.run('prefetch').message).toMatchObject({ ok: true, images: 3 });
    host.drop('var/lib/wavegate/packages');
    host.state('repository', '1.34.4-1.1');
    expect(host.run('prefetch').message).toMatchObject({ code: 'package_missing' });
    host.state('free-mib', '30');
    expect(host.run('prefetch').message).toMatchObject({ code: 'disk_full' });
    expect(host.read('state/running')).toBe('1.34.4');
  });

  it('inspect → every problem at once as findings, and nothing touched', () => {
    controlPlane().state('free-mib', '30');
    host.state('plan-says', '[upgrade/config] FATAL: this version of kubeadm only supports the field x');
    host.state('plan-exit', '1');
    const before = standing();
    const { message } = host.run('inspect');
    const found = message.found as { code: string; text: string }[];
    expect(message).toMatchObject({ ok: true, manager: 'apt', freeMib: 30 });
    expect(found.map(({ code }) => code)).toEqual(['disk_full', 'kubeadm_plan_failed']);
    expect(found[1]?.text).toContain('only supports the field x');
    expect(standing()).toBe(before);
  });

  it('inspect of a target that the repository lacks → said with what it has', () => {
    controlPlane().state('repository', '1.34.4-1.1');
    const { message } = host.run('inspect');
    expect(message.found).toEqual([{ code: 'package_missing', text: expect.stringContaining('it has 1.34.4-1.1') }]);
  });
});

const standing = (): string =>
  [MANIFEST, LIST, 'state/installed-kubeadm', 'state/installed-kubelet', 'state/running']
    .map((path) => host.read(path))
    .join('\n');
