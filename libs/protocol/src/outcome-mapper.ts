import type { MessageInitShape } from '@bufbuild/protobuf';
import type { FetchedNode, Outcome, Rung } from '@wavegate/fleet';
import type {
  FetchedNode as WireFetched,
  OrderOutcome,
  OrderOutcomeSchema,
} from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';
import { fromWireReceipt, toWireReceipt } from './receipt-mapper.js';
import { safeNumber, wireInteger } from './wire-values.js';
import { malformed } from './wire-problem.js';

type WireOutcome = NonNullable<MessageInitShape<typeof OrderOutcomeSchema>['outcome']>;

/** Throws for `lost`, which only the hub can conclude. */
export function toWireOutcome(outcome: Outcome): WireOutcome {
  switch (outcome.kind) {
    case 'upgraded':
      return { case: 'upgraded', value: { standing: { ...outcome.standing } } };
    case 'rolledBack':
      return {
        case: 'rolledBack',
        value: {
          rung: outcome.rung,
          returned: [...outcome.extent.returned],
          stays: [...outcome.extent.stays],
          reason: toWireReason(outcome.reason),
          standing: { ...outcome.standing },
          ...(outcome.judged ? { judged: toWireReason(outcome.judged) } : {}),
        },
      };
    case 'halted':
      return {
        case: 'halted',
        value: {
          reason: toWireReason(outcome.reason),
          standing: { ...outcome.standing },
          cordoned: [...outcome.cordoned],
          fetched: toWireFetched(outcome.fetched),
        },
      };
    case 'completed':
      return {
        case: 'completed',
        value: {
          standing: { ...outcome.standing },
          cordoned: [...outcome.cordoned],
          receipts: outcome.receipts.map(toWireReceipt),
          fetched: toWireFetched(outcome.fetched),
        },
      };
    case 'skipped':
      return { case: 'skipped', value: { reason: toWireReason(outcome.reason) } };
    case 'lost':
      throw new TypeError('an agent cannot report itself lost');
  }
}

export function fromWireOutcome(wire: OrderOutcome['outcome']): Outcome {
  switch (wire.case) {
    case 'upgraded':
      return { kind: 'upgraded', standing: wire.value.standing };
    case 'rolledBack':
      return {
        kind: 'rolledBack',
        // Carried: a rung of a newer ladder is still where the cluster stands.
        rung: wire.value.rung as Rung,
        extent: { returned: wire.value.returned, stays: wire.value.stays },
        reason: fromWireReason(wire.value.reason),
        standing: wire.value.standing,
        ...(wire.value.judged ? { judged: fromWireReason(wire.value.judged) } : {}),
      };
    case 'halted':
      return {
        kind: 'halted',
        reason: fromWireReason(wire.value.reason),
        standing: wire.value.standing,
        cordoned: wire.value.cordoned,
        ...fromWireFetched(wire.value.fetched),
      };
    case 'completed': {
      const { standing, cordoned, receipts, fetched } = wire.value;
      return {
        ...{ kind: 'completed', standing, cordoned, receipts: receipts.map(fromWireReceipt) },
        ...fromWireFetched(fetched),
      };
    }
    case 'skipped':
      return { kind: 'skipped', reason: fromWireReason(wire.value.reason) };
    default:
      throw malformed('an outcome of a kind that this release does not know');
  }
}

function toWireFetched(nodes: readonly FetchedNode[] = []) {
  return nodes.map((node) => ({ ...node, freeMib: wireInteger(node.freeMib) }));
}

/** Only a prefetch has some; an empty list on the wire is none. */
function fromWireFetched(nodes: readonly WireFetched[]): { fetched?: readonly FetchedNode[] } {
  if (nodes.length === 0) return {};
  const fetched = nodes.map(({ node, version, packages, images, freeMib }) => {
    return { node, version, packages, images, freeMib: safeNumber(freeMib, 'outcome.fetched.free_mib') };
  });
  return { fetched };
}
