import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { BackupFailed, diskFailure, messageOf } from '../backup-failed.js';
import { formsText, formText, type StoredForm } from './stored-forms.js';

interface Provider {
  readonly name?: string;
  readonly keys?: readonly { readonly name?: string }[];
}
interface EncryptionConfiguration {
  readonly resources?: readonly { readonly providers?: readonly Readonly<Record<string, Provider | null>>[] }[];
}

/** What an EncryptionConfiguration can open, by name only: whether a key is the right one shows when it is used. */
export interface EncryptionKeys {
  /** "aescbc key1", "kms vault" */
  readonly names: ReadonlySet<string>;
  /** Plugins whose keys are elsewhere: no copy of the file opens what they closed. */
  readonly plugins: readonly string[];
}

/** Throws BackupFailed where it cannot be read, or is none. */
export async function readEncryptionKeys(file: string): Promise<EncryptionKeys> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw diskFailure(`the EncryptionConfiguration ${file}`, error);
  });
  const providers = providersOf(text, file);
  const plugins = providers.flatMap(([kind, provider]) => (kind === 'kms' ? [String(provider?.name)] : []));
  const names = new Set([...plugins.map((name) => `kms ${name}`), ...providers.flatMap(keyNames)]);
  return { names, plugins: [...new Set(plugins)].sort() };
}

function keyNames([kind, provider]: readonly [string, Provider | null]): readonly string[] {
  return (provider?.keys ?? []).map(({ name }) => `${kind} ${name}`);
}

function providersOf(text: string, file: string): readonly (readonly [string, Provider | null])[] {
  try {
    const { resources } = parse(text) as EncryptionConfiguration;
    if (!Array.isArray(resources)) throw new Error('it has no list of resources');
    return (resources as NonNullable<EncryptionConfiguration['resources']>).flatMap(({ providers = [] }) =>
      providers.flatMap((one) => Object.entries(one)),
    );
  } catch (error) {
    throw new BackupFailed('invalid', `${file} is no EncryptionConfiguration: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * A sentence for the receipt where values are stored encrypted and the configuration has keys of their names. Throws
 * BackupFailed `incomplete` otherwise: such a backup holds what nobody could ever read again.
 */
export function mustHaveKeys(stored: readonly StoredForm[], keys: EncryptionKeys | null): string | null {
  if (stored.length === 0) return null;
  const lost = stored.find((form) => !keys?.names.has(formText(form)));
  if (!lost) return `encrypted at rest: ${formsText(stored)}; the EncryptionConfiguration names these keys`;
  const what = `it holds values encrypted by ${formText(lost)} (${lost.keys.toLocaleString('en-US')}, for instance ${lost.sample})`;
  const why = keys ? 'the EncryptionConfiguration has no such key' : 'no EncryptionConfiguration was found';
  const cure =
    'without it they could never be read again: give the file that the API server uses by --encryption-config';
  throw new BackupFailed('incomplete', `${what}, and ${why}; ${cure}`);
}
