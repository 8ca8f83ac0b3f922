import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../kube/world/eventually.js';
import type { ContainerEngine } from './container-engine.js';
import { BALANCER_IMAGE } from './kube-images.js';
import { initConfig } from './kubeadm-config.js';
import { runFolder } from './lab-places.js';
import { say, timed } from './lab-log.js';
import { LAB_LABEL, LabNode, containerName } from './lab-node.js';
import { ownLab, ownedLabs } from './lab-owner.js';
import { whyNoRoom } from './lab-room.js';
import { SHAPES, apiAddress, balancerAddress, gatewayAddress, placesOf } from './lab-shape.js';
import type { ShapeName } from './lab-shape.js';
import { stockUp } from './lab-stock.js';
import type { LabStock } from './lab-stock.js';
import { endWithTheLast, removeLab, standingLabs } from './lab-teardown.js';
import { layPodNetwork } from './pod-network.js';
import { command } from './run-command.js';

export interface LabWish {
  /** Names its containers and its folder; small letters. */
  readonly name: string;
  readonly shape: ShapeName;
  readonly version: string;
  /** Versions it will be upgraded to: their packages and images are laid in every node, since nothing can be pulled. */
  readonly upgradableTo?: readonly string[];
}

/** A real kubeadm cluster of several nodes on this machine. */
export interface Lab {
  readonly name: string;
  readonly shape: ShapeName;
  readonly kubeconfig: string;
  /** The kubectl of the version it started with. */
  readonly kubectlProgram: string;
  readonly engine: ContainerEngine;
  readonly nodes: readonly LabNode[];
  node(name: string): LabNode;
  /** kubectl from this machine; throws with its words when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Loads an image archive into some nodes, or into all. */
  loadImage(archive: string, nodes?: readonly string[]): Promise<void>;
  /** Throws one machine away and puts a fresh one of the same name there, with a repository and nothing of Kubernetes. */
  replaceMachine(name: string): Promise<void>;
  /** Lays the pod network again, for a node that has joined since. */
  layPodNetwork(): Promise<void>;
  stop(): Promise<void>;
}

/** Raises a lab from nothing; takes down again what it began when it cannot. */
export async function startLab(wish: LabWish): Promise<Lab> {
  if (!/^[a-z][a-z0-9-]{0,20}$/.test(wish.name))
    throw new Error(`"${wish.name}" is no name for a lab: small letters, digits, -`);
  const owner = ownedLabs().get(wish.name);
  if (owner) throw new Error(`process ${owner} works with a lab ${wish.name} right now: choose another name`);
  ownLab(wish.name);
  const versions: readonly [string, ...string[]] = [wish.version, ...(wish.upgradableTo ?? [])];
  const stock = await stockUp(versions);
  const { engine } = stock;
  if ((await standingLabs(engine)).includes(wish.name)) {
    say(`a lab ${wish.name} of an earlier run is in the way: taking it down first`);
    await removeLab(engine, wish.name);
    ownLab(wish.name);
  }
  const cramped = whyNoRoom(wish.shape);
  if (cramped) throw new Error(cramped);
  const subnet = await layNetwork(engine, wish.name);
  const lab = new StandingLab(wish, stock, subnet);
  try {
    await raise(lab, wish, stock, subnet);
  } catch (error) {
    if (process.env['WAVEGATE_KEEP_RUN']) say(`kept for looking into it; make lab-down NAME=${wish.name} removes it`);
    else await lab.stop();
    throw error;
  }
  return lab;
}

async function raise(lab: StandingLab, wish: LabWish, stock: LabStock, subnet: string): Promise<void> {
  await timed(`${lab.nodes.length} nodes booted, images loaded, Kubernetes ${wish.version} installed by apt`, () =>
    inPairs(lab.nodes, async (node) => {
      await lab.boot(node);
      await node.installKubernetes(wish.version);
    }),
  );
  if (SHAPES[wish.shape].controlPlanes > 1) {
    await startBalancer(lab, containerName(wish.name, 'net'), subnet, stock.balancerArchive);
  }
  await formCluster(lab, wish, subnet);
}

/** Two at a time: more only get in each other's way on a small machine. */
async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all([lane(), lane()]);
}

async function startBalancer(lab: StandingLab, network: string, subnet: string, archive: string): Promise<void> {
  await lab.engine.docker(['load', '--input', archive]);
  const backends = lab.controlPlanes.map((node) => `${node.place.address}:6443`).join(',');
  await lab.engine.docker([
    ...['run', '--detach', '--name', containerName(lab.name, 'lb'), '--label', `${LAB_LABEL}=${lab.name}`],
    ...['--network', network, '--ip', balancerAddress(subnet), BALANCER_IMAGE, ':6443', backends],
  ]);
}

