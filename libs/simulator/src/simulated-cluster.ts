import type { Order } from '@wavegate/fleet';
import type { AgentClock } from '@wavegate/runtime/agent';
import type { Step, StepKind } from '@wavegate/upgrade';
import { API_DOWN_FROM, DURATIONS_MS } from './cluster-spec.js';
import type { ClusterSpec, FaultPlan } from './cluster-spec.js';
import { firstState } from './cluster-state.js';
import type { ClusterState, Effect, JobState, NodeState, PodState, Transition } from './cluster-state.js';
import { SeededRandom } from './seeded-random.js';

/** The API server does not answer: not a failure of any step, only no answer now. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
}

/** A step that is a program on a node. */
export type JobStep = Extract<Step, { node: string }> & { kind: 'snapshotEtcd' | StepKind };

export interface ClusterHooks {
  /** A real effect happened (after it is in the state). */
  readonly onEffect?: (effect: Effect) => void;
  /** The state changed: keep it, for an agent that is killed and comes back. */
  readonly persist?: (text: string) => void;
}

/**
 * A cluster that behaves, in slow motion or fast: its nodes, kubelets, static pods, pods and etcd move by themselves
 * along `transitions`, as far as the clock has come. Programs on nodes (Jobs) run on when the agent dies; evictions
 * are the agent's own and stop with it. All draws come from the seed and the name of the act, so that a restarted
 * process finds the same cluster.
 */
export class SimulatedCluster {
  private current: ClusterState;
  private readonly changeActs = new Set<() => void>();
  private readonly random: SeededRandom;

  constructor(
    readonly spec: ClusterSpec,
    readonly clock: Pick<AgentClock, 'now' | 'sleep'>,
    private readonly hooks: ClusterHooks = {},
    kept?: string,
  ) {
    this.random = new SeededRandom(`${spec.seed}/${spec.name}`);
    this.current = kept === undefined ? firstState(spec, clock.now()) : SimulatedCluster.parse(kept);
    for (const transition of this.current.transitions) this.lookAgainAt(transition.at);
  }

  private static parse(text: string): ClusterState {
    const state = JSON.parse(text) as ClusterState;
    if (state.schema !== 1) throw new TypeError(`simulated cluster: schema ${String(state.schema)} is not known`);
    return state;
  }

  /** The whole state as text; `restore` or the constructor takes it back. */
  snapshot(): string {
    return JSON.stringify(this.current);
  }

  restore(text: string): void {
    this.current = SimulatedCluster.parse(text);
    this.changed();
  }

  /** The state as of now. Read it; the verbs below change it. */
  get state(): Readonly<ClusterState> {
    this.advance();
    return this.current;
  }

  get reachable(): boolean {
    return this.state.apiDown.every(({ until }) => until !== null);
  }

  onChange(act: () => void): () => void {
    this.changeActs.add(act);
    return () => this.changeActs.delete(act);
  }

  /** Faults beyond the spec's, from now on; they are kept with the state. */
  inflict(faults: FaultPlan): void {
    this.current.faults = { ...this.current.faults, ...faults };
    this.changed();
  }

  /** When the next thing happens by itself, epoch ms; null when nothing is under way. */
  nextAt(): number | null {
    return this.state.transitions[0]?.at ?? null;
  }

  /** How long an act takes here, in real milliseconds of this cluster's clock. */
  duration(kind: keyof typeof DURATIONS_MS, of: string): number {
    const factor = 0.7 + 0.6 * this.random.split(`duration/${kind}/${of}`).next();
    return Math.max(1, Math.round((DURATIONS_MS[kind] * factor) / this.spec.speed));
  }

  node(name: string): NodeState {
    const found = this.state.nodes.find((node) => node.name === name);
    if (!found) throw new RangeError(`${this.spec.name} has no node ${name}`);
    return found;
  }

  /** Marks the node as closed by this order. Adopts a cordon of ours; leaves somebody else's its own. */
  cordon(order: Order, step: Step, name: string): void {
    this.mustAnswer();
    const node = this.node(name);
    if (node.cordoned && (node.cordonedBy === null || node.cordonedBy === order.id)) return;
    const already = node.cordoned;
    node.cordoned = true;
    node.cordonedBy = order.id;
    if (!already) this.record(order, step.name, { node: name, effect: 'cordon', detail: '' });
    this.changed();
  }

  /** Opens the node again, if the cordon is ours. */
  uncordon(order: Order, step: string, name: string): void {
    this.mustAnswer();
    const node = this.node(name);
    if (!node.cordoned || node.cordonedBy === null) return;
    node.cordoned = false;
    node.cordonedBy = null;
    this.record(order, step, { node: name, effect: 'uncordon', detail: '' });
    this.changed();
  }

  /** The PDB that refuses this eviction right now, and since when; null when it is allowed. */
  refusal(node: string, pod: PodState): { readonly pdb: string; readonly since: number } | null {
    const fault = this.current.faults.drainBlocked;
    if (!fault || pod.pdb === null || !this.applies(fault.node, node, 'drainBlocked')) return null;
    this.current.blockedSince[node] ??= this.clock.now();
    const since = this.current.blockedSince[node] ?? 0;
    const over = fault.forMs !== null && this.clock.now() - since >= fault.forMs / this.spec.speed;
    return over ? null : { pdb: pod.pdb, since };
  }

