import type { GatewayCall } from '@wavegate/protocol';
import { X509Certificate } from 'node:crypto';
import { clusterOf, serialOf } from './cluster-identity.js';

/** Who is at the other end, by its certificate alone. */
export interface Peer {
  readonly clusterId: string;
  readonly serial: string;
  /** Epoch ms. */
  readonly notAfter: number;
}

/**
 * Read once, when the stream starts: grpc-js works the context out anew at each call and gives an empty one when the
 * socket is gone. TLS has verified the chain by then; null where the certificate names no cluster.
 */
export function readPeer(call: GatewayCall): Peer | null {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  if (!raw) return null;
  const certificate = new X509Certificate(raw);
  const clusterId = clusterOf(certificate);
  if (clusterId === null) return null;
  return { clusterId, serial: serialOf(certificate), notAfter: Date.parse(certificate.validTo) };
}
