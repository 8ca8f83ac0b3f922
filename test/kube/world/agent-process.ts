import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChildPrograms } from './child-programs.js';
import { eventually } from './eventually.js';
import { builtProgram, type HubProcess, type JoinToken } from './hub-process.js';
import type { RealCluster } from './real-cluster.js';

const RBAC = join(import.meta.dirname, '..', '..', '..', 'deploy', 'agent', 'rbac.yaml');

/** The agent's name in the audit log: the ServiceAccount of deploy/agent/rbac.yaml, with exactly its rights. */
export const AGENT_USER = 'system:serviceaccount:wavegate:wavegate-agent';

/** One line of the agent's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The real agent of one cluster, as a process of its own, with the rights that the shipped manifests give it. */
export class AgentProcess {
  private readonly programs: ChildPrograms;
  private starts = 0;

  private constructor(
    readonly cluster: RealCluster,
    private readonly hub: HubProcess,
    private readonly how: {
      readonly kubeconfig: string;
      readonly join: JoinToken;
      readonly name: string;
      readonly env?: NodeJS.ProcessEnv;
    },
  ) {
    this.programs = new ChildPrograms(join(cluster.dir, how.name));
  }

  /** Applies the manifests and starts the agent with a fresh join token. */
  static async start(
    cluster: RealCluster,
    hub: HubProcess,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<AgentProcess> {
    const kubeconfig = await agentKubeconfig(cluster);
    const join = await hub.joinToken(cluster.name, labels);
    const agent = new AgentProcess(cluster, hub, { kubeconfig, join, name: 'agent' });
    agent.start();
    return agent;
  }

  /** The same identity and the same rights, a second process; with settings of its own. */
  twin(name = 'twin', env: NodeJS.ProcessEnv = {}): AgentProcess {
    return new AgentProcess(this.cluster, this.hub, { ...this.how, name, env });
  }

  get running(): boolean {
    return this.programs.isRunning(this.name);
  }

  /** Of the newest start; null while it runs, or after a signal. */
  get exitCode(): number | null {
    return this.programs.exitCode(this.name);
  }

  get pid(): number | undefined {
    return this.programs.pid(this.name);
  }

  start(): void {
    this.starts += 1;
    this.programs.start(this.name, builtProgram('agent'), ['run'], {
      NODE_OPTIONS: '',
      WAVEGATE_HUB_GATEWAY: this.hub.gateway,
      WAVEGATE_HUB_ENROLMENT: this.hub.enrolment,
      WAVEGATE_JOIN: this.how.join.token,
      WAVEGATE_CA_SHA256: this.how.join.caSha256,
      WAVEGATE_KUBECONFIG: this.how.kubeconfig,
      // The kubelets are played: they restart no static pods after they said Ready.
      WAVEGATE_SETTLE_MS: '2000',
      ...this.how.env,
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.programs.stop(this.name, 0);
  }

  /** SIGTERM: it leaves at a safe point. */
  async stop(): Promise<void> {
    await this.programs.stop(this.name, 60_000);
    await this.programs.stopAll();
  }

  /** Resident memory in MiB. */
  get rssMb(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }

  /** The lines it logged, over all its starts; a line cut short by a kill is left out. */
  get log(): readonly LogLine[] {
    return Array.from({ length: this.starts }, (_, index) => this.programs.logFile(`${this.how.name}-${index + 1}`))
      .flatMap((file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []))
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return [];
        }
      });
  }

  private get name(): string {
    return `${this.how.name}-${this.starts}`;
  }
}

/** Logs in as the agent with exactly the rights of deploy/agent/rbac.yaml. */
export async function agentKubeconfig(cluster: RealCluster): Promise<string> {
  const applied = await cluster.kubectl('apply', '-f', RBAC);
  if (applied.code !== 0) throw new Error(`deploy/agent/rbac.yaml was refused: ${applied.stderr}`);
  const ask = ['create', 'token', 'wavegate-agent', '-n', 'wavegate', '--duration', '24h'] as const;
  const token = await eventually('a token of the ServiceAccount', async () => {
    const { code, stdout } = await cluster.kubectl(...ask);
    return code === 0 && stdout.trim();
  });
  const file = join(cluster.dir, 'kubeconfigs', 'agent');
  // JSON is YAML.
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'agent',
    clusters: [{ name: 'c', cluster: { server: cluster.url, 'certificate-authority': cluster.caFile } }],
    users: [{ name: 'agent', user: { token } }],
    contexts: [{ name: 'agent', context: { cluster: 'c', user: 'agent' } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