  /** Evicts one pod; it comes back on an open node. Throws where its PDB allows none: the caller must have asked. */
  evict(order: Order, step: Step, from: string, pod: PodState): void {
    this.mustAnswer();
    if (this.refusal(from, pod)) throw new Error(`${pod.namespace}/${pod.name}: its PDB allows no disruption`);
    const node = this.node(from);
    if (!node.pods.includes(pod)) return;
    node.pods = node.pods.filter((other) => other !== pod);
    const open = this.state.nodes.filter(({ role, cordoned, ready }) => role === 'worker' && !cordoned && ready);
    const home = open[this.random.split(`home/${pod.name}/${order.id}`).int(0, Math.max(0, open.length - 1))];
    // Without an open node it stays pending; the next node that opens takes it (`takePending`).
    if (home) home.pods.push(pod);
    this.record(order, step.name, { node: from, effect: 'evict', detail: `${pod.namespace}/${pod.name}` });
    this.changed();
  }

  /** When the drain of this step began: a restarted agent does not get a new time limit. */
  drainSince(key: string): number {
    return (this.current.drains[key] ??= this.clock.now());
  }

  /** Starts the step's program on its node, or finds the one that was started under this name. */
  job(order: Order, step: JobStep): JobState {
    const key = `${order.id}/${step.name}`;
    const found = this.state.jobs[key];
    if (found) return found;
    this.mustAnswer();
    return this.startJob(order, step, key);
  }

  private startJob(order: Order, step: JobStep, key: string): JobState {
    const now = this.clock.now();
    const kind = step.kind as keyof typeof DURATIONS_MS;
    const job: JobState = {
      key,
      orderId: order.id,
      kind: step.kind,
      node: step.node,
      from: 'from' in step ? step.from : '',
      to: 'to' in step ? step.to : '',
      startedAt: now,
      endsAt: now + this.duration(kind, key),
      result: this.resultOf(step),
      ended: false,
    };
    this.current.jobs[key] = job;
    this.expect({ at: job.endsAt, kind: 'jobEnds', of: key });
    if (step.kind === 'upgradeControlPlane' && this.spec.controlPlanes === 1) {
      this.expect({ at: now + Math.round((job.endsAt - now) * API_DOWN_FROM), kind: 'apiDown', of: step.node });
    }
    this.record(order, step.name, { node: step.node, effect: 'jobStarted', detail: `${job.kind} ${job.to}`.trim() });
    this.changed();
    return job;
  }

  /** Whether, and how, the faults strike this program. */
  private resultOf(step: JobStep): JobState['result'] {
    const { failAt, kubeadmReverts, exitsZeroUnchanged } = this.current.faults;
    if (failAt?.step === step.kind && this.strikes('failAt', failAt, step.node)) return 'fails';
    if (step.kind === 'upgradeControlPlane' && kubeadmReverts && this.strikes('reverts', kubeadmReverts, step.node)) {
      return 'reverts';
    }
    const lies = step.kind === 'upgradeKubelet' && exitsZeroUnchanged;
    return lies && this.strikes('exitsZero', lies, step.node) ? 'exitsZeroUnchanged' : 'succeeds';
  }

  /** True, and counted, while this fault has strikes left for this node. */
  strikes(name: string, fault: { readonly node?: string; readonly times: number }, node: string): boolean {
    if (!this.applies(fault.node, node, name) || (this.current.strikes[name] ?? 0) >= fault.times) return false;
    this.current.strikes[name] = (this.current.strikes[name] ?? 0) + 1;
    return true;
  }

  /** A fault without a node binds itself to the first one that it meets. */
  private applies(wanted: string | undefined, node: string, fault: string): boolean {
    if (wanted !== undefined) return wanted === node;
    const bound = `bound/${fault}/${node}`;
    const taken = Object.keys(this.current.strikes).find((key) => key.startsWith(`bound/${fault}/`));
    if (taken === undefined) this.current.strikes[bound] = 1;
    return taken === undefined || taken === bound;
  }

  // --- what happens by itself ---

  private advance(): void {
    const now = this.clock.now();
    for (;;) {
      const next = this.current.transitions[0];
      if (next === undefined || next.at > now) return;
      this.current.transitions.shift();
      this.come(next);
      this.changed();
    }
  }

  private come(transition: Transition): void {
    switch (transition.kind) {
      case 'jobEnds':
        return this.endJob(transition);
      case 'nodeReady':
        return this.becomeReady(transition);
      case 'staticPodsRestart':
        return this.restartStaticPods(transition);
      case 'apiDown':
        this.current.apiDown.push({ from: transition.at, until: null });
        this.current.reachableSince = transition.at;
        return;
      case 'apiUp': {
        const down = this.current.apiDown.at(-1);
        if (down) down.until = transition.at;
        this.current.reachableSince = transition.at;
      }
    }
  }

