import { ServerInterceptingCall, status, type ServerInterceptor } from '@grpc/grpc-js';
import { reason } from '@wavegate/fleet';
import { MESSAGE_LIMIT, toTrailers } from '@wavegate/protocol';

/**
 * grpc-js refuses an oversized message before any handler sees it: the handler learns only that its stream was
 * cancelled, and the agent gets a status without a cause. The refusal goes through the call's public `sendStatus`, so
 * that is where it is seen, counted, and given the reason that the other side can read.
 */
export function oversizeWatch(counted: (reasonCode: string) => void): ServerInterceptor {
  return (_method, call) => {
    const send = call.sendStatus.bind(call);
    call.sendStatus = (sent) => {
      if (sent.code !== status.RESOURCE_EXHAUSTED || sent.metadata) return send(sent);
      const bytes = Number(/\((\d+) vs/.exec(String(sent.details))?.[1] ?? 0);
      const why = reason('message_too_large', { bytes, limit: MESSAGE_LIMIT });
      counted(why.code);
      send({
        ...sent,
        details: `a message is larger than ${MESSAGE_LIMIT} bytes: ${String(sent.details)}`,
        metadata: toTrailers({ reason: why, retryAfterMs: null }),
      });
    };
    return new ServerInterceptingCall(call);
  };
}
