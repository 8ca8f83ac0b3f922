import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentClock } from '@wavegate/runtime/agent';
import type { FaultPlan } from '@wavegate/simulator';
import { OrderLog, openPino } from '../../../apps/agent/src/agent-log.js';
import { SimulatedAgent } from '../../../apps/agent/src/simulated/simulated-agent.js';
import { systemRandom } from '../../../apps/agent/src/system-clock.js';
import { eventually } from '../../kube/world/eventually.js';
import { smallCluster, type JoinToken } from './agent-host.js';
import type { TestHub } from './running-hub.js';

/** The machine's clock, whose waits do not hold the process: a cluster's own future outlives its agent. */
const idleClock: AgentClock = {
  now: () => Date.now(),
  sleep: (ms, cancel) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      cancel?.onCancel(() => {
        clearTimeout(timer);
        resolve();
      });
    }),
};

/** Real agents in this process, over real gRPC with mTLS, each with a simulated cluster. */
export class SimulatedAgents {
  private readonly agents: SimulatedAgent[] = [];
  private caSha256 = '';

  private constructor(
    private readonly hub: TestHub,
    private readonly stateDir: string,
  ) {}

  static async of(hub: TestHub): Promise<SimulatedAgents> {
    return new SimulatedAgents(hub, await mkdtemp(join(tmpdir(), 'wavegate-agents-')));
  }

  /** Joined and connected when this resolves. */
  async start(name: string, faults: FaultPlan = {}, speed = 300): Promise<SimulatedAgent> {
    const { hub } = this;
    const asked = await hub.ask('POST', '/api/v1/join-tokens', { cluster: name, labels: { env: 'test' } });
    const { token, caSha256 } = asked.body as JoinToken;
    this.caSha256 = caSha256;
    const agent = this.begin(name, token, faults, speed);
    await eventually(`the agent of ${name} to connect`, async () => {
      const { body } = await hub.ask('GET', `/api/v1/clusters/${name}`);
      return body.agent?.connected === true && body.nodes.length > 0;
    });
    return agent;
  }

  /** What of this cluster would be in a snapshot taken now: a folder beside its own. */
  copyOf(name: string, label: string): Promise<string> {
    const copy = join(this.stateDir, `${name}.${label}`);
    // A file may be replaced while it is copied: then once more.
    return eventually(`a copy of ${name}`, async () => {
      await rm(copy, { recursive: true, force: true });
      return cp(join(this.stateDir, name), copy, { recursive: true }).then(
        () => copy,
        () => null,
      );
    });
  }

  /** As after a restore of etcd: the cluster and its agent's journals are what they were in those copies. */
  async restore(name: string, from: { readonly cluster: string; readonly journals: string }): Promise<void> {
    const index = this.agents.findIndex((agent) => agent.name === name);
    const [old] = this.agents.splice(index, 1);
    await old?.stop();
    const folder = join(this.stateDir, name);
    await cp(join(from.cluster, 'cluster.json'), join(folder, 'cluster.json'));
    await rm(join(folder, 'journals'), { recursive: true, force: true });
    await cp(join(from.journals, 'journals'), join(folder, 'journals'), { recursive: true });
    this.begin(name, '', {}, 100);
  }

  private begin(name: string, join: string, faults: FaultPlan, speed: number): SimulatedAgent {
    const { gateway, enrolment, caSha256 } = { ...this.hub, caSha256: this.caSha256 };
    const around = { clock: idleClock, random: systemRandom, log: new OrderLog(openPino('silent')) };
    const member = { spec: smallCluster(name, { faults, speed }), join, offline: false };
    const hub = { gateway, enrolment, caSha256 };
    const agent = new SimulatedAgent(member, { ...around, hub, stateDir: this.stateDir });
    this.agents.push(agent);
    agent.start();
    return agent;
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    // In one go: a cluster whose own future goes on would write into a folder that is being emptied.
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}
