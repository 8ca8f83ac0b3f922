import type { ApiTokenList } from '../gen/types.gen.js';
import { printColumns } from './columns.js';
import { sinceText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

/** API tokens, one line each; a secret is never among them. */
export function renderTokens({ items }: ApiTokenList, options: ScreenOptions): string {
  const ago = (time: string | null): string => (time === null ? 'never' : `${sinceText(time, options)} ago`);
  const rows = items.map(({ id, name, role, scope, createdAt, createdBy, lastUsedAt, revokedAt }) => [
    { text: id, tone: 'strong' as const },
    { text: name },
    { text: role },
    { text: scope || 'all clusters' },
    { text: ago(createdAt) },
    { text: createdBy },
    { text: ago(lastUsedAt) },
    revokedAt === null ? { text: 'valid' } : { text: `revoked ${ago(revokedAt)}`, tone: 'faint' as const },
  ]);
  const titles = ['ID', 'NAME', 'ROLE', 'SCOPE', 'MADE', 'BY', 'LAST USED', 'STATE'];
  return printColumns(titles, rows, { width: options.width, paint: paintOf(options.color) }).join('\n');
}
