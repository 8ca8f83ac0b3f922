import type { Explanation, Outcome } from '../gen/types.gen.js';
import { hangText, printColumns, wrapText } from './columns.js';
import { drainLines } from './drain-lines.js';
import { momentText, reasonText, sinceText, type ScreenOptions } from './moment.js';
import { paintOf, type Tone } from './paint.js';
import { levelline, meanOf, shareOfAll, sparkline } from './sparkline.js';
import { percent, shortNumber } from './verdict-words.js';

const TONES: Readonly<Record<Explanation['gates'][number]['answer'], Tone>> = {
  pass: 'good',
  wait: 'warn',
  block: 'bad',
};

/** The question people really ask: why does it stand there, and what must happen for it to go on. An ended one says how, and what stays. */
export function renderExplanation(explanation: Explanation, outcome: Outcome | null, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const gates = explanation.gates.map(({ gate, answer, reason, until }) => [
    { text: `gate ${gate}` },
    { text: answer, tone: TONES[answer] },
    { text: reasonText(reason, options) + untilText(until, reason.params, options) },
  ]);
  // The titles would say less than the rows do.
  const [, ...table] = printColumns(['', '', ''], gates, { width: options.width, paint, indent: '  ', wrapLast: true });
  return [
    ...wrapText(`${explanation.sentence}.`, options.width),
    `  ${explanation.phase} for ${sinceText(explanation.since, options)}`,
    ...(outcome === null ? [] : hangText('  ', `how it ended: ${outcome.text}`, options.width)),
    ...(explanation.agent === null ? [] : hangText('  ', `its agent says: ${explanation.agent}`, options.width)),
    ...explanation.drains.flatMap((drain) => drainLines(drain, options)),
    ...judgedLines(explanation.judged ?? null),
    ...table,
    ...wrapText(`Next: ${explanation.next}`, options.width),
  ].join('\n');
}

/** Each objective and gauge under judgement: the last of the past, the change, and every period since; a blank has no sample. */
function judgedLines(judged: Explanation['judged']): string[] {
  if (!judged) return [];
  const shown = (share: number | null): string => (share === null ? 'no events' : `${percent(share)} bad`);
  const level = (mean: number | null): string => (mean === null ? 'no number' : shortNumber(mean));
  const counted = judged.slis.map(
    ({ name, decisive, before, since }) =>
      `  ${sparkline(before, since)}  ${name}${decisive ? '' : ' (advisory)'}: ${shown(shareOfAll(since))} since the change, ${shown(shareOfAll(before))} before`,
  );
  // A hub of an older release tells of none.
  const measured = (judged.gauges ?? []).map(
    ({ name, before, since }) =>
      `  ${levelline(before, since)}  ${name} (gauge, never decisive): mean ${level(meanOf(since))} since the change, ${level(meanOf(before))} before`,
  );
  return [...counted, ...measured];
}

/** A gate's own time, unless its sentence already said it. */
function untilText(
  until: string | null,
  params: Readonly<Record<string, string | number>>,
  options: ScreenOptions,
): string {
  const at = until === null ? null : Date.parse(until);
  if (at === null || Object.values(params).includes(at)) return '';
  return `; until ${momentText(at, options)}`;
}
