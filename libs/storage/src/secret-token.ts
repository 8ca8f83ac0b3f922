import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A token as a person holds it: `id.secret`. The id is public (logs, lists); of the secret only a hash is kept. */
export interface MintedToken {
  readonly id: string;
  readonly text: string;
  readonly secretSha256: string;
}

/** 48 bits of id, 256 bits of secret: a plain hash is enough, since there is nothing to guess. */
export function mintToken(): MintedToken {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return { id, text: `${id}.${secret}`, secretSha256: sha256(secret) };
}

/** The two parts, or null for a text that is no token. */
export function splitToken(text: string): { readonly id: string; readonly secretSha256: string } | null {
  const match = /^([0-9a-f]{12})\.([\w-]{43})$/.exec(text.trim());
  return match?.[1] && match[2] ? { id: match[1], secretSha256: sha256(match[2]) } : null;
}

/** In constant time. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
