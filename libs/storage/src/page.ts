/** One page of a list. `next` is opaque: hand it back as `cursor` to go on; null at the end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | null;
}

/** The text is not a cursor of this list: the caller made it up, or kept it from another one. */
export class CursorInvalid extends Error {
  override readonly name = 'CursorInvalid';
}

export const MOST_PER_PAGE = 500;

export function limitOf({ limit }: PageRequest): number {
  return Math.max(1, Math.min(MOST_PER_PAGE, Math.floor(limit)));
}

/** The list's name is in the cursor, so that one list does not take another one's. */
export function toCursor(list: string, key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...key]), 'utf8').toString('base64url');
}

/** The key after which the page begins; null for the first page. Throws CursorInvalid. */
export function fromCursor(list: string, { cursor }: PageRequest, length: number): readonly (string | number)[] | null {
  if (cursor === undefined || cursor === null || cursor === '') return null;
  const [name, ...key] = parsed(cursor);
  const fits =
    name === list && key.length === length && key.every((part) => ['string', 'number'].includes(typeof part));
  if (!fits) throw new CursorInvalid(`"${cursor}" is not a cursor of ${list}`);
  return key as (string | number)[];
}

/** Rows were asked for one more than fit: the surplus one says that there is a next page. */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
  cursorOf: (row: Row) => string,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown[shown.length - 1];
  return { items: shown.map(toItem), next: rows.length > limit && last ? cursorOf(last) : null };
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
