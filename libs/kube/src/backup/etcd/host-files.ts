import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parse } from 'yaml';
import { BackupFailed, diskFailure, messageOf } from '../backup-failed.js';
import { findRunning } from './host-programs.js';

/** A file of the host that belongs to a backup: without it a restored etcd is of no use. */
export interface HostFile {
  /** In the archive. */
  readonly name: string;
  readonly file: string;
}

export interface HostFilesAsked {
  /** The cluster's PKI folder. */
  readonly pki: string | null;
  /** The static pods' folder: it says how the API server is started. */
  readonly manifests: string | null;
  /** Named by a person; otherwise found by the API server's own flag. */
  readonly encryptionConfig: string | null;
  /** Of the etcd that is saved. */
  readonly etcdPort: string;
}

export const ENCRYPTION_NAME = 'encryption/encryption-provider-config.yaml';
const FLAG = '--encryption-provider-config';

/** Everything beside the database: PKI, static pods, EncryptionConfiguration. Reads nothing but names yet. */
export async function hostFiles(asked: HostFilesAsked): Promise<readonly HostFile[]> {
  const encryption = asked.encryptionConfig ?? (await encryptionConfigInUse(asked));
  return [
    ...(asked.pki ? await filesBelow(asked.pki, 'pki') : []),
    ...(asked.manifests ? await filesBelow(asked.manifests, 'manifests') : []),
    ...(encryption ? [{ name: ENCRYPTION_NAME, file: await readable(encryption) }] : []),
  ];
}

async function filesBelow(dir: string, name: string): Promise<readonly HostFile[]> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const files: HostFile[] = [];
    for (const entry of entries) {
      const file = join(entry.parentPath, entry.name);
      // Links are followed: what counts is what the programs read.
      if (!(await stat(file)).isFile()) continue;
      files.push({ name: `${name}/${relative(resolve(dir), resolve(file))}`, file });
    }
    return files.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw diskFailure(`reading ${dir}`, error);
  }
}

/** As the running API server says, or its static pod. Null: encryption at rest is not configured, as far as is seen here. */
async function encryptionConfigInUse({ manifests, etcdPort }: HostFilesAsked): Promise<string | null> {
  const running = findRunning('kube-apiserver', `:${etcdPort}`);
  const path = flagValue(running?.args ?? [], FLAG) ?? flagValue(await wordsOfStaticPod(manifests), FLAG);
  if (path === null) return null;
  const candidates = [...(running ? [join(running.root, path)] : []), path];
  for (const file of candidates) if (await isFile(file)) return file;
  const cure = 'give it with --encryption-config FILE: without it no Secret of this backup could be read again';
  throw new BackupFailed(
    'incomplete',
    `the API server encrypts at rest by ${path}, which cannot be read here; ${cure}`,
  );
}

/**
 * The value of an API server's flag in every form that it takes: `--flag=value`, two words, `_` for `-`, or within a
 * shell's command line; the last one wins, as there. Null: it is not among the words.
 */
export function flagValue(words: readonly string[], flag: string): string | null {
  let found: string | null = null;
  words.forEach((word, at) => {
    const [name = '', ...rest] = word.split('=');
    if (/\s/.test(name)) found = flagValue(shellWords(word), flag) ?? found;
    else if (name.replaceAll('_', '-') === flag) found = rest.length > 0 ? rest.join('=') : (words[at + 1] ?? found);
  });
  return found;
}

/** Good enough for flags and paths: quotes are dropped, nothing is expanded. */
const shellWords = (line: string): readonly string[] =>
  line
    .split(/\s+/)
    .map((word) => word.replace(/['"]/g, ''))
    .filter(Boolean);

async function wordsOfStaticPod(manifests: string | null): Promise<readonly string[]> {
  if (!manifests) return [];
  const text = await readFile(join(manifests, 'kube-apiserver.yaml'), 'utf8').catch(() => null);
  if (text === null) return [];
  type Pod = { spec?: { containers?: { command?: string[]; args?: string[] }[] } };
  try {
    const pod = parse(text) as Pod;
    return pod.spec?.containers?.flatMap(({ command = [], args = [] }) => [...command, ...args]) ?? [];
  } catch (error) {
    throw new BackupFailed('invalid', `${join(manifests, 'kube-apiserver.yaml')} is no YAML: ${messageOf(error)}`);
  }
}

async function readable(file: string): Promise<string> {
  if (await isFile(file)) return file;
  throw new BackupFailed('invalid', `--encryption-config ${file}: there is no such file that can be read`);
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}
