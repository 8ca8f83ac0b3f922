import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { artefact } from './artefact.js';
import { writeImageArchive } from './image-archive.js';
import type { ImageContent } from './image-archive.js';
import { RELEASES, assertImagesNamed, releaseOf } from './kubernetes-release.js';
import type { KubernetesRelease, ObtainedPrograms } from './kubernetes-release.js';
import type { LabProgram } from './lab-programs.js';
import { command } from './run-command.js';

/** Bumped when the way images are put together changes. */
const RECIPE = 2;
const REGISTRY = 'registry.k8s.io';

/** One program under every name that a kubeadm of the lab, or containerd's configuration, asks for. */
const PAUSE_IMAGES = [...new Set(RELEASES.map(({ pause }) => `${REGISTRY}/pause:${pause}`))];
export const APP_IMAGE = 'lab.wavegate.invalid/app:1';
export const BALANCER_IMAGE = 'lab.wavegate.invalid/balancer:1';

interface Placed extends ImageContent {
  /** Which nodes need it: an addon runs on all. */
  readonly on: 'controlPlane' | 'all';
}

const oneProgram = (on: Placed['on'], tag: string, program: string): Placed => {
  const name = basename(program);
  return { on, tag, entrypoint: [name], files: { [`usr/local/bin/${name}`]: program } };
};

function controlPlaneImages(release: KubernetesRelease, programs: ObtainedPrograms): readonly Placed[] {
  const { version, etcd, coredns } = release;
  const servers = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) =>
    oneProgram('controlPlane', `${REGISTRY}/${name}:v${version}`, programs(name, version)),
  );
  const etcdFiles = ['etcd', 'etcdctl', 'etcdutl'].map((name) => [
    `usr/local/bin/${name}`,
    programs(name, etcd.version),
  ]);
  return [
    ...servers,
    {
      on: 'controlPlane',
      tag: `${REGISTRY}/etcd:${etcd.tag}`,
      entrypoint: ['etcd'],
      files: Object.fromEntries(etcdFiles) as Record<string, string>,
    },
    {
      on: 'all',
      tag: `${REGISTRY}/coredns/coredns:v${coredns}`,
      entrypoint: ['/coredns'],
      files: { coredns: programs('coredns', coredns) },
    },
  ];
}

/** The libraries a program of the rootfs is linked with, as the rootfs itself resolves them. */
async function librariesOf(rootfs: string, programs: readonly string[]): Promise<readonly string[]> {
  const listed = await command('chroot', [rootfs, 'ldd', ...programs]);
  return [...new Set(listed.match(/\/[^ ):]+\.so[^ ):]*/g) ?? [])].filter((path) => !path.endsWith(':'));
}

/**
 * kube-proxy calls iptables, whose matches are plugins with libraries of their own: without libm, which libxt_statistic
 * needs, every pod runs and every Service is dead.
 */
async function kubeProxyImage(version: string, program: string, rootfs: string): Promise<Placed> {
  const plugins = readdirSync(join(rootfs, 'usr/lib', machine(), 'xtables')).map(
    (name) => `/usr/lib/${machine()}/xtables/${name}`,
  );
  const tools = ['/usr/sbin/xtables-nft-multi', '/usr/sbin/conntrack'];
  const regular = plugins.filter((path) => lstatSync(join(rootfs, path)).isFile());
  const libraries = await librariesOf(rootfs, [...tools, ...regular]);
  const files: Record<string, string> = { 'usr/local/bin/kube-proxy': program };
  for (const path of [...tools, ...plugins, ...libraries]) files[inUsr(path)] = join(rootfs, inUsr(path));
  const names = ['iptables', 'iptables-save', 'iptables-restore', 'ip6tables', 'ip6tables-save', 'ip6tables-restore'];
  const links = names.map((name) => [`usr/sbin/${name}`, 'xtables-nft-multi']);
  const merged = [
    ['lib', 'usr/lib'],
    ['lib64', 'usr/lib64'],
    ['sbin', 'usr/sbin'],
  ];
  return {
    on: 'all',
    tag: `${REGISTRY}/kube-proxy:v${version}`,
    entrypoint: ['kube-proxy'],
    files,
    links: Object.fromEntries([...links, ...merged]) as Record<string, string>,
  };
}

/** Debian's /lib and /lib64 are links into /usr. */
const inUsr = (path: string): string => (path.startsWith('/usr/') ? path.slice(1) : `usr${path}`);
const machine = (): string => (process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu');

const archiveName = (tag: string): string => `${tag.replace(/^.*\//, '').replaceAll(':', '_')}.tar`;

/**
 * The images that kubeadm of one version deploys, under the names it asks for: `controlPlane/*.tar` for control-plane
 * nodes alone, `all/*.tar` for every node.
 */
export async function kubernetesImages(version: string, programs: ObtainedPrograms, rootfs: string): Promise<string> {
  const release = releaseOf(version);
  const proxy = programs('kube-proxy', version);
  const servers = controlPlaneImages(release, programs);
  const binaries = [...servers.flatMap((image) => Object.values(image.files)), proxy].map((file) => ({ file }));
  const recipe = { text: JSON.stringify([RECIPE, release, rootfs]) };
  return artefact(`images-${version}`, [recipe, ...binaries], async (folder) => {
    const images = [...servers, await kubeProxyImage(version, proxy, join(rootfs, 'rootfs'))];
    const tags = [...images.map((image) => image.tag), `${REGISTRY}/pause:${release.pause}`];
    await assertImagesNamed(release, tags, programs('kubeadm', version));
    for (const image of images) await writeImageArchive(image, join(folder, image.on, archiveName(image.tag)));
    mkdirSync(join(folder, 'all'), { recursive: true });
  });
}

/** What every node has whatever its version: pause, and the application that tests deploy; the balancer for the engine. */
export async function commonImages(programs: Readonly<Record<LabProgram, string>>): Promise<string> {
  const recipe = { text: JSON.stringify([RECIPE, PAUSE_IMAGES]) };
  const binaries = Object.values(programs).map((file) => ({ file: join(dirname(file), basename(file)) }));
  return artefact('images-common', [recipe, ...binaries, { text: dirname(programs.pause) }], async (folder) => {
    const images: readonly ImageContent[] = [
      ...PAUSE_IMAGES.map((tag) => ({ tag, entrypoint: ['/pause'], files: { pause: programs.pause } })),
      { tag: APP_IMAGE, entrypoint: ['app'], files: { 'usr/local/bin/app': programs.app } },
    ];
    for (const image of images) await writeImageArchive(image, join(folder, 'all', archiveName(image.tag)));
    const balancer = {
      tag: BALANCER_IMAGE,
      entrypoint: ['balancer'],
      files: { 'usr/local/bin/balancer': programs.balancer },
    };
    await writeImageArchive(balancer, join(folder, 'engine', archiveName(BALANCER_IMAGE)));
  });
}
