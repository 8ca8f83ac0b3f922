/**
 * The text that the present certificate's key signs to renew itself (enrolment.proto). It binds the moment and the
 * request: a recorded proof is worth nothing five minutes later, nor for somebody else's key.
 * `csrSha256` is lower-case hex; this room has no hash function of its own.
 */
export function renewalProofText(proofAt: number, csrSha256: string): string {
  return `wavegate renew\n${proofAt}\n${csrSha256}`;
}
