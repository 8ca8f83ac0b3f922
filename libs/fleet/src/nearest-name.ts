/** Edits (insert, delete, replace, swap neighbours) that turn one word into the other. O(a·b). */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const replaced = cell(rows, row - 1, column - 1) + same;
      const added = Math.min(cell(rows, row - 1, column), line[column - 1] ?? Infinity) + 1;
      line.push(Math.min(replaced, added, swapped ? cell(rows, row - 2, column - 2) + 1 : Infinity));
    }
    rows.push(line);
  }
  return cell(rows, a.length, b.length);
}

const cell = (rows: readonly number[][], row: number, column: number): number => rows[row]?.[column] ?? Infinity;

/** The known name that was probably meant, or null: at most a third of its letters differ. Longer words are not tried. */
export function nearestName(word: string, known: readonly string[]): string | null {
  if (word.length > 64) return null;
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of known) {
    if (Math.abs(name.length - word.length) > 3) continue;
    const distance = editDistance(word.toLowerCase(), name.toLowerCase());
    if (!best || distance < best.distance) best = { name, distance };
  }
  return best && best.distance <= Math.max(1, Math.floor(best.name.length / 3)) ? best.name : null;
}

/** `; did you mean "waves"?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearestName(word, known);
  return near === null ? '' : `; did you mean "${near}"?`;
}
