import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Metadata, status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import type { Reason } from '@wavegate/fleet';
import { ReasonSchema } from './gen/wavegate/agent/v1/gateway_pb.js';
import { fromWireReason, toWireReason } from './reason-mapper.js';

/** Trailers beside a gRPC status. Binary, since names in the parameters need not be ASCII. */
const REASON_KEY = 'wavegate-reason-bin';
const RETRY_KEY = 'wavegate-retry-after-ms';

/** A refusal as a gRPC status: the code for tools, the reason for the other side, the text for a person. */
export interface Refusal {
  readonly reason: Reason;
  readonly text: string;
  readonly retryAfterMs: number | null;
}

export function toStatus(refusal: Refusal): Pick<StatusObject, 'code' | 'details' | 'metadata'> {
  return { code: statusCodeOf(refusal.reason), details: refusal.text, metadata: toTrailers(refusal) };
}

export function toTrailers(refusal: Pick<Refusal, 'reason' | 'retryAfterMs'>): Metadata {
  const metadata = new Metadata();
  metadata.set(REASON_KEY, Buffer.from(toBinary(ReasonSchema, toWireReason(refusal.reason))));
  if (refusal.retryAfterMs !== null) metadata.set(RETRY_KEY, String(Math.trunc(refusal.retryAfterMs)));
  return metadata;
}

/** The reason beside a status, or null where the other side (or a proxy in the way) gave none. */
export function reasonOfStatus(error: ServiceError | StatusObject): Reason | null {
  const value = error.metadata?.get(REASON_KEY)[0];
  if (!(value instanceof Uint8Array)) return null;
  try {
    return fromWireReason(fromBinary(ReasonSchema, value));
  } catch {
    return null;
  }
}

export function retryAfterOfStatus(error: ServiceError | StatusObject): number | null {
  const value = Number(error.metadata?.get(RETRY_KEY)[0] ?? NaN);
  return Number.isFinite(value) && value >= 0 ? value : null;
}

function statusCodeOf(reason: Reason): status {
  switch (reason.code) {
    case 'token_used':
    case 'token_expired':
    case 'token_unknown':
    case 'certificate_unknown':
      return status.UNAUTHENTICATED;
    case 'certificate_revoked':
    case 'certificate_expired':
    case 'cluster_uid_mismatch':
      return status.PERMISSION_DENIED;
    case 'cluster_name_taken':
    case 'cluster_uid_known':
      return status.ALREADY_EXISTS;
    case 'message_too_large':
    case 'rate_limited':
      return status.RESOURCE_EXHAUSTED;
    case 'message_unknown':
      return status.INVALID_ARGUMENT;
    case 'hub_draining':
    case 'store_unavailable':
      return status.UNAVAILABLE;
    default:
      return status.FAILED_PRECONDITION;
  }
}
