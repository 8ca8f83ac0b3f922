import type { ClusterFacts } from '@wavegate/fleet';
import type { AgentClock, AgentLog, AgentRandom, Cancel } from '@wavegate/runtime/agent';
import type { HubAddress } from './agent-settings.js';
import {
  enrol,
  EnrolmentRefused,
  makeCertificateRequest,
  type AgentIdentity,
  type CertificateRequest,
  type IdentityStore,
} from './link/index.js';
import { EXIT, ProgramFailure, usage } from './program-failure.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export interface EnrolmentMeans {
  readonly hub: HubAddress;
  readonly joinToken: string | null;
  readonly identities: IdentityStore;
  readonly facts: () => Promise<ClusterFacts>;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  readonly log: AgentLog;
  readonly cancel: Cancel;
  readonly agentVersion: string;
}

/**
 * True once this agent holds an identity; false when it was stopped before. What passes by itself (a hub or an API
 * server that is away) is waited for; what a person must mend ends the program with one line.
 */
export async function enrolOnce(means: EnrolmentMeans): Promise<boolean> {
  let pause = FIRST_PAUSE_MS;
  let said = '';
  // The token is used up by now: an identity that could not be stored is kept here and stored as soon as possible.
  let won: AgentIdentity | null = null;
  // One key for all tries: a hub that died before it answered has used the token up, and takes it again from this key.
  let request: CertificateRequest | null = null;
  while (!means.cancel.cancelled) {
    try {
      if (!won && (await means.identities.load())) return true;
      request ??= await makeCertificateRequest();
      won ??= await enrolNow(means, request);
      await means.identities.save(won);
      return true;
    } catch (error) {
      const message = passingTrouble(error);
      if (message !== said) means.log.warn(message);
      said = message;
      await means.clock.sleep(means.random.next() * pause, means.cancel);
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
  }
  return false;
}

/** The line for what passes by itself; throws what a person must mend. */
function passingTrouble(error: unknown): string {
  if (error instanceof ProgramFailure) throw error;
  if (error instanceof EnrolmentRefused && error.retryAfterMs === null) {
    throw new ProgramFailure(`not enrolled: ${error.message}`, EXIT.failure);
  }
  return `not enrolled yet: ${error instanceof Error ? error.message : String(error)}`;
}

async function enrolNow(
  { hub, joinToken, facts, log, agentVersion }: EnrolmentMeans,
  request: CertificateRequest,
): Promise<AgentIdentity> {
  if (joinToken === null || hub.caSha256 === null) {
    const missing = joinToken === null ? '--join TOKEN (or WAVEGATE_JOIN)' : '--ca-sha256 HEX (or WAVEGATE_CA_SHA256)';
    throw usage(`this agent has no identity yet: enrolment needs ${missing}`);
  }
  const { identity, approved } = await enrol({
    address: hub.enrolment,
    token: joinToken,
    caSha256: hub.caSha256,
    facts: await facts(),
    agentVersion,
    request,
  });
  log.info(approved ? 'enrolled' : 'enrolled; a person must approve this cluster on the hub', {
    cluster: identity.clusterId,
  });
  return identity;
}
