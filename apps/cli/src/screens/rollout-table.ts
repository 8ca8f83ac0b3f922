import type { Rollout } from '../gen/types.gen.js';
import { printColumns } from './columns.js';
import { sinceText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';
import { STATE_TONES } from './rollout-screen.js';

/** Rollouts, one line each. */
export function renderRollouts(rollouts: readonly Rollout[], options: ScreenOptions): string {
  if (rollouts.length === 0) return 'There is no rollout yet: wavegate rollout start PLAN';
  const rows = rollouts.map((rollout) => [
    { text: rollout.id, tone: 'strong' as const },
    { text: rollout.name },
    { text: rollout.target },
    { text: rollout.state, tone: STATE_TONES[rollout.state] },
    { text: `${rollout.currentWave} of ${rollout.waves.length}` },
    { text: `${rollout.done}/${rollout.size}` },
    { text: String(rollout.waves.reduce((sum, wave) => sum + wave.failures + wave.lost, 0)) },
    { text: `${sinceText(rollout.startedAt, options)} ago` },
    { text: rollout.startedBy },
  ]);
  const titles = ['ID', 'PLAN', 'TARGET', 'STATE', 'WAVE', 'ENDED', 'FAILURES', 'STARTED', 'BY'];
  return printColumns(titles, rows, { width: options.width, paint: paintOf(options.color) }).join('\n');
}
