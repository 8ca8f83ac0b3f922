import { DEFAULT_BACKUP, unsafeTarget, type BackupSettings } from '@wavegate/kube';
import { Option, type Command } from 'commander';
import { usage } from '../program-failure.js';

/** Options of `run` about backups, as the command line and the environment give them. */
export interface BackupRunOptions {
  readonly agentImage?: string;
  readonly backupTo?: string;
  readonly backupRecipients?: string;
  readonly backupPlaintext?: boolean;
  readonly backupKeep?: string;
  readonly backupEndpointUrl?: string;
  readonly backupRegion?: string;
  readonly backupSecret?: string;
  readonly backupIdentitySecret?: string;
  readonly etcdEndpoints?: string;
  readonly etcdSecret?: string;
}

/** Adds to `run` where backups go and who may read them: for the cluster's admin to say, never for the hub. */
export function backupRunOptions(command: Command): Command {
  const option = (flags: string, text: string, env: string): void => {
    command.addOption(new Option(flags, text).env(env));
  };
  option('--agent-image <ref>', 'this program’s own image, for backup Jobs', 'WAVEGATE_AGENT_IMAGE');
  option(
    '--backup-to <place>',
    `folder of the host, pvc:NAME or s3://bucket/prefix (default: ${DEFAULT_BACKUP.target})`,
    'WAVEGATE_BACKUP_TO',
  );
  option(
    '--backup-recipients <age1…,age1…>',
    'public keys: the cluster’s and an offline one',
    'WAVEGATE_BACKUP_RECIPIENTS',
  );
  option('--backup-plaintext', 'let backups leave the host unencrypted', 'WAVEGATE_BACKUP_PLAINTEXT');
  option('--backup-keep <n>', `how many of a kind stay (default: ${DEFAULT_BACKUP.keep})`, 'WAVEGATE_BACKUP_KEEP');
  option('--backup-endpoint-url <url>', 'S3 server of another maker than Amazon', 'WAVEGATE_BACKUP_ENDPOINT_URL');
  option('--backup-region <name>', 'S3 region', 'WAVEGATE_BACKUP_REGION');
  option(
    '--backup-secret <name>',
    'Secret in wavegate-nodes with AWS_ACCESS_KEY_ID and so on',
    'WAVEGATE_BACKUP_SECRET',
  );
  option(
    '--backup-identity-secret <name>',
    'Secret in wavegate-nodes with key.txt, an age private key: restore drills open backups with it (default: none)',
    'WAVEGATE_BACKUP_IDENTITY_SECRET',
  );
  option('--etcd-endpoints <url,url>', 'an etcd beside the cluster', 'WAVEGATE_ETCD_ENDPOINTS');
  option(
    '--etcd-secret <name>',
    'Secret in wavegate-nodes with ca.crt, tls.crt and tls.key for it',
    'WAVEGATE_ETCD_SECRET',
  );
  return command;
}

/** Checks them; throws a ProgramFailure that names the option and what would be right. */
export function readBackupSettings(options: BackupRunOptions): BackupSettings {
  const recipients = listOf(options.backupRecipients).map(readRecipient);
  const settings: BackupSettings = {
    image: options.agentImage ?? DEFAULT_BACKUP.image,
    target: readTarget(options.backupTo ?? DEFAULT_BACKUP.target),
    endpointUrl: options.backupEndpointUrl ?? null,
    region: options.backupRegion ?? null,
    recipients,
    plaintext: options.backupPlaintext ?? false,
    keep: readKeep(options.backupKeep),
    credentialsSecret: options.backupSecret ?? null,
    ...(options.backupIdentitySecret ? { identitySecret: options.backupIdentitySecret } : {}),
    externalEtcd: readEtcd(options),
  };
  const unsafe = unsafeTarget(settings);
  if (unsafe) throw usage(unsafe);
  return settings;
}

function readTarget(text: string): string {
  if (/^(\/[^\0]+|pvc:[a-z0-9]([-a-z0-9.]*[a-z0-9])?|s3:\/\/[a-z0-9][a-z0-9.-]+(\/.*)?)$/.test(text)) return text;
  throw usage(`--backup-to "${text}": expected /a/folder of the host, pvc:NAME or s3://bucket/prefix`);
}

/** Private keys have no business here; one that is given is not repeated on the screen. */
function readRecipient(text: string): string {
  if (/^age1[a-z0-9]+$/.test(text)) return text;
  if (/^age-secret-key/i.test(text)) throw usage('--backup-recipients holds a private key: give public ones (age1…)');
  throw usage(`--backup-recipients "${text.slice(0, 80)}": expected age public keys (age1…), separated by commas`);
}

function readKeep(text: string | undefined): number {
  const keep = text === undefined ? DEFAULT_BACKUP.keep : Number(text);
  if (!Number.isInteger(keep) || keep < 1) throw usage(`--backup-keep "${text}": expected a number of at least 1`);
  return keep;
}

function readEtcd({ etcdEndpoints, etcdSecret }: BackupRunOptions): BackupSettings['externalEtcd'] {
  const endpoints = listOf(etcdEndpoints);
  if (endpoints.length === 0 && !etcdSecret) return null;
  if (endpoints.length === 0 || !etcdSecret) throw usage('--etcd-endpoints and --etcd-secret belong together');
  const wrong = endpoints.find((endpoint) => !/^https:\/\/[^/]+$/.test(endpoint));
  if (wrong) throw usage(`--etcd-endpoints "${wrong}": expected https://HOST:PORT`);
  return { endpoints, secret: etcdSecret };
}

const listOf = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
