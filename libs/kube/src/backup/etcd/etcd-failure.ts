import { status, type ServiceError } from '@grpc/grpc-js';
import { BackupFailed, messageOf, type BackupTrouble } from '../backup-failed.js';

const UNTRUSTED =
  /unable to (get|verify)|self.signed certificate|UNABLE_TO|SELF_SIGNED|ERR_TLS_CERT_ALTNAME|altnames|CERT_/i;
const CREDENTIAL = /alert (bad certificate|certificate|unknown ca|access denied)|bad certificate|certificate required/i;
const BROKEN_PAIR = /key values mismatch|PEM|bad decrypt|no start line/i;

/** What a failed call of etcd means for whoever wanted a backup. */
export function etcdFailure(endpoint: string, error: unknown): BackupFailed {
  if (error instanceof BackupFailed) return error;
  const { code, details } = error as Partial<ServiceError>;
  const said = details || messageOf(error);
  const failed = (trouble: BackupTrouble, words: string): BackupFailed =>
    new BackupFailed(trouble, `etcd at ${endpoint}: ${words}`, { cause: error });
  if (code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED) {
    return failed('unauthorized', `the client certificate is known, but has no right to this (${said})`);
  }
  if (CREDENTIAL.test(said)) return failed('unauthorized', `it refuses the client certificate (${said})`);
  if (UNTRUSTED.test(said)) {
    return failed('wrong_ca', `its certificate is not signed by the given CA, or is for another name (${said})`);
  }
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) {
    return failed('unreachable', `no answer (${said}); with the wrong client certificate it may just hang up`);
  }
  return failed('unreachable', said);
}

/** Key and certificate that do not belong together are found before anything is dialled. */
export function tlsFailure(error: unknown): BackupFailed {
  const said = messageOf(error);
  const words = BROKEN_PAIR.test(said) ? 'certificate, key and CA do not make a pair' : 'the TLS files cannot be used';
  return new BackupFailed('unauthorized', `${words} (${said})`, { cause: error });
}