  private endJob({ at, of: key }: Transition): void {
    const job = this.current.jobs[key];
    if (!job || job.ended) return;
    job.ended = true;
    this.current.etcdRevision += 100;
    const effect = { node: job.node, effect: 'jobEnded', detail: `${job.kind} ${job.to} ${job.result}` } as const;
    this.recordAt(at, { id: job.orderId, epoch: 0 }, key.slice(job.orderId.length + 1), effect);
    if (this.current.apiDown.some(({ until }) => until === null)) this.come({ at, kind: 'apiUp', of: job.node });
    if (job.result !== 'succeeds') return;
    const node = this.current.nodes.find(({ name }) => name === job.node);
    if (node) this.change(node, job, at);
  }

  private change(node: NodeState, job: JobState, at: number): void {
    if (job.kind === 'upgradeControlPlane') {
      for (const [component, pod] of Object.entries(node.staticPods)) {
        if (component !== 'etcd') Object.assign(pod, { version: job.to, ready: true, since: at });
      }
    }
    const movesKubelet = ['upgradeControlPlane', 'upgradeKubelet', 'rollbackKubelet'].includes(job.kind);
    if (!movesKubelet) return;
    node.kubelet = job.to;
    node.ready = false;
    node.readySince = at;
    this.expect({ at: at + this.duration('nodeReady', job.key), kind: 'nodeReady', of: node.name });
    this.weighBurn(at, job.to);
  }

  private becomeReady({ at, of: name }: Transition): void {
    const node = this.current.nodes.find((candidate) => candidate.name === name);
    if (!node) return;
    node.ready = true;
    node.readySince = at;
    if (node.role === 'controlPlane') {
      this.expect({ at: at + this.duration('staticPodsRestart', name), kind: 'staticPodsRestart', of: name });
    }
  }

  private restartStaticPods({ at, of: name }: Transition): void {
    const node = this.current.nodes.find((candidate) => candidate.name === name);
    for (const pod of Object.values(node?.staticPods ?? {})) Object.assign(pod, { ready: true, since: at });
  }

  /** Starts or ends the harm that the new version does, by which nodes run it now. */
  private weighBurn(at: number, moved: string): void {
    const trigger = this.current.faults.sloBurnsAfter;
    if (!trigger) return;
    const open = this.current.burns.find(({ until }) => until === null);
    const burns = this.burnsWith(trigger);
    if (burns && !open && moved !== this.spec.version) this.current.burns.push({ from: at, until: null });
    if (!burns && open) open.until = at;
  }

  private burnsWith(trigger: NonNullable<ClusterSpec['faults']['sloBurnsAfter']>): boolean {
    const changed = (role: NodeState['role']): number =>
      this.current.nodes.filter((node) => node.role === role && node.kubelet !== this.spec.version).length;
    if (trigger === 'controlPlane') return changed('controlPlane') > 0;
    return changed('worker') >= (trigger === 'nodeCanary' ? 1 : Math.min(2, this.spec.workers));
  }

  // --- keeping the books ---

  private expect(transition: Transition): void {
    this.current.transitions.push(transition);
    this.current.transitions.sort((a, b) => a.at - b.at);
    this.lookAgainAt(transition.at);
  }

  /** Somebody may wait for what comes by itself (`onChange`), so the cluster looks when it is due. */
  private lookAgainAt(at: number): void {
    void this.clock.sleep(Math.max(0, at - this.clock.now())).then(() => this.advance());
  }

  private record(order: Order, step: string, what: Pick<Effect, 'node' | 'effect' | 'detail'>): void {
    this.recordAt(this.clock.now(), order, step, what);
  }

  private recordAt(
    at: number,
    order: Pick<Order, 'id' | 'epoch'>,
    step: string,
    what: Pick<Effect, 'node' | 'effect' | 'detail'>,
  ): void {
    const effect: Effect = { at, orderId: order.id, epoch: order.epoch, step, ...what };
    this.current.effects.push(effect);
    this.hooks.onEffect?.(effect);
  }

  private mustAnswer(): void {
    if (!this.reachable) throw new ApiUnreachable(`the API server of ${this.spec.name} does not answer`);
  }

  private changed(): void {
    this.current.revision += 1;
    this.takePending();
    this.hooks.persist?.(this.snapshot());
    for (const act of [...this.changeActs]) act();
  }

  /** Pods are never lost: as many as the cluster was made with live on open nodes or wait for one. */
  private takePending(): void {
    const nodes = this.current.nodes.filter(({ role }) => role === 'worker');
    const here = new Set(nodes.flatMap(({ pods }) => pods.map(({ name }) => name)));
    if (here.size >= this.spec.workers * this.spec.podsPerWorker) return;
    const open = nodes.filter(({ cordoned, ready }) => !cordoned && ready);
    const home = open[0];
    if (!home) return;
    const all = firstState(this.spec, 0).nodes.flatMap(({ pods }) => pods);
    home.pods.push(...all.filter(({ name }) => !here.has(name)));
  }
}
