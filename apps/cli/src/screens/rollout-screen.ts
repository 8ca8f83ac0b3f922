import type { Rollout, RolloutCluster } from '../gen/types.gen.js';
import { hangText, lengthOf, printColumns } from './columns.js';
import { clockText, durationText, reasonText, sinceText, type ScreenOptions } from './moment.js';
import { paintOf, plainText, type Tone } from './paint.js';
import { attentionOf, phaseCell, QUIET, rolloutClusterCells, rolloutClusterTitles } from './rollout-cluster-row.js';
import { waveWords } from './wave-line.js';

export interface RolloutScreenOptions extends ScreenOptions {
  /** Lines of the terminal: clusters that need nobody give way first. No limit when absent. */
  readonly height?: number;
  /** Every cluster, also those that are well or far from their turn. */
  readonly all?: boolean;
}

/** Characters of the bar; half on a narrow terminal. */
const BAR = 20;
const NARROW = 100;

export const STATE_TONES: Readonly<Record<Rollout['state'], Tone>> = {
  running: 'busy',
  paused: 'warn',
  blocked: 'bad',
  aborted: 'bad',
  finished: 'good',
};

/** Every cluster was left out: over, and not well. */
export const upgradedNothing = ({ state, reason }: Rollout): boolean =>
  state === 'finished' && reason.code === 'nothing_upgraded';

const toneOf = (rollout: Rollout): Tone => (upgradedNothing(rollout) ? 'warn' : STATE_TONES[rollout.state]);

/**
 * A rollout at a glance: how far it is, what each wave is at, and of every cluster that is not simply well or waiting
 * for its turn: versions, phase, since when, and what or whom it waits for. What stays after a rollback is always said.
 */
export function renderRollout(
  rollout: Rollout,
  clusters: readonly RolloutCluster[],
  options: RolloutScreenOptions,
): string {
  const top = [...headLines(rollout, options), '', ...waveLines(rollout, options)];
  const openWave = openUpTo(rollout);
  const shown = byAttention(clusters, openWave).filter((row) => options.all || attentionOf(row, openWave) < QUIET);
  // Two lines go to the gap and to what is left out.
  const room = (options.height ?? Infinity) - top.length - 2;
  const { lines, rows } = fitted(shown, room, options);
  const rest = clusters.filter((row) => !rows.includes(row));
  return [...top, ...(lines.length > 0 ? ['', ...lines] : []), ...restLines(rest, options)].join('\n');
}

function headLines(rollout: Rollout, options: ScreenOptions): string[] {
  const paint = paintOf(options.color);
  const { size, done, currentWave, waves } = rollout;
  const length = options.width < NARROW ? BAR / 2 : BAR;
  const full = size === 0 ? length : Math.round((done / size) * length);
  const bar = `▕${paint('█'.repeat(full), toneOf(rollout))}${'░'.repeat(length - full)}▏`;
  const name = `${paint(rollout.name, 'strong')}  rollout ${rollout.id}  to ${rollout.target}`;
  const far = `wave ${currentWave} of ${waves.length}  ${bar} ${done}/${size} clusters ended  ${timeWords(rollout, options)}`;
  const whole = `${name}  ${far}`;
  const fits = lengthOf(plainText(whole)) <= options.width;
  return [...(fits ? [whole] : [name, ` ${far}`]), ...standLines(rollout, options)];
}

/** Running: for how long; stopped: since when; ended: how long it took. */
function timeWords(rollout: Rollout, options: ScreenOptions): string {
  const { state, startedAt, finishedAt } = rollout;
  const word = paintOf(options.color)(state, toneOf(rollout));
  if (finishedAt !== null) {
    const took = durationText(Date.parse(finishedAt) - Date.parse(startedAt));
    return `${word} ${sinceText(finishedAt, options)} ago, took ${took}`;
  }
  const since = sinceText(startedAt, options);
  // A rollback asked for afterwards: the state keeps its word, and there is work again.
  if (state === 'finished') return `${word}, begun ${since} ago; a rollback is at work`;
  return state === 'running' ? `${word} ${since}` : `${word} ${sinceText(rollout.since, options)}, begun ${since} ago`;
}

