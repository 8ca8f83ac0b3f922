import { status, type ServiceError } from '@grpc/grpc-js';
import type { Reason } from '@wavegate/fleet';
import { reasonOfStatus, retryAfterOfStatus } from '@wavegate/protocol';

/** Enrolment or renewal did not happen; `message` is the one line to show. */
export class EnrolmentRefused extends Error {
  override readonly name = 'EnrolmentRefused';

  constructor(
    message: string,
    readonly reason: Reason | null,
    /** Null: do not try again by yourself; a person must do something first. */
    readonly retryAfterMs: number | null,
  ) {
    super(message);
  }
}

const RETRY_MS = 5_000;

/** The status of a call as a refusal. Without a reason it never reached the hub, or something in between answered. */
export function toEnrolmentRefused(error: unknown): EnrolmentRefused {
  const { code, details } = error as Partial<ServiceError>;
  if (code === undefined) return new EnrolmentRefused(String(error), null, null);
  const why = reasonOfStatus(error as ServiceError);
  const hint = retryAfterOfStatus(error as ServiceError);
  if (why) return new EnrolmentRefused(details ?? why.code, why, hint);
  const passing = code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
  return new EnrolmentRefused(`enrolment failed: ${details ?? ''}`, null, passing ? (hint ?? RETRY_MS) : null);
}
