import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { CliFailure, EXIT } from './cli-failure.js';
import type { Surroundings } from './surroundings.js';

type Env = Surroundings['env'];

export interface HubAddress {
  readonly url: string;
  readonly token: string;
}

interface ContextsFile {
  readonly current: string;
  readonly contexts: Readonly<Record<string, HubAddress>>;
}

const EMPTY: ContextsFile = { current: '', contexts: {} };

export function contextsPath(env: Env): string {
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config');
  return join(base, 'wavegate', 'config.json');
}

/**
 * The hub to talk to: WAVEGATE_URL with WAVEGATE_TOKEN, each over what the chosen context says; null when nothing says
 * where the hub is. A context that is named and not there is a mistake, not an absence.
 */
export function findHub(env: Env, context?: string): HubAddress | null {
  const file = readContexts(env);
  const name = context ?? env['WAVEGATE_CONTEXT'] ?? file.current;
  const stored = file.contexts[name];
  if (context !== undefined && !stored) {
    const known = Object.keys(file.contexts).join(', ') || 'none';
    throw new CliFailure(`There is no context "${context}" in ${contextsPath(env)}; it has: ${known}`, EXIT.usage);
  }
  const url = env['WAVEGATE_URL'] || stored?.url;
  if (!url) return null;
  return { url: checkedUrl(url), token: env['WAVEGATE_TOKEN'] || tokenFor(url, stored) };
}

/** A stored token goes to the hub it was stored for and to no other. */
function tokenFor(url: string, stored: HubAddress | undefined): string {
  return stored && checkedUrl(url) === stored.url ? stored.token : '';
}

export function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CliFailure(`"${text}" is not the address of a hub; write for example http://127.0.0.1:8080`, EXIT.usage);
  }
  return text.replace(/\/+$/, '');
}

/** Stores a context and makes it the current one. The file holds secrets: 0600, and replaced as a whole. */
export function storeContext(env: Env, name: string, hub: HubAddress): string {
  const path = contextsPath(env);
  const file = readContexts(env);
  const changed: ContextsFile = { current: name, contexts: { ...file.contexts, [name]: hub } };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(changed, null, 2)}\n`, { mode: 0o600 });
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
  return path;
}

function readContexts(env: Env): ContextsFile {
  const path = contextsPath(env);
  if (!existsSync(path)) return EMPTY;
  try {
    const read = JSON.parse(readFileSync(path, 'utf8')) as Partial<ContextsFile>;
    return { ...EMPTY, ...read };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure(`${path} cannot be read: ${why}. Mend it, or remove it and log in again.`);
  }
}
