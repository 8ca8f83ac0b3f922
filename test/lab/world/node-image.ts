import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artefact } from './artefact.js';
import type { ContainerEngine } from './container-engine.js';
import { needPrograms } from './container-engine.js';
import { labSources } from './lab-places.js';
import { timed } from './lab-log.js';
import { command } from './run-command.js';

const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'containerd', 'runc', 'containernetworking-plugins', 'ca-certificates'],
  ...['iptables', 'conntrack', 'ebtables', 'ethtool', 'socat', 'iproute2', 'kmod', 'mount', 'procps', 'psmisc'],
];

/** Units that need a real machine, or that would change a node behind a test's back. */
const MASKED = [
  ...['getty.target', 'console-getty.service', 'getty@tty1.service', 'systemd-logind.service'],
  ...['systemd-networkd-wait-online.service', 'apt-daily.timer', 'apt-daily-upgrade.timer', 'e2scrub_all.timer'],
  ...['fstrim.timer', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-kernel-config.mount'],
  // Each holds a watch of the kernel's, of which a machine has few (lab-room.ts).
  ...['systemd-ask-password-console.path', 'systemd-ask-password-wall.path'],
  ...['dev-hugepages.mount', 'dev-mqueue.mount', 'proc-sys-fs-binfmt_misc.automount'],
];

export interface DebianSource {
  readonly mirror: string;
  readonly suite: string;
}

/** Where this machine installs its own Debian from; WAVEGATE_LAB_MIRROR and WAVEGATE_LAB_SUITE go first. */
export function debianSource(etc = '/etc', env = process.env): DebianSource {
  const release = existsSync(join(etc, 'os-release')) ? readFileSync(join(etc, 'os-release'), 'utf8') : '';
  const suite = env['WAVEGATE_LAB_SUITE'] ?? /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
  const mirror = env['WAVEGATE_LAB_MIRROR'] ?? (suite ? mirrorOf(suite, join(etc, 'apt')) : undefined);
  if (suite && mirror) return { mirror, suite };
  throw new Error(
    'no Debian mirror found below /etc/apt: set WAVEGATE_LAB_MIRROR=<address> and WAVEGATE_LAB_SUITE=bookworm',
  );
}

function mirrorOf(suite: string, apt: string): string | undefined {
  const parts = join(apt, 'sources.list.d');
  const files = [
    join(apt, 'sources.list'),
    ...(existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : []),
  ];
  for (const file of files.filter((each) => existsSync(each))) {
    const found = file.endsWith('.sources')
      ? deb822(readFileSync(file, 'utf8'), suite)
      : lines(readFileSync(file, 'utf8'), suite);
    if (found) return found;
  }
  return undefined;
}

function deb822(text: string, suite: string): string | undefined {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string): readonly string[] =>
      new RegExp(`^${name}:(.*)$`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    if (field('Types').includes('deb') && field('Suites').includes(suite)) return field('URIs')[0];
  }
  return undefined;
}

function lines(text: string, suite: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, uri, name] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.trim()) ?? [];
    if (uri && name === suite) return uri;
  }
  return undefined;
}

function dress(root: string): void {
  const source = (file: string): string => join(labSources(), 'node-image', file);
  for (const folder of ['lab', 'etc/containerd', 'etc/cni/net.d', 'etc/systemd/system', 'etc/apt/sources.list.d']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  cpSync(source('entry'), join(root, 'lab/entry'));
  cpSync(source('containerd.toml'), join(root, 'etc/containerd/config.toml'));
  // Nothing is reached from a node but the lab's own repository, whose line is written when the node starts.
  writeFileSync(join(root, 'etc/apt/sources.list'), '');
  writeFileSync(join(root, 'etc/fstab'), '');
  for (const unit of MASKED) {
    rmSync(join(root, 'etc/systemd/system', unit), { force: true });
    symlinkSync('/dev/null', join(root, 'etc/systemd/system', unit));
  }
  for (const folder of [
    'var/lib/apt/lists',
    'var/cache/apt/archives',
    'usr/share/doc',
    'usr/share/man',
    'usr/share/locale',
  ]) {
    rmSync(join(root, folder), { recursive: true, force: true });
  }
  mkdirSync(join(root, 'var/lib/apt/lists/partial'), { recursive: true });
  mkdirSync(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
}

/** Debian as debootstrap lays it: minutes, so that a change of what is laid over it does not cost them again. */
async function debian(): Promise<string> {
  await needPrograms({ debootstrap: 'debootstrap' });
  const { mirror, suite } = debianSource();
  const recipe = { text: JSON.stringify([mirror, suite, PACKAGES]) };
  return artefact('debian', [recipe], async (folder) => {
    const words = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, join(folder, 'rootfs'), mirror];
    await command('debootstrap', words, { withinMs: 1_800_000 });
  });
}

/** The folder that holds `rootfs/`, a Debian with systemd and containerd, dressed as a node. */
export async function nodeRootfs(): Promise<string> {
  const base = await debian();
  const files = ['entry', 'containerd.toml'].map((name) => ({ file: join(labSources(), 'node-image', name) }));
  return artefact('node-rootfs', [{ text: JSON.stringify([base, MASKED]) }, ...files], async (folder) => {
    await command('cp', ['--archive', '--reflink=auto', join(base, 'rootfs'), folder]);
    dress(join(folder, 'rootfs'));
  });
}

/** The node image in the engine; returns its name. */
export async function nodeImage(engine: ContainerEngine, rootfs: string): Promise<string> {
  const key = rootfs.slice(-12);
  const name = `wavegate-lab/node:${key}`;
  const { code } = await engine.tryDocker(['image', 'inspect', name]);
  if (code === 0) return name;
  // Through a shell for the pipe alone: a rootfs is too large to be passed through this process.
  const script =
    'tar -C "$1" --numeric-owner -c --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* . | docker --host "$2" import --change \'ENTRYPOINT ["/lab/entry"]\' --change "ENV container=docker" - "$3"';
  await timed('taking the node image into the engine', () =>
    command('bash', ['-o', 'pipefail', '-c', script, 'import', join(rootfs, 'rootfs'), engine.host, name]),
  );
  return name;
}
