import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildPrograms } from '../../kube/world/child-programs.js';
import { eventually } from '../../kube/world/eventually.js';
import { HubProcess, builtProgram } from '../../kube/world/hub-process.js';
import type { JoinToken } from '../../kube/world/hub-process.js';
import { makeRunFolder, removeRunFolder } from '../../kube/world/run-folder.js';
import type { SeenCluster, SeenRollout } from '../../kube/world/fleet-world.js';
import { repositoryRoot } from './lab-places.js';
import { say } from './lab-log.js';
import type { Lab } from './start-lab.js';

const MOST_ASKS = 5;

/** As scripts/images.mjs names them, and as an agent of that release asks for them by itself. */
const imageOf = (name: 'agent' | 'node'): string => {
  const { version } = JSON.parse(readFileSync(join(repositoryRoot(), 'package.json'), 'utf8')) as { version: string };
  return `registry.example/wavegate/${name}:${version}`;
};

/** The agent of one lab: a process of this machine with the rights of the shipped manifests. */
export class LabAgent {
  readonly #programs: ChildPrograms;
  #starts = 0;

  constructor(
    readonly lab: Lab,
    private readonly hub: HubProcess,
    private readonly how: { readonly dir: string; readonly kubeconfig: string; readonly join: JoinToken },
  ) {
    this.#programs = new ChildPrograms(how.dir);
  }

  get running(): boolean {
    return this.#programs.isRunning(`agent-${this.#starts}`);
  }

  start(): void {
    this.#starts += 1;
    this.#programs.start(`agent-${this.#starts}`, builtProgram('agent'), ['run'], {
      NODE_OPTIONS: '',
      WAVEGATE_HUB_GATEWAY: this.hub.gateway,
      WAVEGATE_HUB_ENROLMENT: this.hub.enrolment,
      WAVEGATE_JOIN: this.how.join.token,
      WAVEGATE_CA_SHA256: this.how.join.caSha256,
      WAVEGATE_KUBECONFIG: this.how.kubeconfig,
      WAVEGATE_NODE_IMAGE: imageOf('node'),
      WAVEGATE_AGENT_IMAGE: imageOf('agent'),
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#programs.stop(`agent-${this.#starts}`, 0);
  }

  async stop(): Promise<void> {
    await this.#programs.stop(`agent-${this.#starts}`, 25_000);
    await this.#programs.stopAll();
  }

  tail(lines: number): string {
    return this.#programs.tail(`agent-${this.#starts}`, lines);
  }
}

/** A real hub and the real agents of some labs. */
export class LabFleet {
  readonly #told = new Map<string, string>();

  private constructor(
    readonly dir: string,
    readonly hub: HubProcess,
    readonly agents: ReadonlyMap<string, LabAgent>,
  ) {}