async function formCluster(lab: StandingLab, wish: LabWish, subnet: string): Promise<void> {
  const [first, ...others] = lab.controlPlanes;
  if (!first) throw new Error('a lab without control plane');
  // 1.35 refuses cgroup v1 in this check; the kubelet's own setting allows it (kubeadm-config.ts).
  const lenient = ['--ignore-preflight-errors=SystemVerification'];
  const key = others.length > 0 ? (await first.exec(['kubeadm', 'certs', 'certificate-key'])).trim() : undefined;
  const config = initConfig(wish.version, first.place, apiAddress(wish.shape, subnet), key);
  await first.sh('cat > /lab/init.yaml', { input: config });
  const upload = key ? ['--upload-certs'] : [];
  await timed(`kubeadm init on ${first.name}`, () =>
    first.exec(['kubeadm', 'init', '--config', '/lab/init.yaml', ...upload, ...lenient]),
  );
  writeFileSync(lab.kubeconfig, await first.exec(['cat', '/etc/kubernetes/admin.conf']), { mode: 0o600 });
  const join = (await first.exec(['kubeadm', 'token', 'create', '--print-join-command'])).trim().split(/\s+/);
  for (const node of others) {
    const asControlPlane = ['--control-plane', '--certificate-key', key ?? ''];
    await timed(`${node.name} joined as control plane`, () => node.exec([...join, ...asControlPlane, ...lenient]));
  }
  await timed('workers joined', () =>
    inPairs(lab.workers, (node) => node.exec([...join, ...lenient]).then(() => undefined)),
  );
  await lab.layPodNetwork();
  await timed('every node Ready, CoreDNS and kube-proxy rolled out', () => lab.settled());
}

/** A network of the lab's own. Another lab that is raised in the same moment may be faster to take the subnet. */
async function layNetwork(engine: ContainerEngine, lab: string): Promise<string> {
  for (let left = 5; ; left -= 1) {
    const subnet = await freeSubnet(engine);
    const of = ['--label', `${LAB_LABEL}=${lab}`, '--subnet', `${subnet}.0/24`, '--gateway', gatewayAddress(subnet)];
    const { code, stderr } = await engine.tryDocker(['network', 'create', ...of, containerName(lab, 'net')]);
    if (code === 0) return subnet;
    if (left === 0 || !/overlaps/i.test(stderr)) throw new Error(`no network for lab ${lab}: ${stderr.trim()}`);
  }
}

/** Outside of what the engine and this machine use already. */
async function freeSubnet(engine: ContainerEngine): Promise<string> {
  const ids = (await engine.docker(['network', 'ls', '--quiet'])).split('\n').filter(Boolean);
  const format = '{{range .IPAM.Config}}{{.Subnet}} {{end}}';
  const taken = await engine.docker(['network', 'inspect', '--format', format, ...ids]);
  const local = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  for (let third = 30; third < 60; third += 1) {
    const subnet = `172.30.${third}`;
    const isOurs = local.some(({ address }) => address.startsWith(`${subnet}.`));
    if (!isOurs && !taken.includes(`${subnet}.0/`)) return subnet;
  }
  throw new Error('no free subnet between 172.30.30.0/24 and 172.30.59.0/24: make lab-down removes labs');
}

class StandingLab implements Lab {
  readonly name: string;
  readonly shape: ShapeName;
  readonly kubeconfig: string;
  readonly kubectlProgram: string;
  readonly engine: ContainerEngine;
  readonly nodes: readonly LabNode[];
  readonly #wish: LabWish;
  readonly #stock: LabStock;
  readonly #subnet: string;

  constructor(wish: LabWish, stock: LabStock, subnet: string) {
    this.#wish = wish;
    this.#stock = stock;
    this.#subnet = subnet;
    this.name = wish.name;
    this.shape = wish.shape;
    this.kubeconfig = join(runFolder(wish.name), 'kubeconfig');
    this.kubectlProgram = stock.kubectl;
    this.engine = stock.engine;
    this.nodes = placesOf(wish.shape, subnet).map((place) => new LabNode(stock.engine, wish.name, place));
  }

  get controlPlanes(): readonly LabNode[] {
    return this.nodes.filter((node) => node.place.role === 'controlPlane');
  }

  get workers(): readonly LabNode[] {
    return this.nodes.filter((node) => node.place.role === 'worker');
  }

  node(name: string): LabNode {
    const found = this.nodes.find((node) => node.name === name);
    if (!found)
      throw new Error(`lab ${this.name} has no node ${name}; it has ${this.nodes.map((node) => node.name).join(', ')}`);
    return found;
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    const options = { env: { KUBECONFIG: this.kubeconfig }, ...(input === undefined ? {} : { input }) };
    return command(this.kubectlProgram, args, options);
  }

  async loadImage(archive: string, nodes = this.nodes.map((node) => node.name)): Promise<void> {
    await inPairs(nodes, (name) => this.node(name).loadImage(archive));
  }

  /** A machine with what nothing can pull: the images of every version. */
  async boot(node: LabNode): Promise<void> {
    const { image, rights, mounts } = this.#stock;
    const network = containerName(this.name, 'net');
    await node.start({ lab: this.name, network, subnet: this.#subnet, image, rights, mounts });
    for (const folder of this.#stock.imageFolders(node.place.role)) await node.loadMounted(folder);
  }

  async replaceMachine(name: string): Promise<void> {
    const node = this.node(name);
    await node.remove();
    await this.boot(node);
    await node.useRepository(this.#wish.version);
  }

  layPodNetwork(): Promise<void> {
    return layPodNetwork(this.nodes, (args) => this.kubectl(args));
  }

  async settled(): Promise<void> {
    await this.kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=180s']);
    for (const what of ['deployment/coredns', 'daemonset/kube-proxy']) {
      await this.kubectl(['--namespace=kube-system', 'rollout', 'status', what, '--timeout=180s']);
    }
    await eventually('the service account of the namespace default', () =>
      this.kubectl(['get', 'serviceaccount', 'default']),
    );
  }

  async stop(): Promise<void> {
    await removeLab(this.engine, this.name);
    await endWithTheLast(this.engine);
  }
}
