import type { ControlSamples, Controls, Series, SliSamples } from '@wavegate/fleet';
import { LEAST_PEERS } from './peer-shift.js';

/** Periods that the newest samples wait for those of the peers: what hits everybody must not be judged a period too early. */
const LATE_PERIODS = 2;
/** At least this long, ms: a question to the peers and their answers take seconds, however short the periods are. */
const LATE_MS = 30_000;

/**
 * Puts the peers' samples beside those of the judged cluster. Samples of peers travel further than one's own: as long as
 * they are at most two periods (or half a minute) behind, the periods that they have not answered are left for later. Peers that stay
 * silent longer are no reason to wait; then the newest periods stand alone (and the policy says what that means).
 */
export function besideControls(slis: readonly SliSamples[], controls: Controls | null): readonly SliSamples[] {
  if (!controls || controls.peers.length < LEAST_PEERS) return slis;
  const matched = slis.map((sli) => ({ sli, peers: peersOf(sli.name, controls) }));
  const periods = slis.reduce((most, { after }) => Math.max(most, after.length), 0);
  const answered = Math.min(periods, ...matched.map(({ peers }) => (peers.length > 0 ? answeredOf(peers) : Infinity)));
  const waits = answered > 0 && periods - answered <= Math.max(LATE_PERIODS, Math.ceil(LATE_MS / controls.periodMs));
  return matched.map(({ sli, peers }) => ({
    ...sli,
    ...(waits ? { after: sli.after.slice(0, answered) } : {}),
    ...(peers.length > 0 ? { controls: peers } : {}),
  }));
}

function peersOf(name: string, { peers }: Controls): readonly ControlSamples[] {
  return peers.flatMap(({ slis }) => {
    const found = slis.find((one) => one.name === name);
    return found ? [{ baseline: found.baseline, after: found.after }] : [];
  });
}

/** Periods up to the newest that enough peers have answered. */
function answeredOf(peers: readonly ControlSamples[]): number {
  const lengths = peers.map(({ after }) => lastSample(after)).sort((a, b) => b - a);
  return lengths[LEAST_PEERS - 1] ?? 0;
}

const lastSample = (series: Series): number => series.findLastIndex((sample) => sample !== null) + 1;
