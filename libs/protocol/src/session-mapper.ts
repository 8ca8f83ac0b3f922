import type { ClusterFacts } from '@wavegate/fleet';
import type { AgentBody } from './report-mapper.js';
import type { HubBody } from './command-mapper.js';
import { fromWireFacts, toWireFacts } from './facts-mapper.js';
import type { AgentMessage, HubMessage } from './gen/wavegate/agent/v1/gateway_pb.js';
import { malformed } from './wire-problem.js';
import { present, safeNumber, wireInteger } from './wire-values.js';

/** What an agent says first on a stream. */
export interface Hello {
  /** Highest schema number of orders that it reads. */
  readonly orderSchema: number;
  readonly agentVersion: string;
  /** Generation of its last stream; 0 for the first. */
  readonly lastGeneration: number;
  readonly facts: ClusterFacts;
  /** Kinds of messages beyond those of the first release that this agent takes; an older one would end the stream. */
  readonly takes?: readonly string[];
}

/** What the hub answers when it takes the stream. */
export interface Welcome {
  readonly generation: number;
  readonly clusterId: string;
  readonly heartbeatMs: number;
  readonly window: number;
  /** Epoch ms by the hub's clock. */
  readonly hubTime: number;
  /** Epoch ms: the certificate's expiry, at which the hub ends the stream. */
  readonly endsAt: number;
  /** Kinds of reports beyond those of the first release that this hub takes; an older hub would end the stream. */
  readonly takes?: readonly string[];
  /** Highest epoch of this cluster's orders that is over for the hub; absent: none, or an older hub. */
  readonly settledEpoch?: number;
}

export function toWireHello(hello: Hello): AgentBody {
  return {
    case: 'hello',
    value: {
      orderSchema: hello.orderSchema,
      agentVersion: hello.agentVersion,
      lastGeneration: wireInteger(hello.lastGeneration),
      facts: toWireFacts(hello.facts),
      takes: [...(hello.takes ?? [])],
    },
  };
}

export function fromWireHello(body: AgentMessage['body']): Hello {
  if (body.case !== 'hello') throw malformed(`the first message is ${body.case ?? 'unknown'}, not a hello`);
  return {
    orderSchema: body.value.orderSchema,
    agentVersion: body.value.agentVersion,
    lastGeneration: safeNumber(body.value.lastGeneration, 'hello.last_generation'),
    facts: fromWireFacts(body.value.facts),
    ...(body.value.takes.length > 0 && { takes: body.value.takes }),
  };
}

export function toWireWelcome(welcome: Welcome): HubBody {
  return {
    case: 'welcome',
    value: {
      generation: wireInteger(welcome.generation),
      clusterId: welcome.clusterId,
      heartbeatIntervalMs: welcome.heartbeatMs,
      window: welcome.window,
      hubTimeUnixMs: wireInteger(welcome.hubTime),
      endsAtUnixMs: wireInteger(welcome.endsAt),
      takes: [...(welcome.takes ?? [])],
      settledEpoch: wireInteger(welcome.settledEpoch ?? 0),
    },
  };
}

export function fromWireWelcome(body: HubMessage['body']): Welcome {
  if (body.case !== 'welcome') throw malformed(`the first message is ${body.case ?? 'unknown'}, not a welcome`);
  const settledEpoch = safeNumber(body.value.settledEpoch, 'welcome.settled_epoch');
  return {
    generation: safeNumber(body.value.generation, 'welcome.generation'),
    clusterId: present(body.value.clusterId, 'welcome.cluster_id'),
    heartbeatMs: body.value.heartbeatIntervalMs,
    // A window of 0 would let nothing through, for ever.
    window: Math.max(1, body.value.window),
    hubTime: safeNumber(body.value.hubTimeUnixMs, 'welcome.hub_time'),
    endsAt: safeNumber(body.value.endsAtUnixMs, 'welcome.ends_at'),
    takes: body.value.takes,
    ...(settledEpoch > 0 && { settledEpoch }),
  };
}
