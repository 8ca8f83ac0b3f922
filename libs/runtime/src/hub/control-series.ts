import type { ControlPeer, Controls, CountedSli, MeasuredSamples, Series } from '@wavegate/fleet';

/** Periods kept of a peer: ten hours of minutes. A rollout that judges for longer compares with what is left. */
export const MOST_KEPT_PERIODS = 600;

/** What a cluster that nothing is changed in has counted for one plan. Periods lie on multiples of `periodMs`. */
export interface StoredControl {
  readonly clusterId: string;
  /** Epoch ms of the first period. */
  readonly from: number;
  readonly periodMs: number;
  readonly slis: readonly CountedSli[];
}

/** Epoch ms at which the newest kept period ends. */
export function endOf({ from, periodMs, slis }: Pick<StoredControl, 'from' | 'periodMs' | 'slis'>): number {
  return from + slis.reduce((most, { series }) => Math.max(most, series.length), 0) * periodMs;
}

/** The newer answer wins where both have a sample: the newest periods are asked for again, since scrapes come late. */
export function mergeControls(known: StoredControl | null, clusterId: string, fresh: MeasuredSamples): StoredControl {
  const { from: newFrom, periodMs, slis } = fresh;
  const usable = known?.periodMs === periodMs ? known : null;
  const until = Math.max(endOf(fresh), usable ? endOf(usable) : 0);
  const first = Math.max(Math.min(newFrom, usable?.from ?? newFrom), until - MOST_KEPT_PERIODS * periodMs);
  const periods = Math.max(0, Math.round((until - first) / periodMs));
  const merged = slis.map(({ name, series }): CountedSli => {
    const old = usable?.slis.find((one) => one.name === name)?.series ?? [];
    const at = (list: Series, from: number, n: number) => list[Math.round((first - from) / periodMs) + n] ?? null;
    return {
      name,
      series: Array.from({ length: periods }, (_, n) => at(series, newFrom, n) ?? at(old, usable?.from ?? first, n)),
    };
  });
  return { clusterId, from: first, periodMs, slis: merged };
}

/** An order whose phase is judged, as far as peers matter to it. */
export interface JudgedOrder {
  readonly orderId: string;
  readonly clusterId: string;
  readonly rolloutId: string;
  /** Canonical text of the plan. */
  readonly plan: string;
  readonly planDigest: string;
  readonly from: number;
  readonly baselineUntil: number;
  readonly periodMs: number;
}

export const BASELINE_PERIODS = 60;
/** A message larger than the wire takes would never arrive: with very many objectives fewer peers are told, but three. */
const MOST_PAIRS = 30_000;
const LEAST_TOLD = 3;

/**
 * The peers' periods beside those of a judgement: each takes the period that lies nearest, half a period off at most. So
 * an outage may show half a period early or late in them, and twice of what peers suffer is excused.
 */
export function alignControls(judged: JudgedOrder, peers: readonly StoredControl[], at: number): Controls {
  const { orderId, from, baselineUntil, periodMs } = judged;
  const periods = Math.max(0, Math.ceil((at - from) / periodMs));
  const told = peers
    .filter((peer) => peer.periodMs === periodMs)
    .map(({ clusterId, from: first, slis }): ControlPeer => {
      const cut = (series: Series, start: number, count: number): Series => {
        const offset = Math.round((start - first) / periodMs);
        return Array.from({ length: count }, (_, n) => series[offset + n] ?? null);
      };
      return {
        cluster: clusterId,
        slis: slis.map(({ name, series }) => ({
          name,
          baseline: cut(series, baselineUntil - BASELINE_PERIODS * periodMs, BASELINE_PERIODS),
          after: trimmed(cut(series, from, periods)),
        })),
      };
    });
  const pairs = (told[0]?.slis ?? []).reduce((all, { after }) => all + BASELINE_PERIODS + after.length, 0);
  const most = Math.max(LEAST_TOLD, Math.floor(MOST_PAIRS / Math.max(1, pairs)));
  return { orderId, from, baselineUntil, periodMs, peers: told.slice(0, most) };
}

/** Without the periods at the end that nobody has answered yet. */
function trimmed(series: Series): Series {
  return series.slice(0, series.findLastIndex((sample) => sample !== null) + 1);
}
