import type { Series } from '@wavegate/fleet';
import { believable, sum } from './sample-series.js';

/** What a cluster did before the change, as far as it matters for what comes after. */
export interface Baseline {
  /** Periods with events; nothing is compared with fewer than the policy's `minBaseline`. */
  readonly periods: number;
  readonly bad: number;
  readonly total: number;
  /** Bad share as it was; 0 where there were no events. */
  readonly mean: number;
  /** Bad share, never quite 0 or 1: (bad + ½)/(total + 1). What was not seen in an hour is not impossible. */
  readonly share: number;
  /** Overdispersion: how much more the share scatters than chance alone would have it; 1 = like coin tosses. */
  readonly phi: number;
  /** The share to compare with: half a standard error above, since the past is an estimate and may have been lucky. */
  readonly upper: number;
}

/** Standard errors of the past's share that are given to the change before it is called worse. */
const DOUBT = 0.5;
/** How much a scatter estimated from J periods is raised: 1 + 11/J, which is 18 % for an hour. Too low is the costly side. */
const SHORTNESS = 11;

interface Block {
  readonly bad: number;
  readonly total: number;
}

/** Errors come in bursts that outlast a period: the scatter of longer blocks shows it, that of single periods does not. */
const BLOCKS = [1, 2, 5, 10];
/** A scatter estimated from fewer blocks is mostly chance itself. */
const LEAST_BLOCKS = 6;

export function readBaseline(series: Series): Baseline {
  const samples = series.map(believable).flatMap((s) => (s && s[1] > 0 ? [{ bad: s[0], total: s[1] }] : []));
  const { bad, total } = sum(samples);
  const share = (bad + 0.5) / (total + 1);
  const mean = total > 0 ? bad / total : 0;
  const phi = overdispersion(samples, share);
  const doubt = DOUBT * Math.sqrt((phi * share * (1 - share)) / (total + 1));
  const upper = Math.min((1 + share) / 2, share + doubt);
  return { periods: samples.length, bad, total, mean, share, phi, upper };
}

/** The largest of the blocks' scatters, at least 1: fewer errors than chance would give are not believed in. */
function overdispersion(samples: readonly Block[], share: number): number {
  const largest = Math.max(1, ...BLOCKS.map((size) => scatter(inBlocks(samples, size), share)));
  return largest === 1 ? 1 : largest * (1 + SHORTNESS / samples.length);
}

function inBlocks(samples: readonly Block[], size: number): readonly Block[] {
  if (size === 1) return samples;
  const blocks = Math.floor(samples.length / size);
  return Array.from({ length: blocks }, (_, n) => sum(samples.slice(n * size, (n + 1) * size)));
}

/** φ = Σ nⱼ(rⱼ − p₀)² / (p₀(1 − p₀)) / (J − 1): Pearson's statistic per degree of freedom. */
function scatter(blocks: readonly Block[], share: number): number {
  if (blocks.length < LEAST_BLOCKS) return 1;
  const squares = blocks.reduce((all, { bad, total }) => all + total * (bad / total - share) ** 2, 0);
  return squares / (share * (1 - share)) / (blocks.length - 1);
}
