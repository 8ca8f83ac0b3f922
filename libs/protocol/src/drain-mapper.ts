import type { MessageInitShape } from '@bufbuild/protobuf';
import type { DrainProgress } from '@wavegate/fleet';
import type { DrainProgress as WireDrain, DrainProgressSchema } from './gen/wavegate/agent/v1/gateway_pb.js';
import { carried, safeNumber, sendable, wireInteger } from './wire-values.js';

export function toWireDrain({ node, counts, waits }: DrainProgress): MessageInitShape<typeof DrainProgressSchema> {
  return {
    node,
    ...counts,
    waits: waits.map(({ since, detail, ...wait }) => ({
      ...wait,
      detail: sendable(detail),
      sinceUnixMs: wireInteger(since),
    })),
  };
}

export function fromWireDrain(wire: WireDrain): DrainProgress {
  const { node, kept, queued, evicting, blocked, terminating, gone } = wire;
  return {
    node,
    counts: { kept, queued, evicting, blocked, terminating, gone },
    waits: wire.waits.map(({ pod, state, pdb, detail, owner, sinceUnixMs }) => ({
      ...{ pod, pdb, detail, owner },
      state: carried(state),
      since: safeNumber(sinceUnixMs, 'progress.drains.since'),
    })),
  };
}
