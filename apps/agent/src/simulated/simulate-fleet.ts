import { openPino, OrderLog } from '../agent-log.js';
import { readLogLevel } from '../agent-settings.js';
import { ProgramFailure } from '../program-failure.js';
import { stopOnSignals } from '../stop-on-signals.js';
import { systemClock, systemRandom } from '../system-clock.js';
import { SimulatedAgent } from './simulated-agent.js';
import { readFleetFile } from './simulated-fleet-file.js';

/**
 * Runs the agents of a fleet file until stopped. SIGHUP reads the file again: faults and `offline` of the clusters that
 * this process has are heeded at once.
 */
export async function simulateFleet(options: { readonly fleet: string; readonly log: string }): Promise<void> {
  const log = new OrderLog(openPino(readLogLevel(options.log)));
  const { hub, stateDir, clusters } = readFleetFile(options.fleet);
  const cancel = stopOnSignals();
  const around = { hub, stateDir, clock: systemClock, random: systemRandom, log };
  const agents = new Map(clusters.map((member) => [member.spec.name, new SimulatedAgent(member, around)]));
  for (const { spec, offline } of clusters) if (!offline) agents.get(spec.name)?.start();
  log.info('simulated clusters run', { clusters: agents.size, stateDir });
  process.on('SIGHUP', () => heedAgain(options.fleet, agents, log));
  // Nothing else holds the process while every agent is offline.
  const alive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => cancel.onCancel(resolve));
  clearInterval(alive);
  await Promise.all([...agents.values()].map((agent) => agent.stop()));
}

function heedAgain(path: string, agents: ReadonlyMap<string, SimulatedAgent>, log: OrderLog): void {
  try {
    for (const member of readFleetFile(path).clusters) agents.get(member.spec.name)?.heed(member);
    log.info('fleet file read again');
  } catch (error) {
    // Half a file, read while somebody writes it, must not end thirty agents.
    log.warn(error instanceof ProgramFailure ? error.message : String(error));
  }
}
