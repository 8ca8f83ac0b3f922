import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkPlanAgainstFleet, readPlan, type Cluster as FleetCluster, type DriverName } from '@wavegate/fleet';
import { rehearse, type FaultPlan } from '@wavegate/simulator';
import type { Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import type { Cluster } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { allPages, ask } from '../hub-client.js';
import { readPlanFile } from '../plan-file.js';
import { renderRehearsal } from '../screens/rehearsal-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';

interface SimulateOptions {
  readonly output: OutputFormat;
  readonly at?: string;
  readonly burn: readonly string[];
  readonly fail: readonly string[];
  readonly block: readonly string[];
}

const collect = (name: string, names: readonly string[]): readonly string[] => [...names, name];

export function addSimulate(plan: Command, session: Session): void {
  answering(plan, 'simulate <file>', 'Rehearse the plan on a simulated copy of the fleet; touches nothing')
    .option('--at <time>', 'as if started then, for example 2026-12-01T20:00:00Z; now unless told')
    .option('--burn <cluster>', 'what if its SLOs burn after its node canary (repeatable)', collect, [])
    .option('--fail <cluster>', 'what if its first kubelet upgrade fails for good (repeatable)', collect, [])
    .option('--block <cluster>', 'what if a drain in it never ends (repeatable)', collect, [])
    .addHelpText(
      'after',
      `
The loops and engines are the real ones; nodes, time and metrics are played. It shows how the plan behaves: order,
windows, soaks, budgets, and where a person is asked. It cannot know how long your nodes take or what will break.
Approvals are given at once. Exit code 0: it came to its end; 1: it stopped for a person.

  wavegate plan simulate k135.yaml
  wavegate plan simulate k135.yaml --burn prd-fra-3 --at 2026-12-01T20:00:00Z`,
    )
    .action((path: string, options: SimulateOptions) => simulate(path, options, session));
}

async function simulate(path: string, options: SimulateOptions, session: Session): Promise<void> {
  const file = await readPlanFile(path, session.world.readInput);
  const read = readPlan(file.value);
  if ('problems' in read) throw new CliFailure(read.problems.map((problem) => file.line(problem)));
  const at = startOf(options.at, session);
  const clusters = (await theFleet(session)).map(fleetCluster);
  // What the hub would refuse is not rehearsed.
  const problems = checkPlanAgainstFleet(read.plan, clusters);
  if (problems.length > 0) throw new CliFailure(problems.map((problem) => file.line(problem)));
  const faults = faultsOf(options, new Set(clusters.map(({ name }) => name)));
  session.tell(`Rehearsing ${read.plan.metadata.name} on a copy of ${clusters.length} clusters; nothing is touched.`);
  const rehearsal = await rehearse({ plan: read.plan, clusters, at, faults, flush: () => nextTurn() });
  const taking = new Set(rehearsal.clusters.map(({ name }) => name));
  for (const name of Object.keys(faults).filter((faulty) => !taking.has(faulty))) {
    session.tell(`Mind: ${name} takes no part in this rollout; what you asked to go wrong in it did not happen.`);
  }
  if (options.output === 'json') session.printJson({ at: new Date(at).toISOString(), ...rehearsal });
  else session.print(renderRehearsal(rehearsal, at, session.screen()));
  if (rehearsal.finishedAt === null) {
    throw new CliFailure('The rehearsed rollout did not come to its end by itself.', EXIT.failure);
  }
}

function startOf(text: string | undefined, session: Session): number {
  const at = text === undefined ? session.world.now() : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new CliFailure(`--at ${text}: not a time; write for example 2026-12-01T20:00:00Z`, EXIT.usage);
}

function faultsOf({ burn, fail, block }: SimulateOptions, known: ReadonlySet<string>): Record<string, FaultPlan> {
  const faults: Record<string, FaultPlan> = {};
  const give = (names: readonly string[], fault: FaultPlan): void => {
    for (const name of names) faults[name] = { ...faults[name], ...fault };
  };
  give(burn, { sloBurnsAfter: 'nodeCanary' });
  give(fail, { failAt: { step: 'upgradeKubelet', times: 99 } });
  give(block, { drainBlocked: { forMs: null } });
  const stranger = Object.keys(faults).find((name) => !known.has(name));
  if (stranger === undefined) return faults;
  throw new CliFailure(`${stranger} is no cluster of this fleet; wavegate clusters list names them`, EXIT.usage);
}

function theFleet(session: Session): Promise<Cluster[]> {
  const client = session.client();
  return allPages((cursor) =>
    ask(api.listClusters({ client, query: { limit: 500, ...(cursor === undefined ? {} : { cursor }) } })),
  );
}

/** What planning knows of a cluster, from what the hub shows of it. */
function fleetCluster({ id, name, labels, agent, ...shown }: Cluster): FleetCluster {
  const { uid, driver, controlPlane, nodes, pdbCount, provider, factsAt } = shown;
  const known = uid !== null && factsAt !== null;
  const facts = known && {
    schema: 1 as const,
    uid,
    driver: (driver ?? 'none') as DriverName,
    apiServers: controlPlane,
    nodes,
    pdbCount: pdbCount ?? 0,
    provider: provider ?? '',
    observedAt: Date.parse(factsAt),
  };
  return { id, name, labels, connected: agent.connected, facts: facts || null };
}
