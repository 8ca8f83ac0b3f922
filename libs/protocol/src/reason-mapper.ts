import { create } from '@bufbuild/protobuf';
import type { Reason } from '@wavegate/fleet';
import { ReasonSchema, type Reason as WireReason, type ReasonValue } from './gen/wavegate/agent/v1/gateway_pb.js';
import { carried, present, required, sendable } from './wire-values.js';

export function toWireReason(reason: Reason): WireReason {
  const params = Object.fromEntries(
    Object.entries(reason.params).map(([key, value]) => [
      sendable(key),
      typeof value === 'number'
        ? { value: { case: 'number' as const, value } }
        : { value: { case: 'text' as const, value: sendable(value) } },
    ]),
  );
  return create(ReasonSchema, { code: reason.code, params });
}

/** A code of a newer release is carried; `isReasonCode` tells the reader that knows it from one that does not. */
export function fromWireReason(wire: WireReason | undefined): Reason {
  const { code, params } = required(wire, 'reason');
  return {
    code: carried(present(code, 'reason.code')),
    params: Object.fromEntries(Object.entries(params).flatMap(([key, value]) => fromParam(key, value))),
  };
}

/** A kind of value that this release does not know is left out: a parameter less beats a stream less. */
function fromParam(key: string, { value }: ReasonValue): [string, string | number][] {
  return value.case === undefined ? [] : [[key, value.value]];
}
