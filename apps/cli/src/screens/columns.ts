import { plainText, type Paint, type Tone } from './paint.js';

export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Page {
  /** Characters per line; Infinity where nobody reads on a terminal: nothing is cut then. */
  readonly width: number;
  readonly paint: Paint;
  readonly indent?: string;
  /** The last column is continued on lines of its own instead of being cut. */
  readonly wrapLast?: boolean;
}

const GAP = '  ';
/** Narrower than this, a wrapped last column reads like a newspaper: it moves below its row instead. */
const LEAST_WRAPPED = 30;

/** Columns as kubectl prints them: no borders, two spaces between, as wide as their widest cell. */
export function printColumns(titles: readonly string[], rows: readonly (readonly Cell[])[], page: Page): string[] {
  const { paint, indent = '', wrapLast = false } = page;
  const widths = titles.map((title, at) =>
    Math.max(lengthOf(title), ...rows.map((row) => lengthOf(row[at]?.text ?? ''))),
  );
  const last = titles.length - 1;
  const before = lengthOf(indent) + widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0);
  const header = titles.map((text) => ({ text, tone: 'faint' as const }));
  const put = (cells: readonly Cell[]): string => putRow(cells, widths, { width: page.width, paint, indent });
  if (!wrapLast || page.width === Infinity) return [header, ...rows].map(put);
  const below = page.width - before < LEAST_WRAPPED;
  const start = below ? lengthOf(indent) + 4 : before;
  const lines = rows.flatMap((row) => {
    const wrapped = wrapText(row[last]?.text ?? '', page.width - start);
    const tone = row[last]?.tone;
    const first = below ? '' : (wrapped.shift() ?? '');
    return [
      put([...row.slice(0, last), { text: first, ...(tone ? { tone } : {}) }]),
      ...wrapped.map((text) => ' '.repeat(start) + paint(text, tone)),
    ];
  });
  return [put(header), ...lines];
}

function putRow(
  cells: readonly Cell[],
  widths: readonly number[],
  page: { readonly width: number; readonly paint: Paint; readonly indent: string },
): string {
  let left = page.width - lengthOf(page.indent);
  let line = page.indent;
  cells.forEach(({ text, tone }, at) => {
    const gap = at === 0 ? '' : GAP;
    const room = left - gap.length;
    if (room <= 0) return;
    const shown = cutText(text, room);
    const padding = at === cells.length - 1 ? 0 : Math.max(0, Math.min(room, widths[at] ?? 0) - lengthOf(shown));
    line += gap + page.paint(shown, tone) + ' '.repeat(padding);
    left -= gap.length + lengthOf(shown) + padding;
  });
  return line.trimEnd();
}

/** Characters as a person counts them; our names and sentences have no double-width ones. */
export function lengthOf(text: string): number {
  return [...text].length;
}

export function cutText(text: string, width: number): string {
  if (lengthOf(text) <= width) return text;
  return width < 1 ? '' : `${[...text].slice(0, width - 1).join('')}…`;
}

/** Words on lines of at most `width`; a longer word keeps a line for itself and is not torn (it may be a command). */
export function wrapText(text: string, width: number, firstWidth: number = width): string[] {
  if (lengthOf(text) <= firstWidth) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && lengthOf(longer) > (lines.length === 0 ? firstWidth : width)) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** `text` after `start`, its further lines indented by `hang` (as far as `start` is long, unless told). */
export function hangText(start: string, text: string, width: number, hang?: number): string[] {
  const begun = lengthOf(plainText(start));
  const indent = hang ?? begun;
  const [first = '', ...rest] = wrapText(text, Math.max(20, width - indent), Math.max(20, width - begun));
  return [start + first, ...rest.map((line) => ' '.repeat(indent) + line)];
}
