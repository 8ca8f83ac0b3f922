/** Numbers that both sides of the wire keep; the source of each is the reference page on reliability, section E. */

/** Largest message either side takes, bytes. Logs and long lists go in pieces. */
export const MESSAGE_LIMIT = 1024 * 1024;

/** Application heartbeat: load balancers count neither HTTP/2 pings nor TCP keepalives as life (ALB: 60 s). */
export const HEARTBEAT_MS = 15_000;

/** A side that heard nothing at all for this long takes the stream for dead: four heartbeats. */
export const SILENCE_MS = 60_000;

/** Most messages that may be sent and not yet acknowledged, per side. */
export const WINDOW = 64;

/** The first message must be a hello within this time; a connection that says nothing must not keep a place. */
export const HELLO_TIMEOUT_MS = 10_000;

/** A certificate that expired this long ago can still be renewed by its key. */
export const RENEWAL_GRACE_MS = 30 * 24 * 3_600_000;

/** How far the two sides' clocks may stand apart when a renewal is proven. */
export const PROOF_TOLERANCE_MS = 5 * 60_000;

/** HTTP/2 keepalive, both sides: finds half-open connections that TCP would keep for a quarter of an hour. */
export const KEEPALIVE = {
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
} as const;
