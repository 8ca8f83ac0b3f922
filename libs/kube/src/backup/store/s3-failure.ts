import { BackupFailed, messageOf, type BackupTrouble } from '../backup-failed.js';

const OF_STORE: Readonly<Record<string, readonly [BackupTrouble, string]>> = {
  InvalidAccessKeyId: ['unauthorized', 'it does not know this access key'],
  SignatureDoesNotMatch: ['unauthorized', 'the secret key is wrong'],
  AccessDenied: ['unauthorized', 'this credential may not do that there'],
  Forbidden: ['unauthorized', 'this credential may not do that there'],
  ExpiredToken: ['unauthorized', 'the session token has expired'],
  RequestTimeTooSkewed: ['unauthorized', 'the clocks differ too much: set this machine’s clock right'],
  NoSuchBucket: ['invalid', 'there is no such bucket: make it first'],
  NotFound: ['invalid', 'there is no such object or bucket'],
  NoSuchKey: ['invalid', 'there is no such object'],
  QuotaExceeded: ['no_space', 'the quota is used up'],
  XMinioStorageFull: ['no_space', 'the store is full'],
  CredentialsProviderError: ['unauthorized', 'no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
};

/** Stores of other makers have words of their own; the status says at least this much. */
const OF_STATUS: Readonly<Record<number, readonly [BackupTrouble, string]>> = {
  403: ['unauthorized', 'this credential may not do that there'],
  404: ['invalid', 'there is no such object or bucket'],
  507: ['no_space', 'the store is full'],
};

const AWAY =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|TimeoutError|socket hang up/;
const UNTRUSTED = /self.signed|unable to (get|verify)|CERT_|altnames|UNABLE_TO/i;

/** What an object store's refusal means, in words with a cure. */
export function s3Failure(where: string, error: unknown): BackupFailed {
  if (error instanceof BackupFailed) return error;
  const {
    name = '',
    code,
    $metadata,
  } = error as {
    readonly name?: string;
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const said = `${code ?? name}: ${messageOf(error)}`;
  const failed = (trouble: BackupTrouble, words: string): BackupFailed =>
    new BackupFailed(trouble, `${where}: ${words} (${said.slice(0, 200)})`, { cause: error });
  const known = OF_STORE[name];
  if (known) return failed(...known);
  if (UNTRUSTED.test(said)) return failed('wrong_ca', 'its certificate is not trusted: set NODE_EXTRA_CA_CERTS');
  if (AWAY.test(said)) return failed('unreachable', 'no answer from the object store: check --endpoint-url');
  return failed(...(OF_STATUS[$metadata?.httpStatusCode ?? 0] ?? ['unreachable', 'the object store refused']));
}