  /** Loads our images into the labs' nodes, lays our manifests, joins each agent with a token of its own. */
  static async start(labs: readonly Lab[]): Promise<LabFleet> {
    const dir = makeRunFolder();
    const images = ourImages(dir);
    const hub = await HubProcess.start(dir);
    const agents = new Map<string, LabAgent>();
    const fleet = new LabFleet(dir, hub, agents);
    try {
      for (const lab of labs) agents.set(lab.name, await joined(lab, hub, join(dir, lab.name), images));
      await eventually(`${labs.length} agents to be connected`, async () => {
        const { items } = await hub.call<{ items: { agent: { connected: boolean } }[] }>('GET', '/clusters');
        return items.filter(({ agent }) => agent.connected).length === labs.length;
      });
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  agent(name: string): LabAgent {
    const found = this.agents.get(name);
    if (!found) throw new Error(`there is no agent of ${name}`);
    return found;
  }

  async rollOut(name: string, target: unknown, changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
    await this.hub.call('POST', '/plans', labPlan(name, target, changes));
    return (await this.hub.call<SeenRollout>('POST', '/rollouts', { plan: name })).id;
  }

  /**
   * Asks for a rollout and waits until it `came` to where the case needs it. Five nodes on one loaded machine may not stand
   * the preflight at once (a member of etcd that answers late): nothing was touched then, and it is asked again, as a
   * person would.
   */
  async untilTaken(
    cluster: string,
    ask: (time: number) => Promise<string>,
    came: (id: string) => Promise<unknown>,
  ): Promise<string> {
    for (let time = 1; ; time += 1) {
      const id = await ask(time);
      await came(id);
      const { outcome } = await this.seen(id, cluster);
      if (outcome?.kind !== 'skipped' || time === MOST_ASKS) return id;
      // Where nothing was left to ask a person, it is over already.
      const { state } = await this.hub.call<SeenRollout>('GET', `/rollouts/${id}`);
      if (state !== 'finished') await this.abort(id);
      say(`asked for the ${time}. time, refused: ${outcome.text}`);
    }
  }

  /** Gives the clusters of a rollout that did not come to its end free for the next one. */
  async abort(id: string): Promise<void> {
    await this.hub.call('POST', `/rollouts/${id}/abort`, {});
  }

  async clusters(id: string): Promise<readonly SeenCluster[]> {
    return (await this.hub.call<{ items: SeenCluster[] }>('GET', `/rollouts/${id}/clusters`)).items;
  }

  async seen(id: string, name: string): Promise<SeenCluster> {
    const found = (await this.clusters(id)).find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not in rollout ${id}`);
    return found;
  }

  /** Waits while the rollout works. */
  async untilEnded(id: string, withinMs: number): Promise<SeenRollout> {
    return eventually(
      `rollout ${id} to end`,
      async () => {
        await this.#look(id);
        const seen = await this.hub.call<SeenRollout>('GET', `/rollouts/${id}`);
        return seen.state !== 'running' && seen;
      },
      { withinMs, everyMs: 1_000 },
    );
  }

  /** Waits until what is seen of a cluster is what the case needs. */
  async untilSeen<T>(
    { id, name }: { readonly id: string; readonly name: string },
    holds: (seen: SeenCluster) => T | false | null,
    { withinMs = 900_000, everyMs = 1_000 } = {},
  ): Promise<T> {
    const ask = async (): Promise<T | false | null> => {
      const seen = (await this.#look(id)).find((one) => one.name === name);
      return seen ? holds(seen) : null;
    };
    return eventually(`${name} to come to that point`, ask, { withinMs, everyMs });
  }

  /** Looks often: some points pass within a second. */
  untilProgress(id: string, name: string, holds: (text: string) => boolean, withinMs = 900_000): Promise<string> {
    const point = ({ progress }: SeenCluster): string | false => {
      const text = progress ? `${progress.phase}: ${progress.reason.code} ${progress.reason.text}` : '';
      return holds(text) && text;
    };
    return this.untilSeen({ id, name }, point, { withinMs, everyMs: 200 });
  }

  /** The clusters of a rollout; each new line of progress is said. */
  async #look(id: string): Promise<readonly SeenCluster[]> {
    const clusters = await this.clusters(id);
    for (const { name, phase, reason, progress } of clusters) {
      const line = `${name}: ${phase}, ${progress ? `${progress.phase}: ${progress.reason.text}` : reason.text}`;
      if (this.#told.get(name) !== line) say(line);
      this.#told.set(name, line);
    }
    return clusters;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.agents.values()].map((agent) => agent.stop()));
    await this.hub.stop();
    removeRunFolder(this.dir);
  }
}

/** The project's own images, made by its scripts without a registry, from what `make build` left. */
function ourImages(dir: string): readonly string[] {
  const script = join(repositoryRoot(), 'scripts', 'images.mjs');
  execFileSync(process.execPath, [script, 'agent', 'node', `--out=${dir}`], { stdio: 'pipe' });
  return ['agent', 'node'].map((name) => join(dir, `${name}.tar`));
}

async function joined(lab: Lab, hub: HubProcess, dir: string, images: readonly string[]): Promise<LabAgent> {
  mkdirSync(dir, { recursive: true });
  for (const image of images) await lab.loadImage(image);
  const kubeconfig = await agentKubeconfig(lab, dir);
  const agent = new LabAgent(lab, hub, { dir, kubeconfig, join: await hub.joinToken(lab.name) });
  agent.start();
  return agent;
}

/** Where the rights of a full agent lie as plain manifests. */
const RIGHTS = join('deploy', 'charts', 'agent', 'rights', 'rbac.yaml');

/** Logs in as the agent's ServiceAccount, with exactly the rights that are shipped. */
async function agentKubeconfig(lab: Lab, dir: string): Promise<string> {
  await lab.kubectl(['apply', '-f', join(repositoryRoot(), RIGHTS)]);
  const ask = ['create', 'token', 'wavegate-agent', '-n', 'wavegate', '--duration', '24h'];
  const token = await eventually('a token of the ServiceAccount', () => lab.kubectl(ask));
  const admin = readFileSync(lab.kubeconfig, 'utf8');
  const of = (field: string): string => new RegExp(`${field}: (\\S+)`).exec(admin)?.[1] ?? '';
  const cluster = { server: of('server'), 'certificate-authority-data': of('certificate-authority-data') };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'agent',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'agent', user: { token: token.trim() } }],
    contexts: [{ name: 'agent', context: { cluster: 'c', user: 'agent' } }],
  };
  const file = join(dir, 'kubeconfig');
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

/** Quick where waiting shows nothing; everything else as the defaults have it. */
function labPlan(name: string, target: unknown, changes: Readonly<Record<string, unknown>>): unknown {
  return {
    apiVersion: 'wavegate.dev/v1',
    kind: 'UpgradePlan',
    metadata: { name },
    spec: {
      target,
      strategy: { waves: ['100%'] },
      gates: { soak: { default: '1s' } },
      verdict: { window: '2m', period: '1s', minSoak: '10s' },
      upgrade: { ignorePreflightErrors: ['SystemVerification'] },
      ...changes,
    },
  };
}
