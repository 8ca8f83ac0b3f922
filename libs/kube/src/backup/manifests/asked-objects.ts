import { BackupFailed } from '../backup-failed.js';
import { ApiRefusal, type ApiStream } from './api-stream.js';
import type { ExportFilter } from './export-objects.js';

const SHOWN = 10;

interface NameList {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

/** Refuses a namespace that is not there: an export of it would be empty, and look like one. */
export async function mustHaveNamespaces(api: ApiStream, wanted: readonly string[]): Promise<void> {
  if (wanted.length === 0) return;
  const there = await namesOf(api);
  if (there === null) return;
  const unknown = wanted.filter((name) => !there.includes(name));
  if (unknown.length === 0) return;
  const more = there.length > SHOWN ? `, … (${there.length})` : '';
  const known = `this cluster has ${there.slice(0, SHOWN).join(', ')}${more}`;
  throw new BackupFailed('invalid', `there is no namespace ${unknown.join(', ')}: ${known}`);
}

/** Null: these credentials may not list namespaces; what is left out of the export by `--skip` needs no right. */
async function namesOf(api: ApiStream): Promise<readonly string[] | null> {
  try {
    const { items } = await api.json<NameList>('/api/v1/namespaces');
    return items.map(({ metadata }) => metadata.name).sort();
  } catch (error) {
    if (error instanceof ApiRefusal && error.code === 403) return null;
    throw error;
  }
}

/** Refuses an export that holds nothing of what was asked for. Namespaces themselves are always written, so they do not count. */
export function mustHoldObjects(
  byKind: Readonly<Record<string, number>>,
  { namespaces, selector }: ExportFilter,
): void {
  const { namespaces: written = 0, ...others } = byKind;
  const objects = Object.values(others).reduce((sum, count) => sum + count, 0);
  if (objects > 0 || (selector === '' && written > 0)) return;
  const where = namespaces.length > 0 ? ` in ${namespaces.join(', ')}` : '';
  const what = selector === '' ? 'there is no object to export' : `no object has the labels ${selector}`;
  throw new BackupFailed('invalid', `${what}${where}: nothing would be in this backup`);
}
