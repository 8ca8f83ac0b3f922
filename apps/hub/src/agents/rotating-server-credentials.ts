import { ServerCredentials } from '@grpc/grpc-js';
import type { SecureContextOptions } from 'node:tls';
import type { CertificateAuthority, ServerIdentity } from './certificate-authority.js';

/**
 * Server credentials whose certificate can be changed while the listener runs. `ServerCredentials.createSsl` is static,
 * and grpc-js's file watcher is marked experimental; its base class is public, and `updateSecureContextOptions` is what
 * it offers to subclasses: new handshakes get the new certificate, streams that are open keep theirs.
 */
export class RotatingServerCredentials extends ServerCredentials {
  constructor(authority: CertificateAuthority, identity: ServerIdentity, clientCertificates: 'required' | 'none') {
    super({ requestCert: clientCertificates === 'required', rejectUnauthorized: true }, contextOf(authority, identity));
  }

  rotate(authority: CertificateAuthority, identity: ServerIdentity): void {
    this.updateSecureContextOptions(contextOf(authority, identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf(authority: CertificateAuthority, identity: ServerIdentity): SecureContextOptions {
  return {
    ca: authority.rootPem,
    cert: identity.chainPem,
    key: identity.keyPem,
    // Both ends are ours and run on Node 24.
    minVersion: 'TLSv1.3',
  };
}
