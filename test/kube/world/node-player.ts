import { eventually, pause } from './eventually.js';
import type { KubeObject } from './kube-api.js';
import { JOB_LABELS, NODE_JOB_NAMESPACE, NODE_STEPS } from './node-job-contract.js';
import type { NodeJobEnv, NodeStep, TerminationMessage } from './node-job-contract.js';
import { ETCD_VERSION } from './obtained-programs.js';
import { playProgram, type ProgramPod } from './played-program.js';
import type { RealCluster } from './real-cluster.js';
import { kubeletVersion } from './simulated-nodes.js';
import type { NodeObject } from './simulated-nodes.js';
import { createUnlessThere } from './workload.js';

type PodObject = KubeObject<ProgramPod['spec'] & { readonly nodeName?: string }, { readonly phase?: string }>;

/** One effect on a node, as it happened: specs count these to prove "exactly once". */
export interface PlayedStep {
  readonly order: string;
  readonly node: string;
  readonly step: NodeStep;
  readonly target: string;
  readonly podUid: string;
  /** Whether the node was cordoned when the step began. */
  readonly cordoned: boolean;
  readonly message: TerminationMessage;
}

interface Job {
  readonly pod: PodObject;
  readonly node: string;
  readonly env: Partial<NodeJobEnv>;
  readonly step: NodeStep;
}

/**
 * Plays the node's side of the agent's node Jobs: what kubelet and kubeadm would do on the host. The control plane and
 * etcd are real, so `controlPlane` really restarts them at the target version; Jobs of backups run the real, built agent
 * with the Job's own words; the kubelets are simulated, so theirs is a change of what the node reports.
 */
