import { createHash } from 'node:crypto';

/**
 * The bytes that the present certificate's key signs to renew itself (enrolment.proto). They bind the moment and the
 * request: a recorded proof is worth nothing five minutes later, nor for somebody else's key.
 */
export function renewalProofBytes(proofAt: number, csr: Uint8Array): Buffer {
  const digest = createHash('sha256').update(csr).digest('hex');
  return Buffer.from(`wavegate renew\n${proofAt}\n${digest}`, 'utf8');
}
