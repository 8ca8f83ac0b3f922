import {
  runAgent,
  TwinAgent,
  type AgentClock,
  type AgentLog,
  type AgentPorts,
  type AgentRandom,
  type Cancel,
} from '@wavegate/runtime/agent';
import type { AgentGauges } from './agent-gauges.js';
import { AGENT_VERSION } from './agent-version.js';
import { enrolOnce } from './enrol-once.js';
import type { HubAddress } from './agent-settings.js';
import { GrpcHubLink, type IdentityStore } from './link/index.js';
import { EXIT, ProgramFailure } from './program-failure.js';
import { WatchedHubLink } from './watched-hub-link.js';

/** One agent: what tells it from another in the same process. */
export interface LiveAgent {
  readonly hub: HubAddress;
  readonly joinToken: string | null;
  readonly identities: IdentityStore;
  readonly ports: Pick<AgentPorts, 'journals' | 'driver' | 'metrics' | 'silences' | 'policy' | 'settleMs' | 'leastMs'>;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly log: AgentLog;
  readonly gauges: AgentGauges;
  readonly cancel: Cancel;
}

/** Enrols where that was not done yet, then works until cancelled. Throws a ProgramFailure that says why it cannot go on. */
export async function liveAgent(agent: LiveAgent): Promise<void> {
  const { hub, ports, gauges, identities, clock, random, log, cancel } = agent;
  const facts = () => ports.driver.facts();
  const means = { hub, joinToken: agent.joinToken, identities, facts, clock, random, log, cancel };
  if (!(await enrolOnce({ ...means, agentVersion: AGENT_VERSION }))) return;
  gauges.enrolled = true;
  const link = new GrpcHubLink({
    gateway: hub.gateway,
    enrolment: hub.enrolment,
    identities,
    clock,
    random,
    agentVersion: AGENT_VERSION,
    log: (message) => log.info(message),
    onHubClock: (aheadMs) => (gauges.hubAheadMs = aheadMs),
  });
  try {
    await runAgent({ ...ports, link: new WatchedHubLink(link, gauges), clock, random, log, cancel });
  } catch (error) {
    if (!(error instanceof TwinAgent)) throw error;
    const message = `${error.message}: another agent works for this cluster, so this one ends`;
    throw new ProgramFailure(message, EXIT.twin);
  }
}