export class NodePlayer {
  readonly #cluster: RealCluster;
  readonly #stepMs: number;
  readonly #begun = new Set<string>();
  readonly #played: PlayedStep[] = [];
  readonly #failures = new Map<string, { readonly message: string; readonly left: number }>();
  readonly #hangs = new Map<string, Promise<void>>();
  readonly #work = new Set<Promise<void>>();
  #stopped = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(cluster: RealCluster, { stepMs = 1_000 } = {}) {
    this.#cluster = cluster;
    this.#stepMs = stepMs;
  }

  get played(): readonly PlayedStep[] {
    return this.#played;
  }

  /** The next such steps on that node, so many, change nothing and end with this message and exit code 1. */
  failNext(step: NodeStep, node: string, message: string, times = 1): void {
    this.#failures.set(`${step}/${node}`, { message, left: times });
  }

  /** The next such step on that node begins and does not end until the returned function is called. */
  hangNext(step: NodeStep, node: string): () => void {
    let release = (): void => undefined;
    this.#hangs.set(`${step}/${node}`, new Promise((done) => (release = done)));
    return release;
  }

  /** The same on each of these nodes, all let go at once: what is under way stays so until a test has looked at it. */
  holdNext(step: NodeStep, nodes: readonly string[]): () => void {
    const releases = nodes.map((node) => this.hangNext(step, node));
    return () => releases.forEach((release) => release());
  }

  async start(): Promise<void> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NODE_JOB_NAMESPACE } };
    await createUnlessThere(() => this.#cluster.api.create('/api/v1/namespaces', namespace));
    this.#loop = this.#watch();
  }

  /** Lets running steps end (hanging ones are left behind). */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    if (this.#hangs.size === 0) await Promise.all(this.#work);
  }

  /** Polls: a watch would have to be made anew at every restart of the API server, which is what this world is for. */
  async #watch(): Promise<void> {
    const path = `/api/v1/namespaces/${NODE_JOB_NAMESPACE}/pods?labelSelector=${encodeURIComponent(JOB_LABELS.step)}`;
    while (!this.#stopped) {
      const pods = await this.#cluster.api.list<PodObject>(path).catch(() => []);
      for (const pod of pods) this.#begin(pod);
      await pause(250);
    }
  }

  #begin(pod: PodObject): void {
    const uid = pod.metadata.uid ?? '';
    // Running is kwok's word for "the kubelet has started it"; a pod under deletion is not begun any more.
    if (pod.status.phase !== 'Running' || pod.metadata.deletionTimestamp || this.#begun.has(uid)) return;
    this.#begun.add(uid);
    const work = this.#play(pod).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  async #play(pod: PodObject): Promise<void> {
    const env: Partial<NodeJobEnv> = Object.fromEntries(
      pod.spec.containers[0]?.env?.map(({ name, value }) => [name, value]) ?? [],
    );
    const node = pod.spec.nodeName ?? '';
    const step = (env.WG_STEP ?? pod.metadata.labels?.[JOB_LABELS.step]) as NodeStep;
    const order = pod.metadata.labels?.[JOB_LABELS.order] ?? '';
    const cordoned = await this.#isCordoned(node);
    const message = await this.#carryOut({ pod, node, env, step }).catch((error: Error) => ({
      ok: false as const,
      error: error.message,
    }));
    this.#played.push({
      order,
      node,
      step,
      target: env.WG_TARGET ?? '',
      podUid: pod.metadata.uid ?? '',
      cordoned,
      message,
    });
    await this.#report(pod, message);
  }

  async #carryOut(job: Job): Promise<TerminationMessage> {
    const key = `${job.step}/${job.node}`;
    const asked = job.pod.metadata.labels?.[JOB_LABELS.node];
    // An export is for no node in particular.
    if (asked !== undefined && asked !== job.node)
      throw new Error(`this pod is for node ${asked}, but it runs on ${job.node}`);
    await pause(this.#stepMs);
    const hang = this.#hangs.get(key);
    if (hang) {
      await hang;
      this.#hangs.delete(key);
    }
    const failure = this.#failures.get(key);
    if (failure !== undefined) {
      if (failure.left > 1) this.#failures.set(key, { ...failure, left: failure.left - 1 });
      else this.#failures.delete(key);
      throw new Error(failure.message);
    }
    return this.#act(job);
  }

  #act(job: Job): Promise<TerminationMessage> {
    switch (job.step) {
      case 'etcdSnapshot':
      case 'etcdLook':
        return this.#asProgram(job);
      case 'exportManifests':
        return playProgram(this.#cluster, job.pod, '');
      case 'controlPlane':
        return this.#upgradeControlPlane(job);
      case 'kubelet':
      case 'kubeletRollback':
        return this.#setKubelet(job);
      case 'inspect':
        return this.#inspect(job);
      default:
        throw new Error(`WG_STEP ${String(job.step)} is none of ${NODE_STEPS.join(', ')}`);
    }
  }

  async #asProgram({ node, pod }: Job): Promise<TerminationMessage> {
    await this.#mustBeControlPlane(node);
    return playProgram(this.#cluster, pod, node);
  }

  /**
   * All control-plane nodes share the one real API server: earlier ones change only their static pods, the last one
   * also the server. As with kubeadm, going over a minor is refused.
   */
  async #upgradeControlPlane({ node, env }: Job): Promise<TerminationMessage> {
    const target = required(env, 'WG_TARGET');
    const others = (await this.#mustBeControlPlane(node)).filter((name) => name !== node);
    const running = await this.#cluster.apiServerVersion();
    if (minor(target) - minor(running) > 1) throw new Error(`kubeadm: ${running} → ${target} skips a minor`);
    const versions = await Promise.all(others.map(async (name) => (await this.#staticPods(name))['kube-apiserver']));
    if (versions.every((version) => version === target)) await this.#cluster.upgradeControlPlane(target);
    await this.#cluster.placeStaticPods(node, target);
    return { ok: true, version: target };
  }

  /** A kubelet newer than the API server would not come back: here it does not, which an agent must never see. */
  async #setKubelet({ node, env }: Job): Promise<TerminationMessage> {
    const target = required(env, 'WG_TARGET');
    const server = await this.#cluster.apiServerVersion();
    if (minor(target) > minor(server)) throw new Error(`kubelet ${target} is newer than the API server ${server}`);
    await this.#cluster.setKubelet(node, target);
    return { ok: true, version: target };
  }

  async #inspect({ node }: Job): Promise<TerminationMessage> {
    const kubelet = await kubeletVersion(this.#cluster.api, node);
    return { ok: true, kubelet, staticPods: await this.#staticPods(node) };
  }

  /** Versions by component, from the images of the node's static pods; empty on a worker. */
  async #staticPods(node: string): Promise<Readonly<Record<string, string>>> {
    const query = `labelSelector=tier%3Dcontrol-plane&fieldSelector=spec.nodeName%3D${node}`;
    const pods = await this.#cluster.api.list<PodObject>(`/api/v1/namespaces/kube-system/pods?${query}`);
    const pairs = pods.map(({ metadata, spec }) => {
      const tag = spec.containers[0]?.image.split(':').at(-1) ?? '';
      return [metadata.labels?.['component'] ?? '', tag.replace(/^v|-\d+$/g, '')] as const;
    });
    return Object.fromEntries(pairs);
  }

  async #mustBeControlPlane(node: string): Promise<readonly string[]> {
    const names = this.#cluster.spec.nodes.filter(({ role }) => role === 'controlPlane').map(({ name }) => name);
    if (!names.includes(node))
      throw new Error(`${node} is no control-plane node: it has no etcd ${ETCD_VERSION} and no API server`);
    return names;
  }

  async #isCordoned(node: string): Promise<boolean> {
    const ask = () => this.#cluster.api.get<NodeObject>(`/api/v1/nodes/${node}`);
    const found = await eventually(`node ${node}`, ask, { withinMs: 180_000, everyMs: 250 });
    return found.spec.unschedulable ?? false;
  }

  /** As a kubelet does: the outcome is kept and reported as soon as an API server takes it. */
  async #report(pod: PodObject, message: TerminationMessage): Promise<void> {
    const { name, namespace } = pod.metadata;
    const at = new Date().toISOString();
    const end = {
      exitCode: message.ok ? 0 : 1,
      reason: message.ok ? 'Completed' : 'Error',
      message: JSON.stringify(message),
    };
    const containers = pod.spec.containers.map((container) => ({
      name: container.name,
      image: container.image,
      imageID: container.image,
      ready: false,
      restartCount: 0,
      state: { terminated: { ...end, startedAt: at, finishedAt: at } },
    }));
    const status = { phase: message.ok ? 'Succeeded' : 'Failed', containerStatuses: containers };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    const send = async () => {
      const { code } = await this.#cluster.api.ask('PATCH', path, { status }, 'application/merge-patch+json');
      return code < 400 || code === 404; // 404: the Job was removed meanwhile, nobody waits for the outcome
    };
    await eventually(`the outcome of ${name} to be reported`, send, { withinMs: 180_000, everyMs: 250 });
  }
}

function required(env: Partial<NodeJobEnv>, name: keyof NodeJobEnv): string {
  const value = env[name];
  if (!value) throw new Error(`${name} is missing in the Job's environment`);
  return value;
}

const minor = (version: string): number => Number(version.split('.')[1]);
