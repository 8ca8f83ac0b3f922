import { reason, type Reason } from '@wavegate/fleet';

/**
 * The other side sent something that this release cannot take: a body it does not know, a number that does not fit, a
 * sequence that jumps. It ends one stream, is said to the sender as `reason`, and is counted; it never ends a process.
 */
export class WireProblem extends Error {
  override readonly name = 'WireProblem';

  constructor(
    message: string,
    readonly reason: Reason,
  ) {
    super(message);
  }
}

/** `what` is said in the log and the status text; on the wire the code is `message_unknown`. */
export function malformed(what: string): WireProblem {
  return new WireProblem(what, reason('message_unknown'));
}
