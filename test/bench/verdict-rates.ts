import { DEFAULT_POLICY, replay } from '@wavegate/analysis';
import { spreadOf } from './spread.js';
import { argoFailureLimit, flaggerThreshold, kayentaStyle, naivePeeking, type PeerJudge } from './verdict-peers.js';
import { VerdictRandom } from './verdict-random.js';
import type { Drawn, Scenario } from './verdict-scenarios.js';

/** Others' judges beside ours, in the order of the table. */
export const PEERS: readonly PeerJudge[] = [argoFailureLimit, flaggerThreshold, naivePeeking, kayentaStyle];

/** What became of many series of one scenario. */
export interface Rates {
  readonly scenario: Scenario;
  /** Shares of the series: stopped for any reason, rolled back, promoted, undecided at the end of the window. */
  readonly stopped: number;
  readonly rolledBack: number;
  readonly promoted: number;
  /** Period of the stop of each series; Infinity = it was not stopped, so that a median is not one of the lucky ones. */
  readonly stops: readonly number[];
  /** Stopped by Argo's failureLimit, Flagger's threshold, naive peeking, a Kayenta-style judge. */
  readonly peers: readonly number[];
}

/** Draws and judges so many series of a scenario, also by `others`; seeded: the same everywhere. */
export function ratesOf(scenario: Scenario, runs: number, others: readonly PeerJudge[] = []): Rates {
  const drawn = Array.from({ length: runs }, (_, run) => scenario.draw(new VerdictRandom(run * 7919 + 1)));
  const found = drawn.map((one) => judged(one, others));
  const share = (holds: (one: (typeof found)[number]) => boolean): number => found.filter(holds).length / runs;
  return {
    scenario,
    stopped: share(({ stop }) => stop !== null),
    rolledBack: share(({ kind }) => kind === 'rollback'),
    promoted: share(({ kind }) => kind === 'promote'),
    stops: found.map(({ stop }) => stop ?? Infinity),
    peers: others.map((_, at) => share(({ peers }) => peers[at] === true)),
  };
}

function judged({ sli, policy, ...probed }: Drawn, others: readonly PeerJudge[]) {
  const { verdict } = replay({ slis: [sli], gates: [], policy: { ...DEFAULT_POLICY, ...policy }, ...probed });
  const stops = verdict.kind === 'rollback' || (verdict.kind === 'hold' && verdict.period !== null);
  return {
    kind: verdict.kind,
    stop: stops ? verdict.period : null,
    peers: others.map((peer) => peer(sli) !== null),
  };
}

/** The median of all, those that were never stopped among them: Infinity where they are half. */
export const medianStop = (stops: readonly number[]): number => spreadOf(stops).p50;
