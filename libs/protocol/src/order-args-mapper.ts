import type { MessageInitShape } from '@bufbuild/protobuf';
import type { BackupKind, OrderArgs } from '@wavegate/fleet';
import type { Order as WireOrder, OrderSchema } from './gen/wavegate/agent/v1/gateway_pb.js';
import { carried, safeNumber, wireInteger } from './wire-values.js';

type WireArgs = NonNullable<MessageInitShape<typeof OrderSchema>['args']>;

export function toWireArgs(args: OrderArgs | undefined): WireArgs {
  switch (args?.kind) {
    case undefined:
      return { case: undefined };
    case 'preflight':
      return { case: 'preflight', value: { only: args.only ?? '' } };
    case 'drain':
      return {
        case: 'drain',
        value: { node: args.node, nodeUid: args.nodeUid, uncordonAfter: args.uncordonAfter ?? false },
      };
    case 'backup': {
      const { what, selector, name, prove = '' } = args;
      const value = { what, selector, name, namespaces: [...args.namespaces], ttlMs: wireInteger(args.ttlMs) };
      return { case: 'backup', value: { ...value, prove } };
    }
    case 'restore': {
      const { from, preview, namespaceMapping } = args;
      return { case: 'restore', value: { from, preview, namespaceMapping: { ...namespaceMapping } } };
    }
    case 'prefetch':
      return { case: 'prefetch', value: { nodes: [...args.nodes] } };
  }
}

/** Nothing of an older hub, or of a kind that this release does not know: the reader refuses what it then lacks. */
export function fromWireArgs(wire: WireOrder['args']): OrderArgs | undefined {
  switch (wire.case) {
    case 'preflight':
      // A word that is not known is kept, for the order's reader to refuse.
      return { kind: 'preflight', ...(wire.value.only === '' ? {} : { only: carried<'objectives'>(wire.value.only) }) };
    case 'drain': {
      const { node, nodeUid, uncordonAfter } = wire.value;
      return { kind: 'drain', node, nodeUid, ...(uncordonAfter ? { uncordonAfter } : {}) };
    }
    case 'backup': {
      const { what, namespaces, selector, name } = wire.value;
      const ttlMs = safeNumber(wire.value.ttlMs, 'order.backup.ttl_ms');
      // A word that is not known is kept, for the order's reader to refuse: it must not become a backup nobody asked for.
      const prove = wire.value.prove === '' ? {} : { prove: carried<'latest'>(wire.value.prove) };
      return { kind: 'backup', what: carried<BackupKind>(what), namespaces, selector, ttlMs, name, ...prove };
    }
    case 'restore': {
      const { from, namespaceMapping, preview } = wire.value;
      return { kind: 'restore', from, namespaceMapping, preview };
    }
    case 'prefetch':
      return { kind: 'prefetch', nodes: wire.value.nodes };
    case undefined:
      return undefined;
  }
}
