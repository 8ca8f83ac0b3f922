import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BudgetWatch } from '../kube/world/budget-watch.js';
import { DrainWorld, type AppSpec } from '../kube/world/drain-world.js';
import { programPath } from '../kube/world/obtained-programs.js';
import type { AuditEvent } from '../kube/world/audit-log.js';

/** A program of its own: one real cluster, drained again and again by kubectl and by us, one after the other. */
export interface DrainRunsStart {
  readonly version: string;
  readonly root: string;
  /** Where the raw output of every drain is kept. */
  readonly logs: string;
  /** Pods, and how often. */
  readonly crowds: readonly (readonly [pods: number, runs: number])[];
}

export interface DrainRun {
  readonly tool: 'kubectl' | 'paced' | 'lifted';
  readonly scene: string;
  readonly pods: number;
  readonly wallMs: number;
  readonly requests: number;
  readonly refused: number;
  /** Looks at the budget, and those at which it was broken. */
  readonly budget: { readonly looks: number; readonly broken: number } | null;
}

export interface DrainRunsDone {
  readonly runs: readonly DrainRun[];
  /** From the first refusal until our program had named budget, numbers and owner. */
  readonly blockerNamedMs: number;
}

const NODE = 'w-1';
const TOOLS = ['kubectl', 'paced', 'lifted'] as const;

process.once('message', (start: DrainRunsStart) => {
  void run(start);
});

async function run(start: DrainRunsStart): Promise<void> {
  mkdirSync(start.logs, { recursive: true });
  const world = await DrainWorld.start(start.version, 3);
  const end = (): void => void world.stop().then(() => process.exit(0));
  process.on('SIGTERM', end);
  process.on('disconnect', end);
  const bench = new DrainRuns(world, start);
  await bench.prepare();
  const runs: DrainRun[] = [];
  for (const [pods, times] of start.crowds) {
    for (let time = 0; time < times; time += 1) {
      for (const tool of TOOLS) runs.push(await bench.once(tool, { scene: `${pods} pods`, pods }));
    }
  }
  const budget = { maxUnavailable: 2 };
  for (const tool of TOOLS) runs.push(await bench.once(tool, { scene: '20 pods, maxUnavailable 2', pods: 20, budget }));
  const blockerNamedMs = await bench.nameBlocker();
  const done: DrainRunsDone = { runs, blockerNamedMs };
  process.send?.(done);
}

interface Scene {
  readonly scene: string;
  readonly pods: number;
  readonly budget?: Readonly<Record<string, unknown>>;
}

class DrainRuns {
  private readonly kubeconfigs = new Map<string, string>();
  private count = 0;

  constructor(
    private readonly world: DrainWorld,
    private readonly start: DrainRunsStart,
  ) {}

  /** A name in the audit log for each. */
  async prepare(): Promise<void> {
    for (const tool of TOOLS) this.kubeconfigs.set(tool, await this.world.cluster.identity(`bench-${tool}`));
  }

  async once(tool: DrainRun['tool'], { scene, pods, budget }: Scene): Promise<DrainRun> {
    const name = `crowd${(this.count += 1)}`;
    const app: AppSpec = { name, node: NODE, replicas: pods, ...(budget && { budgets: { [name]: budget } }) };
    await this.world.deploy(app);
    const here = (await this.world.podsOn(NODE)).length;
    const audited = this.world.cluster.audit().length;
    const watch = budget ? new BudgetWatch(this.world.cluster, 'drained', name) : null;
    const wallMs = await this.carryOut(tool, `${this.count}-${scene.replaceAll(/[^a-z0-9]+/gi, '-')}-${tool}`, '15m');
    const left = (await this.world.podsOn(NODE)).length;
    if (left > 0) throw new Error(`${tool} left ${left} of ${here} pods`);
    const asked = this.asked(tool, audited);
    await this.tidy(name);
    const refused = asked.filter(({ responseStatus }) => responseStatus?.code === 429).length;
    const seen = watch?.end() ?? null;
    return { tool, scene, pods: here, wallMs, requests: asked.length, refused, budget: seen };
  }

  /** A budget that never allows: how long until a reader of our log knows whom to ask. */
  async nameBlocker(): Promise<number> {
    const budgets = { never: { minAvailable: 3 } };
    await this.world.deploy({ name: 'never', node: NODE, replicas: 3, budgets });
    const audited = this.world.cluster.audit().length;
    const file = `${(this.count += 1)}-blocked-paced`;
    let namedAt = 0;
    await this.carryOut('paced', file, '10s', (text) => {
      if (namedAt === 0 && /PDB drained\/never: .* must be.*owner Deployment drained\/never/.test(text))
        namedAt = Date.now();
    });
    await this.carryOut('kubectl', `${file.replace('paced', 'kubectl')}`, '10s');
    const refusals = this.asked('paced', audited).filter(({ responseStatus }) => responseStatus?.code === 429);
    await this.tidy('never');
    const first = Date.parse(refusals[0]?.requestReceivedTimestamp ?? '');
    if (namedAt === 0 || Number.isNaN(first)) throw new Error(`the blocker was not named; see ${file}.log`);
    return namedAt - first;
  }

  private asked(tool: string, since: number): readonly AuditEvent[] {
    const events = this.world.cluster.audit().slice(since);
    return events.filter(({ user }) => user.username === `bench-${tool}`);
  }

  private async tidy(app: string): Promise<void> {
    await this.world.remove(app);
    await this.world.cluster.api.patch(`/api/v1/nodes/${NODE}`, {
      spec: { unschedulable: false },
      metadata: { annotations: { 'wavegate.dev/cordoned-by': null } },
    });
  }

  /** The whole program, from its start to its end; what it said is kept. */
  private async carryOut(
    tool: DrainRun['tool'],
    name: string,
    timeout: string,
    hear: (text: string) => void = () => {},
  ): Promise<number> {
    const kubeconfig = this.kubeconfigs.get(tool) ?? '';
    const [program = '', ...args] = this.commandOf(tool, kubeconfig, timeout);
    const file = path.join(this.start.logs, `${name}.log`);
    const startedAt = performance.now();
    const command = [path.basename(program), ...args].filter((word) => word !== kubeconfig).join(' ');
    writeFileSync(file, `$ ${command}\n`);
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: this.start.logs },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        hear(String(chunk));
        appendFileSync(file, `${((performance.now() - startedAt) / 1000).toFixed(2)} s  ${String(chunk)}`);
      });
    }
    const code = await new Promise<number | null>((ended) => child.once('close', ended));
    const wallMs = performance.now() - startedAt;
    appendFileSync(file, `${(wallMs / 1000).toFixed(2)} s  ended with code ${code}\n`);
    if (code !== 0 && timeout === '15m') throw new Error(`${tool} ended with code ${code}; see ${file}`);
    return wallMs;
  }

  private commandOf(tool: DrainRun['tool'], kubeconfig: string, timeout: string): string[] {
    if (tool === 'kubectl') {
      const kubectl = programPath('kubectl', this.start.version);
      return [kubectl, '--kubeconfig', kubeconfig, 'drain', NODE, '--ignore-daemonsets', `--timeout=${timeout}`];
    }
    const agent = path.join(this.start.root, 'apps/agent/bin/wavegate-agent');
    const pace = tool === 'lifted' ? ['--pace', 'unlimited'] : [];
    return [agent, 'drain', NODE, '--kubeconfig', kubeconfig, '--timeout', timeout, ...pace];
  }
}
