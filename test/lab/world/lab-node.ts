import { basename } from 'node:path';
import { eventually } from '../../kube/world/eventually.js';
import type { ContainerEngine } from './container-engine.js';
import type { NodePlace } from './lab-shape.js';
import { gatewayAddress } from './lab-shape.js';
import { CommandFailed } from './run-command.js';
import type { CommandOptions, CommandResult } from './run-command.js';
import { PACKAGE_REVISION } from './kube-packages.js';
import { minorOf } from './kubernetes-release.js';

export const LAB_LABEL = 'wavegate.lab';

/** What a container of the lab is called in the engine. */
export const containerName = (lab: string, node: string): string => `wavegate-lab-${lab}-${node}`;

/**
 * Where `--privileged` is refused (a root without CAP_SYS_RESOURCE may not hand it on), the same without that one right:
 * systemd, containerd and a kubelet do not miss it.
 */
const PRIVILEGED = ['--privileged'];
const NEARLY_PRIVILEGED = [
  ...['--cap-add=ALL', '--cap-drop=SYS_RESOURCE', '--device-cgroup-rule=a *:* rwm'],
  ...['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'].flatMap((each) => [
    '--security-opt',
    each,
  ]),
];

/** The rights a node container gets on this machine: found out by starting one that does nothing. */
export async function nodeRights(engine: ContainerEngine, image: string): Promise<readonly string[]> {
  const trial = ['run', '--rm', '--network=none', '--entrypoint=/bin/true'];
  if ((await engine.tryDocker([...trial, ...PRIVILEGED, image])).code === 0) return PRIVILEGED;
  await engine.docker([...trial, ...NEARLY_PRIVILEGED, image]);
  return NEARLY_PRIVILEGED;
}

export interface NodeStart {
  readonly lab: string;
  readonly network: string;
  readonly subnet: string;
  readonly image: string;
  readonly rights: readonly string[];
  /** A folder on this machine → where the node sees it, read-only. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** One node: a container that is treated as a machine. */
export class LabNode {
  readonly place: NodePlace;
  readonly container: string;
  readonly #engine: ContainerEngine;

  constructor(engine: ContainerEngine, lab: string, place: NodePlace) {
    this.#engine = engine;
    this.place = place;
    this.container = containerName(lab, place.name);
  }

  get name(): string {
    return this.place.name;
  }

  async start({ lab, network, subnet, image, rights, mounts }: NodeStart): Promise<void> {
    await this.#engine.docker([
      ...['run', '--detach', '--name', this.container, '--hostname', this.name, '--label', `${LAB_LABEL}=${lab}`],
      ...['--network', network, '--ip', this.place.address, '--env', `LAB_NAMESERVER=${gatewayAddress(subnet)}`],
      // Its own cgroup tree (all kubelets would share the machine's), and a disk on which overlayfs works.
      ...['--cgroupns=private', '--volume', '/var', '--tmpfs', '/run:exec', '--tmpfs', '/tmp:exec'],
      ...['--stop-signal', 'SIGRTMIN+3', '--sysctl', 'net.ipv4.ip_forward=1'],
      ...Object.entries(mounts).flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]),
      ...rights,
      image,
    ]);
    await this.booted();
  }

  /** containerd answers: what kubeadm and a kubelet need of a machine that has just come up. */
  async booted(): Promise<void> {
    await eventually(
      `the boot of ${this.name} (docker --host ${this.#engine.host} logs ${this.container})`,
      async () => (await this.try(['ctr', 'version'])).code === 0,
      { everyMs: 300, withinMs: 180_000 },
    );
  }

  /** Runs a program on the node; any exit code is an answer. */
  try(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return this.#engine.tryDocker(['exec', '--interactive', this.container, ...args], options);
  }

  async exec(args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const result = await this.try(args, options);
    if (result.code !== 0) throw new CommandFailed(`${this.name}: ${args.join(' ').slice(0, 200)}`, result);
    return result.stdout;
  }

  /** A script of bash that stops at the first failure. */
  sh(script: string, options: CommandOptions = {}): Promise<string> {
    return this.exec(['bash', '-euo', 'pipefail', '-c', script], options);
  }

  /** Loads an image archive of this machine (one of `docker save`) into the node's containerd. */
  async loadImage(archive: string): Promise<void> {
    const inside = `/var/tmp/${basename(archive)}`;
    await this.#engine.docker(['cp', archive, `${this.container}:${inside}`]);
    await this.sh(`ctr -n k8s.io images import --digests=false '${inside}' >/dev/null; rm -f '${inside}'`);
  }

  /** Loads every archive of a folder the node sees. */
  loadMounted(folder: string): Promise<string> {
    return this.sh(`for f in '${folder}'/*.tar; do [ ! -e "$f" ] || ctr -n k8s.io images import "$f" >/dev/null; done`);
  }

  /** Points apt at the repository of a version's minor; nothing is asked of it yet. */
  async useRepository(version: string): Promise<void> {
    const line = `deb [trusted=yes] file:/lab/apt/v${minorOf(version)}/deb/ /`;
    await this.sh(`echo '${line}' > /etc/apt/sources.list.d/kubernetes.list`);
  }

  /** Installs exactly this version, held, as the documentation says. */
  async installKubernetes(version: string): Promise<void> {
    await this.useRepository(version);
    const packages = ['kubelet', 'kubeadm', 'kubectl'].map((name) => `${name}=${version}-${PACKAGE_REVISION}`);
    await this.sh(`export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -y -q ${packages.join(' ')}
apt-mark hold kubelet kubeadm kubectl`);
  }

  /** What a power cut and a boot are to a machine: the container is killed and started again with its disk. */
  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  async kill(): Promise<void> {
    await this.#engine.docker(['kill', this.container]);
  }

  /** The machine is thrown away, its disk with it. */
  async remove(): Promise<void> {
    await this.#engine.docker(['rm', '--force', '--volumes', this.container]);
  }

  async startAgain(): Promise<void> {
    await this.#engine.docker(['start', this.container]);
    await this.booted();
  }
}
