import type { ControlSamples } from '@wavegate/fleet';
import { readBaseline } from './baseline.js';
import { believable } from './sample-series.js';

/** Two clusters that agree may agree by chance; three have a middle. */
export const LEAST_PEERS = 3;
/** A peer with a shorter past than this cannot say whether it is worse than it was. */
const LEAST_PAST = 3;

/** What clusters that nothing was changed in did in one period, against their own past. */
export interface PeerShift {
  /** Median rise of the bad share, at least 0: peers that got better do not make this cluster worse. */
  readonly shift: number;
  /** Standard deviation of the peers' rises: how far clusters differ in what hits all of them. */
  readonly spread: number;
  /** Peers with events in this period. */
  readonly count: number;
}

/** Nobody to ask. */
export const ALONE: PeerShift = { shift: 0, spread: 0, count: 0 };

/** The peers' rise for each of `periods` periods; zero wherever fewer than three can be asked. */
export function peerShifts(controls: readonly ControlSamples[], periods: number): readonly PeerShift[] {
  const peers = controls
    .map(({ baseline, after }) => ({ past: readBaseline(baseline), after }))
    .filter(({ past }) => past.periods >= LEAST_PAST);
  return Array.from({ length: periods }, (_, at) => {
    const rises = peers.flatMap(({ past, after }) => {
      const sample = believable(after[at]);
      return sample && sample[1] > 0 ? [sample[0] / sample[1] - past.mean] : [];
    });
    return rises.length < LEAST_PEERS ? { ...ALONE, count: rises.length } : shiftOf(rises);
  });
}

function shiftOf(rises: readonly number[]): PeerShift {
  const sorted = rises.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  const mean = rises.reduce((all, rise) => all + rise, 0) / rises.length;
  const squares = rises.reduce((all, rise) => all + (rise - mean) ** 2, 0);
  return { shift: Math.max(0, median), spread: Math.sqrt(squares / (rises.length - 1)), count: rises.length };
}
