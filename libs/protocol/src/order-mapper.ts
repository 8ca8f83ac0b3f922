import { create } from '@bufbuild/protobuf';
import type { Order } from '@wavegate/fleet';
import { OrderSchema, type Order as WireOrder } from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireArgs, toWireArgs } from './order-args-mapper.js';
import { malformed } from './wire-problem.js';
import { carried, present, required, safeNumber, wireInteger } from './wire-values.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function toWireOrder(order: Order): WireOrder {
  return create(OrderSchema, {
    schema: order.schema,
    id: order.id,
    kind: order.kind,
    parentKind: order.parent.kind,
    parentId: order.parent.id,
    clusterId: order.clusterId,
    clusterUid: order.clusterUid,
    attempt: order.attempt,
    hop: { ...order.hop },
    args: toWireArgs(order.args),
    epoch: wireInteger(order.epoch),
    plan: new TextEncoder().encode(order.plan),
    planDigest: order.planDigest,
    approvedRungs: [...order.approvedRungs],
    // Wrapped: no labels, and labels that are not known, are two things.
    ...(order.labels ? { labels: { values: { ...order.labels } } } : {}),
    startByUnixMs: wireInteger(order.startBy),
    deadlineUnixMs: wireInteger(order.deadline),
  });
}

/**
 * Schema and kind are carried as they came, also newer ones: the agent refuses such an order by its id
 * (`schema_too_new`, `order_unknown_kind`), which the hub can show; a broken stream could not say which order it was.
 */
export function fromWireOrder(wire: WireOrder): Order {
  const hop = required(wire.hop, 'order.hop');
  const args = fromWireArgs(wire.args);
  return {
    schema: wire.schema as Order['schema'],
    id: present(wire.id, 'order.id'),
    kind: carried(present(wire.kind, 'order.kind')),
    parent: { kind: carried(wire.parentKind), id: wire.parentId },
    clusterId: wire.clusterId,
    clusterUid: wire.clusterUid,
    attempt: wire.attempt,
    hop: { index: hop.index, of: hop.of, from: hop.from, to: hop.to },
    ...(args ? { args } : {}),
    epoch: safeNumber(wire.epoch, 'order.epoch'),
    plan: decodePlan(wire.plan),
    planDigest: wire.planDigest,
    approvedRungs: wire.approvedRungs,
    ...(wire.labels ? { labels: { ...wire.labels.values } } : {}),
    startBy: safeNumber(wire.startByUnixMs, 'order.start_by'),
    deadline: safeNumber(wire.deadlineUnixMs, 'order.deadline'),
  };
}

/** The bytes were digested: a replacement character in place of a bad one would make another plan. */
function decodePlan(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('order.plan is not UTF-8');
  }
}
