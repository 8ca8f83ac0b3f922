import type { Rollout, Wave } from '../gen/types.gen.js';
import { reasonText, type ScreenOptions } from './moment.js';
import type { Tone } from './paint.js';

export interface WaveWords {
  readonly sign: '✔' | '●' | '○';
  readonly word: string;
  readonly tone: Tone;
  /** "5/8 upgraded, 1 failed, 1 running, 1 waiting   2 failures of 1 tolerated; budget: …" */
  readonly story: string;
}

/** One wave in words. A wave that a person stopped says so itself, since that is where the eye looks. */
export function waveWords(wave: Wave, rollout: Rollout, options: ScreenOptions): WaveWords {
  const { sign, word, tone } = lamp(wave, rollout);
  const gates = waitingGates(wave, options);
  const parts = [counts(wave), ...budgetWords(wave), ...gates];
  return { sign, word, tone, story: parts.join('   ') };
}

function lamp(wave: Wave, { state, currentWave }: Rollout): Pick<WaveWords, 'sign' | 'word' | 'tone'> {
  if (wave.phase === 'passed') return { sign: '✔', word: 'passed', tone: 'good' };
  const stopped = state === 'blocked' || state === 'paused' || state === 'aborted';
  if (stopped && wave.index === currentWave) {
    return { sign: '●', word: state, tone: state === 'paused' ? 'warn' : 'bad' };
  }
  if (wave.phase === 'waiting') return { sign: '○', word: 'waiting', tone: 'faint' };
  return { sign: '●', word: wave.phase, tone: 'busy' };
}

/** Lost clusters are in flight (they keep their slot), so they are taken out of "running" and named apart. */
function counts(wave: Wave): string {
  const rest: readonly (readonly [number, string])[] = [
    [wave.failures, 'failed'],
    [wave.inFlight - wave.lost, 'running'],
    [wave.lost, 'lost'],
    [wave.waiting, 'waiting'],
    [wave.skipped, 'skipped'],
  ];
  const named = rest.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return [`${wave.upgraded}/${wave.size} upgraded`, ...named].join(', ');
}

function budgetWords({ failures, lost, tolerated, allowed }: Wave): string[] {
  const spent = failures + lost;
  if (spent === 0 && allowed === 0) return [];
  const limit = allowed > 0 ? `${tolerated} + ${allowed} allowed by a person` : `${tolerated} tolerated`;
  return [`${spent} failure${spent === 1 ? '' : 's'} of ${limit}`];
}

/** Gates that do not let the wave on. The budget's is left out: the counts before it say the same. */
function waitingGates({ phase, gates }: Wave, options: ScreenOptions): string[] {
  if (phase === 'passed') return [];
  return gates
    .filter(({ gate, answer }) => answer !== 'pass' && gate !== 'budget')
    .map(({ gate, reason }) => `${gate}: ${reasonText(reason, options)}`);
}
