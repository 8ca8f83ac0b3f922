import {
  newestBackup,
  openStore,
  openStoreOf,
  verifyBackup,
  type BackupKind,
  type BackupStore,
  type Verified,
} from '@wavegate/kube';
import { Command, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { usage } from '../program-failure.js';
import { many, storeOptions, storeSettings, toProgramFailure } from './backup-options.js';
import { leaveTermination, ProgressLine, size, type OutputOptions } from './backup-output.js';

interface VerifyOptions extends OutputOptions {
  readonly identity: readonly string[];
  readonly restore: boolean;
  readonly etcdBin?: string;
  readonly apiserverBin?: string;
  readonly programsOfPort?: string;
  readonly endpointUrl?: string;
  readonly region?: string;
  readonly scratch?: string;
  readonly latest?: BackupKind;
  readonly from?: string;
  readonly cluster?: string;
  readonly terminationLog?: string;
}

const LEVELS = {
  bytes: 'the stored bytes are those that were put there; it was not opened',
  contents: 'whole, and readable to its end',
  restore: 'restored into a scratch etcd',
} as const;

const HELP = `
Checks the bytes against the receipt beside the file, decrypts them, reads every page of the snapshot, and restores it
into a scratch etcd that nobody else can reach. Without --identity only the stored bytes are checked.

  wavegate-agent backup verify /var/backups/etcd/wavegate-etcd-….tar.age --identity recovery.txt --etcd-bin /opt/etcd
  wavegate-agent backup verify s3://backups/prod/wavegate-manifests-….tar.gz --endpoint-url https://s3.example
  wavegate-agent backup verify --latest etcd --cluster prod-fra-1 --from s3://backups/prod --identity recovery.txt

Exit codes: 0 good as far as it says · 1 damaged, incomplete, or encrypted to other keys · 2 an option is wrong ·
4 the store does not answer, or refuses us.`;

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('proves a stored backup again: bytes, contents, and a restore')
    .argument('[file]', 'the backup: a path or an s3:// URL; its receipt lies beside it')
    .addOption(
      new Option('--latest <kind>', 'the newest of this kind, in the place of a file').choices(['etcd', 'manifests']),
    )
    .option('--from <place>', 'with --latest: the folder, or s3://bucket/prefix')
    .option('--cluster <name>', 'with --latest: as in the names of its backups')
    .addOption(
      new Option('--identity <file>', 'file with age private keys, one a line').argParser(many).default([], 'none'),
    )
    .option('--no-restore', 'no scratch etcd: bytes and contents only')
    .option('--etcd-bin <dir>', 'folder of etcd and etcdutl (default: the PATH)')
    .option('--apiserver-bin <file>', 'kube-apiserver to boot on the restore, and read a Secret by')
    .addOption(
      new Option('--programs-of-port <port>', 'the etcd and API server that run here on it, for the proof').hideHelp(),
    )
    .addOption(new Option('--termination-log <file>', 'where a Job leaves its receipt').hideHelp())
    .addHelpText('after', HELP);
  return storeOptions(command).action((file: string | undefined, options: VerifyOptions) => verify(file, options));
}

/** The one that was named, or the newest of its kind and cluster. */
async function chosen(file: string | undefined, options: VerifyOptions): Promise<{ store: BackupStore; name: string }> {
  const { latest, from, cluster } = options;
  if (file !== undefined && latest === undefined) return openStoreOf(file, storeSettings(options));
  if (file !== undefined || latest === undefined) throw usage('name a file, or ask for the newest by --latest');
  if (!from || !cluster) throw usage('--latest needs --from PLACE and --cluster NAME, as in the names of the backups');
  const store = openStore(from, storeSettings(options));
  return { store, name: await newestBackup(store, latest, cluster) };
}

async function verify(file: string | undefined, options: VerifyOptions): Promise<void> {
  const line = new ProgressLine();
  let verified: Verified;
  try {
    const { store, name } = await chosen(file, options);
    verified = await verifyBackup(
      {
        store,
        name,
        identities: options.identity.flatMap(keysIn),
        restore: options.restore,
        etcdBin: options.etcdBin ?? null,
        apiServerBin: options.apiserverBin ?? null,
        ...(options.programsOfPort ? { programsOfPort: options.programsOfPort } : {}),
        scratch: options.scratch ?? null,
      },
      line.say,
    );
  } catch (error) {
    line.end();
    leaveTermination(options.terminationLog, { error: error instanceof Error ? error.message : String(error) });
    throw toProgramFailure(error);
  }
  line.end();
  const { receipt, level, checks } = verified;
  const drill = { provenAt: Date.now(), verified: level === 'restore' ? level : ('status' as const), checks };
  leaveTermination(options.terminationLog, { receipt, drill });
  if (options.output === 'json') return console.log(JSON.stringify({ level, checks, receipt }, null, 2));
  const { kind, cluster, takenAt, object } = receipt;
  console.log(`${kind} of ${cluster}, taken ${takenAt}, ${size(object.sizeBytes)}: ${LEVELS[level]}`);
  for (const check of checks) console.log(`  · ${check}`);
}

/** As `age-keygen` writes it: comments, and a key a line. The keys themselves never reach a message. */
function keysIn(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(
      `--identity ${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : 'cannot be read'}`,
    );
  }
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw usage(`--identity ${file}: it holds no key`);
  return keys;
}
