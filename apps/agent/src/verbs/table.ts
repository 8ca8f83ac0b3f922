/**
 * Rows in columns, for people: two spaces between, no column wider than its widest cell, nothing at the end of a line.
 * The last column may be as long as it likes: a name that is cut is a name that cannot be looked for.
 */
export function table(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths = rows.reduce<number[]>((known, row) => {
    row.forEach((cell, column) => (known[column] = Math.max(known[column] ?? 0, cell.length)));
    return known;
  }, []);
  return rows.map((row) => {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}

/** The same in groups, each under its own headline; groups and rows keep the order in which they come. */
export function groupedTable<T>(
  items: readonly T[],
  by: { readonly group: (item: T) => string; readonly row: (item: T) => readonly string[] },
): string[] {
  const groups = Map.groupBy(items, by.group);
  const widths = table(items.map(by.row), '  ');
  const lineOf = new Map(items.map((item, index) => [item, widths[index] ?? '']));
  return [...groups].flatMap(([name, members]) => [name, ...members.map((item) => lineOf.get(item) ?? '')]);
}
