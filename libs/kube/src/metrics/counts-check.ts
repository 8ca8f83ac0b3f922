import { promSelectors, promTokens } from '@wavegate/fleet';

/** Values of one query over the last periods; null = none. */
export type Values = readonly (number | null)[];

/** Names that say of themselves that they are no number of events; `:rate5m` is how recording rules name a rate. */
const SHARE_NAME = /(^|[:_])(ratio|percent|percentage|per_second)($|[:_\d])|:i?rate\d*[smhd]?$/;
/** Counts that are extrapolated may come out a little above the whole. */
const SCATTER = 1.05;

/** Something in a query that is no number of events, as the beginning of a sentence; null: nothing speaks against it. */
export function shareProblem(query: string, values: Values): string | null {
  const named = promSelectors(promTokens(query)).find(({ metric }) => SHARE_NAME.test(metric));
  if (named) return `${named.metric} in ${query} is by its name a ratio or a rate, not a number of events`;
  const seen = values.filter((value) => value !== null);
  if (!areShares(seen)) return null;
  return `${query} is between 0 and 1 in every period (at most ${Math.max(...seen).toPrecision(3)}): a ratio, not a number of events`;
}

/** Counts of events are neither all below one nor parts of one. */
export function areShares(seen: readonly number[]): boolean {
  const most = Math.max(0, ...seen);
  return most > 0 && most <= 1 && seen.some((value) => value > 0 && !Number.isInteger(value));
}

/** Whether a query counts over the period; one that does not reads what a rule recorded, or a gauge. */
export function countsOverPeriod(query: string): boolean {
  return promTokens(query).some(({ kind }) => kind === 'range');
}

/** Periods with more of a part than there is of the whole: the two are swapped, or not of the same requests. */
export function exceedsTotal(part: Values, total: Values): boolean {
  const pairs = part.flatMap((value, at) => {
    const all = total[at] ?? null;
    return value !== null && all !== null ? [{ value, all }] : [];
  });
  const more = pairs.filter(({ value, all }) => value > all * SCATTER && value - all >= 1);
  return more.length > 0 && more.length * 2 > pairs.length;
}
