import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readAuditLog } from './audit-log.js';
import type { AuditEvent } from './audit-log.js';
import { ChildPrograms } from './child-programs.js';
import * as controlPlane from './control-plane.js';
import { ETCD_VERSION, programPath } from './obtained-programs.js';
import { eventually, GivenUp } from './eventually.js';
import { freePorts } from './free-ports.js';
import { KubeApi } from './kube-api.js';
import { ClusterPki } from './pki.js';
import { createNodes, isReady, placeStaticPods, setKubeletVersion, setNodeReady } from './simulated-nodes.js';
import type { NodeSpec, Standing } from './simulated-nodes.js';

export interface ClusterSpec {
  readonly name: string;
  /** Of the API server, controller-manager and scheduler: 1.34.4 or 1.35.4. */
  readonly version: string;
  readonly nodes: readonly NodeSpec[];
  /** The run's folder; the cluster lies in a folder of its own below it. */
  readonly dir: string;
  /** Secrets lie encrypted in etcd. */
  readonly encryptAtRest?: boolean;
}

/** A rule of RBAC, as the API takes it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'];

const STANDING = {
  nodes: '/api/v1/nodes',
  'static pods': '/api/v1/namespaces/kube-system/pods?labelSelector=tier%3Dcontrol-plane',
};

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';

/** From nothing to Ready nodes: real etcd, API server, controllers and scheduler; the kubelets are kwok's. */
export async function startCluster(spec: ClusterSpec): Promise<RealCluster> {
  const cluster = await RealCluster.lay(spec);
  try {
    await cluster.startAll();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

/** kubeadm's record of the cluster, which its upgrade reads first and without which preflight blocks. */
function kubeadmConfig(version: string): unknown {
  const lines = ['apiVersion: kubeadm.k8s.io/v1beta4', 'kind: ClusterConfiguration', `kubernetesVersion: v${version}`];
  const data = { ClusterConfiguration: `${lines.join('\n')}\n` };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kubeadm-config' }, data };
}

export class RealCluster {
  readonly spec: ClusterSpec;
  readonly dir: string;
  readonly url: string;
  /** All-mighty, as the world's own user. */
  readonly kubeconfigPath: string;
  readonly caFile: string;
  readonly adminToken: string;
  readonly programs: ChildPrograms;
  readonly api: KubeApi;
  readonly files: controlPlane.ControlPlaneFiles;
  readonly #pki: ClusterPki;
  #version: string;

  private constructor(made: {
    readonly spec: ClusterSpec;
    readonly pki: ClusterPki;
    readonly files: controlPlane.ControlPlaneFiles;
    readonly kubeconfigPath: string;
    readonly adminToken: string;
    readonly api: KubeApi;
  }) {
    this.spec = made.spec;
    this.dir = made.files.dir;
    this.url = `https://127.0.0.1:${made.files.ports.api}`;
    this.kubeconfigPath = made.kubeconfigPath;
    this.caFile = made.files.caFile;
    this.adminToken = made.adminToken;
    this.programs = new ChildPrograms(made.files.dir);
    this.api = made.api;
    this.files = made.files;
    this.#pki = made.pki;
    this.#version = made.spec.version;
  }

  /** Certificates, kubeconfigs and settings: everything but the running programs. */
  static async lay(spec: ClusterSpec): Promise<RealCluster> {
    const dir = join(spec.dir, spec.name);
    mkdirSync(join(dir, 'kubeconfigs'), { recursive: true });
    const pki = await ClusterPki.create(join(dir, 'pki'), spec.name);
    const [api, etcd, etcdPeer, controllers, scheduler, kwok] = (await freePorts(6)) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const url = `https://127.0.0.1:${api}`;
    const masters = ['system:masters'];
    const world = await pki.client('world', controlPlane.WORLD_USERS.world, masters);
    const kubeconfig = async (file: keyof typeof controlPlane.WORLD_USERS) => {
      const who = await pki.client(file, controlPlane.WORLD_USERS[file], masters);
      return controlPlane.writeKubeconfig(join(dir, 'kubeconfigs', file), url, pki.caFile, who);
    };
    const adminToken = randomBytes(16).toString('hex');
    await controlPlane.writeSettings(dir, adminToken);
    const files: controlPlane.ControlPlaneFiles = {
      dir,
      caFile: pki.caFile,
      server: await pki.server('server'),
      etcdClient: await pki.client('etcd-client', 'etcd-client'),
      tokenKeys: await pki.tokenKeys(),
      ports: { api, etcd, etcdPeer, controllers, scheduler, kwok },
      kubeconfigs: {
        controllers: await kubeconfig('controllers'),
        scheduler: await kubeconfig('scheduler'),
        kubelets: await kubeconfig('kubelets'),
      },
      encryptionConfig: spec.encryptAtRest ? await controlPlane.writeEncryptionConfig(dir, randomBytes(32)) : null,
    };
    const kubeconfigPath = await controlPlane.writeKubeconfig(
      join(dir, 'kubeconfigs', 'world'),
      url,
      pki.caFile,
      world,
    );
    return new RealCluster({ spec, pki, files, kubeconfigPath, adminToken, api: new KubeApi(url, pki.caFile, world) });
  }

  get name(): string {
    return this.spec.name;
  }

  async startAll(): Promise<void> {
    this.#launch('etcd', controlPlane.etcd(this.files));
    await this.startApiServer();
    this.#startControllers();
    this.#launch('kwok', controlPlane.kwok(this.files));
    await createNodes(this.api, this.spec.nodes);
    // kwok plays no pod that came in the instant in which it was taking the lease of the pod's node: never, not later.
    await this.#standing('nodes');
    await this.#placeStaticPods();
    await this.api.create('/api/v1/namespaces/kube-system/configmaps', kubeadmConfig(this.#version));
    // Pods are refused until their namespace's ServiceAccount is there.
    await this.#until('the default ServiceAccount', () =>
      this.api.get('/api/v1/namespaces/default/serviceaccounts/default'),
    );
    // A preflight that finds an API server's own pod not ready refuses the upgrade, and rightly.
    await this.#standing('static pods');
  }

  /** Gone at once, like a crashed host: connections break, nothing is said. etcd stays. */
  stopApiServer(): Promise<void> {
    return this.programs.stop('kube-apiserver', 0);
  }

  /** Another version is a control-plane upgrade on the same etcd and the same port. */
  async startApiServer(version = this.#version): Promise<void> {
    this.#version = version;
    this.#launch('kube-apiserver', controlPlane.apiServer(version, this.files));
    await this.#until(`the API server ${version}`, async () => (await this.api.ask('GET', '/readyz')).code === 200);
  }

  /**
   * The API server after an outage, and kubelets and controllers that find it within seconds: each client of theirs would
   * rest up to a minute before it asks again, and a new kwok waits out the old one's leases. Controllers last: they make
   * pods, and kwok never plays one that comes while it takes the lease of its node.
   */
  async returnApiServer(): Promise<void> {
    await this.startApiServer();
    await Promise.all(['kwok', 'kube-controller-manager', 'kube-scheduler'].map((name) => this.programs.stop(name, 0)));
    await this.api.ask('DELETE', LEASES);
    this.#launch('kwok', controlPlane.kwok(this.files));
    const many = async (path: string): Promise<number> => (await this.api.list(path)).length;
    await this.#until('kwok to have its nodes again', async () => (await many(LEASES)) >= (await many(STANDING.nodes)));
    this.#startControllers();
  }

  /** Asked of the running server, without the v. */
  async apiServerVersion(): Promise<string> {
    const { body } = await this.api.ask('GET', '/version');
    return (body as { readonly gitVersion: string }).gitVersion.replace(/^v/, '');
  }

  /** What `kubeadm upgrade` does to the only or last control-plane node: server first, then those that talk to it. */
  async upgradeControlPlane(version: string): Promise<void> {
    await Promise.all(
      ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map((name) => this.programs.stop(name, 500)),
    );
    await this.startApiServer(version);
    this.#startControllers();
  }

  setKubelet(node: string, version: string): Promise<void> {
    return setKubeletVersion(this.api, node, version);
  }

  setNodeReady(node: string, ready: boolean): Promise<void> {
    return setNodeReady(this.api, node, ready);
  }

  placeStaticPods(node: string, kubernetes: string): Promise<void> {
    return placeStaticPods(this.api, node, { kubernetes, etcd: ETCD_VERSION });
  }

  /** A kubeconfig of somebody else: with the given rules only, or all-mighty without any; good for `days`. */
  async identity(user: string, rules?: readonly Rule[], days?: number): Promise<string> {
    const file = user.replaceAll(/[^a-z0-9-]/g, '-');
    const who = await this.#pki.client(file, user, rules ? [] : ['system:masters'], days);
    if (rules) {
      const rbac = '/apis/rbac.authorization.k8s.io/v1';
      const head = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: `identity-${file}` } };
      const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `identity-${file}` };
      await this.api.create(`${rbac}/clusterroles`, { ...head, kind: 'ClusterRole', rules });
      const subjects = [{ kind: 'User', name: user, apiGroup: 'rbac.authorization.k8s.io' }];
      await this.api.create(`${rbac}/clusterrolebindings`, { ...head, kind: 'ClusterRoleBinding', roleRef, subjects });
    }
    return controlPlane.writeKubeconfig(join(this.dir, 'kubeconfigs', file), this.url, this.caFile, who);
  }

  /** kubectl of the API server's version, as the world's user. Never rejects: a refusal is often what is asked for. */
  kubectl(...args: readonly string[]): Promise<KubectlResult> {
    const file = programPath('kubectl', this.#version);
    const options = { env: { ...process.env, HOME: this.dir }, maxBuffer: 64 << 20 };
    return new Promise((done) => {
      execFile(file, ['--kubeconfig', this.kubeconfigPath, ...args], options, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) || 1 : 0, stdout, stderr }),
      );
    });
  }

  audit(): readonly AuditEvent[] {
    return readAuditLog(controlPlane.auditLog(this.dir));
  }

  async stop(): Promise<void> {
    this.api.close();
    await this.programs.stopAll();
    if (!process.env['WAVEGATE_KEEP_RUN']) rmSync(join(this.dir, 'etcd'), { recursive: true, force: true });
  }

  #startControllers(): void {
    this.#launch('kube-controller-manager', controlPlane.controllerManager(this.#version, this.files));
    this.#launch('kube-scheduler', controlPlane.scheduler(this.#version, this.files));
  }

  #standing(what: keyof typeof STANDING): Promise<void> {
    const all = (): Promise<readonly Standing[]> => this.api.list<Standing>(STANDING[what]);
    return this.#until(`all ${what} to be Ready`, async () => (await all()).every(isReady));
  }

  async #placeStaticPods(): Promise<void> {
    const controlPlanes = this.spec.nodes.filter(({ role }) => role === 'controlPlane');
    await Promise.all(controlPlanes.map(({ name }) => this.placeStaticPods(name, this.#version)));
  }

  #launch(name: string, program: controlPlane.Program): void {
    this.programs.start(name, program.file, program.args, program.env);
  }

  /** Waits, but not for a program that has died meanwhile: its last words are the message then. */
  async #until(what: string, ask: () => Promise<unknown>): Promise<void> {
    const running = PROGRAMS.filter((name) => this.programs.isRunning(name));
    await eventually(`${what} of ${this.name} (logs: ${join(this.dir, 'logs')})`, async () => {
      const dead = running.find((name) => !this.programs.isRunning(name));
      if (dead)
        throw new GivenUp(`${dead} of ${this.name} ended while waiting for ${what}:\n${this.programs.tail(dead)}`);
      return (await ask()) ? true : false;
    });
  }
}
