import { durationMs } from '@wavegate/fleet';
import { BackupFailed, openStore, type BackupKeeping, type BackupStore, type StoreSettings } from '@wavegate/kube';
import { Option, type Command } from 'commander';
import { EXIT, ProgramFailure, usage } from '../program-failure.js';
import type { OutputOptions } from './backup-output.js';

/** Options of every verb that writes a backup. */
export interface TargetOptions extends OutputOptions {
  readonly to: string;
  readonly endpointUrl?: string;
  readonly region?: string;
  readonly recipient: readonly string[];
  readonly plaintext?: boolean;
  readonly keep?: string;
  readonly name?: string;
  readonly ttl?: string;
  readonly scratch?: string;
  readonly cluster?: string;
  readonly terminationLog?: string;
}

export const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function storeOptions(command: Command): Command {
  return command
    .addOption(new Option('--endpoint-url <url>', 'S3 server of another maker than Amazon').env('AWS_ENDPOINT_URL_S3'))
    .addOption(new Option('--region <name>', 'S3 region (default: us-east-1)').env('AWS_REGION'))
    .addOption(new Option('--scratch <dir>', 'where plain bytes lie for a moment (default: $TMPDIR)'))
    .addOption(new Option('-o, --output <form>', 'text or json').choices(['text', 'json']).default('text'));
}

export function targetOptions(command: Command): Command {
  command
    .requiredOption('--to <place>', 'a folder, or s3://bucket/prefix (credentials as the AWS tools take them)')
    .addOption(
      new Option('--recipient <age1…>', 'age public key that may open it; give two: the cluster’s and an offline one')
        .argParser(many)
        .default([], 'not encrypted'),
    )
    .option('--plaintext', 'let it leave this host unencrypted')
    .option('--keep <n>', 'keep the newest n of this kind and cluster, remove older ones of ours (default: all)')
    .option('--name <name>', 'put into the file’s name: lower-case letters, digits, dashes')
    .option('--ttl <duration>', 'this one stays so long whatever --keep says, then it goes: 30d, 12h')
    .option('--cluster <name>', 'name in the file’s name (default: this host’s, or the context’s)')
    .addOption(new Option('--termination-log <file>', 'where a Job leaves its receipt').hideHelp());
  return storeOptions(command);
}

export function storeSettings(options: { readonly endpointUrl?: string; readonly region?: string }): StoreSettings {
  return { endpointUrl: options.endpointUrl ?? null, region: options.region ?? null };
}

export function storeOf(options: TargetOptions): BackupStore {
  return openStore(options.to, storeSettings(options));
}

export function keepOf({ keep }: TargetOptions): number | null {
  if (keep === undefined) return null;
  const count = Number(keep);
  if (!Number.isInteger(count) || count < 1) throw usage(`--keep "${keep}": expected a number of backups, at least 1`);
  return count;
}

/** Name and time of this one backup; throws a ProgramFailure that says what would be right. */
export function keepingOf({ name, ttl }: TargetOptions): BackupKeeping {
  if (name !== undefined && !/^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/.test(name)) {
    throw usage(`--name "${name}": expected at most 50 lower-case letters, digits and dashes`);
  }
  return { ...(name === undefined ? {} : { label: name }), ...(ttl === undefined ? {} : { ttlMs: ttlOf(ttl) }) };
}

function ttlOf(text: string): number {
  try {
    return durationMs(text);
  } catch {
    throw usage(`--ttl "${text}": expected a duration such as 30d or 12h`);
  }
}

/** The exit code says what kind of trouble it was; the line on stderr what to do. */
export function toProgramFailure(error: unknown): unknown {
  if (!(error instanceof BackupFailed)) return error;
  const codes = { invalid: EXIT.usage, unreachable: EXIT.unreachable, unauthorized: EXIT.unreachable } as const;
  const known: Readonly<Record<string, number>> = { ...codes, wrong_ca: EXIT.unreachable };
  return new ProgramFailure(error.message, known[error.trouble] ?? EXIT.failure);
}
