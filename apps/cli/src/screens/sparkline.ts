/** [bad, total] per period; null: no sample. */
type Samples = readonly (readonly number[] | null)[];
/** A number per period; null: none. */
type Levels = readonly (number | null)[];

const BARS = '▁▂▃▄▅▆▇█';

/** One letter per period, the change as a bar, a period without a sample as a blank. The tallest is the worst of them. */
export function sparkline(before: Samples, since: Samples): string {
  const shares = [...before, ...since].map((sample) => shareOf(sample));
  const top = Math.max(1e-9, ...shares.map((share) => share ?? 0));
  const letters = shares.map((share) =>
    share === null ? ' ' : (BARS[Math.min(7, Math.floor((share / top) * 8))] ?? '█'),
  );
  return `${letters.slice(0, before.length).join('')}│${letters.slice(before.length).join('')}`;
}

/** The same for what is measured and not counted: from the least of them to the most. */
export function levelline(before: Levels, since: Levels): string {
  const levels = [...before, ...since];
  const seen = levels.filter((level) => level !== null);
  const [least, most] = [Math.min(...seen), Math.max(...seen)];
  const letters = levels.map((level) =>
    level === null ? ' ' : (BARS[Math.min(7, Math.floor(((level - least) / (most - least || 1)) * 8))] ?? '█'),
  );
  return `${letters.slice(0, before.length).join('')}│${letters.slice(before.length).join('')}`;
}

/** Mean of what is there; null where there is nothing. */
export function meanOf(levels: Levels): number | null {
  const seen = levels.filter((level) => level !== null);
  return seen.length === 0 ? null : seen.reduce((sum, level) => sum + level, 0) / seen.length;
}

function shareOf(sample: readonly number[] | null): number | null {
  const [bad = 0, total = 0] = sample ?? [];
  return sample && total > 0 ? bad / total : null;
}

/** Share of bad events over all periods with events; null where there are none. */
export function shareOfAll(samples: Samples): number | null {
  const [bad, total] = samples.reduce<[number, number]>(
    ([allBad, all], sample) => [allBad + (sample?.[0] ?? 0), all + (sample?.[1] ?? 0)],
    [0, 0],
  );
  return total > 0 ? bad / total : null;
}
