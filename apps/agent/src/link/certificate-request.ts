// The order matters: the library's container reads metadata while it loads.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { CertificateChain } from '@wavegate/protocol';
import { webcrypto, X509Certificate } from 'node:crypto';

x509.cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface CertificateRequest {
  readonly keyPem: string;
  /** PKCS #10, DER. */
  readonly csr: Uint8Array;
}

/** A fresh P-256 key and a request for it. The subject says nothing: the hub writes its own. */
export async function makeCertificateRequest(): Promise<CertificateRequest> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['wavegate agent'] }],
    keys,
    signingAlgorithm: P256,
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), csr: new Uint8Array(request.rawData) };
}

/** What the hub gave, as PEM. Throws when it is empty or cannot be parsed: nothing is saved then. */
export function toPems(given: CertificateChain | undefined): { chainPem: string; rootsPem: string } {
  if (!given || given.chain.length === 0 || given.roots.length === 0) throw new Error('the hub sent no certificate');
  return { chainPem: given.chain.map(toPem).join(''), rootsPem: given.roots.map(toPem).join('') };
}

function toPem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
