import { create } from '@bufbuild/protobuf';
import { reason, type ClusterFacts, type NodeFacts } from '@wavegate/fleet';
import {
  ClusterFactsSchema,
  type ClusterFacts as WireClusterFacts,
  type NodeFacts as WireNodeFacts,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { WireProblem } from './wire-problem.js';
import { carried, present, required, safeNumber, wireInteger } from './wire-values.js';

const FACTS_SCHEMA = 1;

export function toWireFacts(facts: ClusterFacts): WireClusterFacts {
  return create(ClusterFactsSchema, {
    schema: facts.schema,
    uid: facts.uid,
    driver: facts.driver,
    apiServers: [...facts.apiServers],
    nodes: facts.nodes.map((node) => ({ ...node })),
    pdbCount: facts.pdbCount,
    provider: facts.provider,
    observedAtUnixMs: wireInteger(facts.observedAt),
  });
}

/** Throws WireProblem: `schema_too_new` for facts of a schema that this release cannot read. */
export function fromWireFacts(wire: WireClusterFacts | undefined): ClusterFacts {
  const facts = required(wire, 'facts');
  if (facts.schema > FACTS_SCHEMA) {
    throw new WireProblem(
      `facts have schema ${facts.schema}, this release reads ${FACTS_SCHEMA}`,
      reason('schema_too_new', { schema: facts.schema, known: FACTS_SCHEMA }),
    );
  }
  return {
    schema: FACTS_SCHEMA,
    uid: present(facts.uid, 'facts.uid'),
    driver: carried(facts.driver),
    apiServers: facts.apiServers,
    nodes: facts.nodes.map(fromWireNode),
    pdbCount: facts.pdbCount,
    provider: facts.provider,
    observedAt: safeNumber(facts.observedAtUnixMs, 'facts.observed_at'),
  };
}

function fromWireNode(node: WireNodeFacts): NodeFacts {
  return {
    name: present(node.name, 'facts.nodes.name'),
    role: carried(node.role),
    kubelet: node.kubelet,
    ready: node.ready,
    schedulable: node.schedulable,
    zone: node.zone,
    ...(node.uid ? { uid: node.uid } : {}),
    ...(node.reserved ? { reserved: true } : {}),
  };
}