/** Why it stands, when it goes on by itself, and whom it asks: never a stop without one of them. */
function standLines(rollout: Rollout, options: ScreenOptions): string[] {
  const { id, state, reason, asks, wakeAt } = rollout;
  const lines: [string, string][] = [];
  const well = state === 'running' || (state === 'finished' && !upgradedNothing(rollout));
  if (!well) lines.push([state.toUpperCase(), reasonText(reason, options)]);
  if (asks) {
    const why = asks.code === reason.code && lines.length > 0 ? '' : `${reasonText(asks, options)}: `;
    lines.push(['ASKS A PERSON', why + answerTo(asks.code, id)]);
  }
  if (wakeAt !== null && rollout.finishedAt === null) {
    lines.push(['NEXT LOOK', `${clockText(Date.parse(wakeAt), options)}, earlier if an agent reports`]);
  }
  return lines.flatMap(([title, text]) => hangText(` ${title}  `, text, options.width, 4));
}

/** The command that answers what is asked; the words for the rest are in `explain`. */
function answerTo(code: string, id: string): string {
  switch (code) {
    case 'approval_missing':
      return `wavegate rollout approve ${id} --wave N`;
    case 'rollout_paused':
      return `wavegate rollout resume ${id}`;
    default:
      return `wavegate rollout resume ${id} --allow 1, or retry, skip, rollback, abort`;
  }
}

function waveLines(rollout: Rollout, options: ScreenOptions): string[] {
  const paint = paintOf(options.color);
  return rollout.waves.flatMap((wave) => {
    const { sign, word, tone, story } = waveWords(wave, rollout, options);
    const start = ` WAVE ${wave.index} ${wave.share.padStart(5)}  `;
    const lamp = `${sign} ${word.padEnd(9)}`;
    const before = lengthOf(start) + lengthOf(lamp) + 1;
    return hangText(`${start}${paint(lamp, tone)} `, story, options.width, before);
  });
}

/** The last wave whose clusters may be waiting for something else than their turn. */
function openUpTo({ waves }: Rollout): number {
  return Math.max(0, ...waves.filter(({ phase }) => phase !== 'waiting').map(({ index }) => index));
}

function byAttention(clusters: readonly RolloutCluster[], openWave: number): RolloutCluster[] {
  return [...clusters].sort((a, b) => attentionOf(a, openWave) - attentionOf(b, openWave) || a.position - b.position);
}

/** As many rows, the most urgent first, as the lines allow; a row may take several. */
function fitted(
  shown: readonly RolloutCluster[],
  room: number,
  options: ScreenOptions,
): { readonly lines: readonly string[]; readonly rows: readonly RolloutCluster[] } {
  const page = { width: options.width, paint: paintOf(options.color), indent: ' ', wrapLast: true };
  for (let many = Math.min(shown.length, Math.max(0, room - 1)); many > 0; many -= 1) {
    const rows = shown.slice(0, many);
    const cells = rows.map((row) => rolloutClusterCells(row, options));
    const lines = printColumns(rolloutClusterTitles(options.width), cells, page);
    if (lines.length <= room) return { lines, rows };
  }
  return { lines: [], rows: [] };
}

/** "… 31 more clusters: 5 upgraded, 26 waiting": nobody disappears from the count. */
function restLines(rest: readonly RolloutCluster[], options: ScreenOptions): string[] {
  if (rest.length === 0) return [];
  const counts = new Map<string, number>();
  for (const row of rest) {
    const { text } = phaseCell({ ...row, attempt: 1 });
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const words = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([text, count]) => `${count} ${text}`);
  return [paintOf(options.color)(` … and ${words.join(', ')}`, 'faint')];
}
