import type { LinkRefusal } from '@wavegate/runtime/agent';
import { reason } from '@wavegate/fleet';
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls';
import { lifeOf, type AgentIdentity } from './identity.js';

const PROBE_MS = 5_000;

/** "host:port" or "[v6]:port". */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`"${address}" is no address: expected host:port`);
  }
  return { host, port };
}

/**
 * Every certificate that the other side shows, DER, leaf first. Trusts nothing and sends nothing: it is how an agent
 * that knows only the CA's hash gets to see the CA. Rejects when there is no TLS at the address.
 */
export async function presentedChain(address: string): Promise<readonly Buffer[]> {
  const socket = await handshake(address, { rejectUnauthorized: false });
  const chain: Buffer[] = [];
  let next: PeerCertificate & { issuerCertificate?: PeerCertificate } = socket.getPeerCertificate(true);
  while (next?.raw && !chain.some((seen) => seen.equals(next.raw))) {
    chain.push(next.raw);
    next = next.issuerCertificate as typeof next;
  }
  socket.destroy();
  return chain;
}

/**
 * grpc-js says "failed to connect" for every broken handshake. This tries once more by hand, with the same key and
 * roots, and says which one it was: nobody there, their CA, our certificate.
 */
export async function diagnose(address: string, identity: AgentIdentity, at: number): Promise<LinkRefusal> {
  const { notAfter } = lifeOf(identity);
  if (notAfter <= at) return expired(notAfter);
  let socket: TLSSocket;
  try {
    socket = await handshake(address, {
      ca: identity.rootsPem,
      cert: identity.chainPem,
      key: identity.keyPem,
    });
  } catch (error) {
    return causeOfHandshake(address, error as NodeJS.ErrnoException);
  }
  // In TLS 1.3 the client is done before the server has looked at its certificate: the answer comes afterwards.
  const answer = await new Promise<string>((conclude) => {
    setTimeout(() => conclude('talks'), PROBE_MS).unref();
    socket.once('data', () => conclude('talks'));
    socket.once('error', (error: NodeJS.ErrnoException) => conclude(error.code ?? ''));
    socket.once('close', () => conclude(''));
  });
  socket.destroy();
  if (answer !== 'talks') return causeOfRejection(address, answer, notAfter);
  return refusal('unreachable', `the hub at ${address} answers, but not as a Wavegate gateway`);
}

function handshake(address: string, options: ConnectionOptions): Promise<TLSSocket> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ALPNProtocols: ['h2'],
      servername: /^[\d.]+$|:/.test(host) ? '' : host,
      ...options,
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
    }, PROBE_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

const UNKNOWN_ISSUER = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** What broke before the handshake was done: nobody there, or their certificate. */
function causeOfHandshake(address: string, error: NodeJS.ErrnoException): LinkRefusal {
  const { code = error.message } = error;
  if (UNKNOWN_ISSUER.has(code)) {
    return refusal('unknownCa', `the hub at ${address} shows a certificate of a CA that this agent does not trust`);
  }
  if (code === 'CERT_HAS_EXPIRED') {
    return refusal('unreachable', `the certificate of the hub at ${address} has expired`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return refusal('unreachable', `the hub's certificate does not name ${address}: add it to the hub's names`);
  }
  return refusal('unreachable', `no hub at ${address}: ${code}`);
}

/** What the hub thinks of our certificate: an alert, or a close without a word, which is what Node's TLS server does. */
function causeOfRejection(address: string, alert: string, notAfter: number): LinkRefusal {
  if (alert.includes('CERTIFICATE_EXPIRED')) return expired(notAfter);
  if (alert.includes('CERTIFICATE_REVOKED')) {
    const message = "this agent's certificate was revoked";
    return { ...refusal('certificateRevoked', message), reason: reason('certificate_revoked') };
  }
  const message = `the hub at ${address} does not accept this agent's certificate: it comes from another CA`;
  return { ...refusal('unknownCa', message), reason: reason('certificate_unknown') };
}

export function expired(notAfter: number): LinkRefusal {
  return {
    ...refusal('certificateExpired', `this agent's certificate expired at ${new Date(notAfter).toISOString()}`),
    reason: reason('certificate_expired', { expiredAt: notAfter }),
  };
}

export function refusal(kind: LinkRefusal['kind'], message: string): LinkRefusal {
  return { kind, reason: null, message, retryAfterMs: null };
}
