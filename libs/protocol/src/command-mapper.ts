import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HubCommand } from '@wavegate/fleet';
import type { HubMessage, HubMessageSchema } from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireOrder, toWireOrder } from './order-mapper.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';
import { fromWireControls, fromWireMeasure, toWireControls, toWireMeasure } from './samples-mapper.js';
import { malformed } from './wire-problem.js';
import { present, safeNumber, wireInteger } from './wire-values.js';

/** A body as it is handed to `create(HubMessageSchema, …)`. */
export type HubBody = NonNullable<MessageInitShape<typeof HubMessageSchema>['body']>;

export function toWireCommand(command: HubCommand): HubBody {
  switch (command.kind) {
    case 'order':
      return { case: 'order', value: toWireOrder(command.order) };
    case 'confirm':
      return { case: 'confirm', value: { orderId: command.orderId, epoch: wireInteger(command.epoch) } };
    case 'withdraw':
      return {
        case: 'withdraw',
        value: { orderId: command.orderId, epoch: wireInteger(command.epoch), reason: toWireReason(command.reason) },
      };
    case 'measure':
      return { case: 'measure', value: toWireMeasure(command.request) };
    case 'controls':
      return { case: 'controls', value: toWireControls(command.controls) };
    case 'goAway':
      return {
        case: 'goAway',
        value: { reason: toWireReason(command.reason), retryAfterMs: Math.trunc(command.retryAfterMs) },
      };
  }
}

/** Throws WireProblem for a body that is no command, or one that this release cannot read. */
export function fromWireCommand(body: HubMessage['body']): HubCommand {
  switch (body.case) {
    case 'order':
      return { kind: 'order', order: fromWireOrder(body.value) };
    case 'confirm':
      return {
        kind: 'confirm',
        orderId: present(body.value.orderId, 'order_id'),
        epoch: safeNumber(body.value.epoch, 'epoch'),
      };
    case 'withdraw':
      return {
        kind: 'withdraw',
        orderId: present(body.value.orderId, 'order_id'),
        epoch: safeNumber(body.value.epoch, 'epoch'),
        reason: fromWireReason(body.value.reason),
      };
    case 'measure':
      return { kind: 'measure', request: fromWireMeasure(body.value) };
    case 'controls':
      return { kind: 'controls', controls: fromWireControls(body.value) };
    case 'goAway':
      return { kind: 'goAway', reason: fromWireReason(body.value.reason), retryAfterMs: body.value.retryAfterMs };
    default:
      throw malformed(
        body.case === undefined ? 'a body that this release does not know' : `${body.case} is no command`,
      );
  }
}
