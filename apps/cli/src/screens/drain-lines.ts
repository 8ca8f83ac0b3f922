import type { DrainProgress } from '../gen/types.gen.js';
import { printColumns, type Cell } from './columns.js';
import { sinceText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

/** A node under drain: all its pods in numbers, those that are waited for by name, with whom to ask. */
export function drainLines({ node, counts, waits }: DrainProgress, options: ScreenOptions): string[] {
  const words = Object.entries(counts).flatMap(([state, many]) => (many > 0 ? [`${many} ${state}`] : []));
  const rows = waits.map((wait): Cell[] => [
    { text: wait.pod },
    { text: wait.state, tone: wait.state === 'blocked' ? 'bad' : 'warn' },
    { text: sinceText(wait.since, options) },
    { text: wait.owner || '–' },
    { text: [wait.pdb && `PDB ${wait.pdb}`, wait.detail].filter(Boolean).join(': ') || '–' },
  ]);
  const titles = ['POD', 'STATE', 'FOR', 'OWNER', 'WAITS FOR'];
  const page = { width: options.width, paint: paintOf(options.color), indent: '  ', wrapLast: true };
  return [
    `  node ${node}: ${words.join(', ') || 'no pods'}`,
    ...(rows.length > 0 ? printColumns(titles, rows, page) : []),
  ];
}
