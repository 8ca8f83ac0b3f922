import type { ClusterVerdict, VerdictList } from '../gen/types.gen.js';
import { hangText, printColumns } from './columns.js';
import { reasonText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';
import { gaugeText, NUMBER_TITLES, numberCells, stateWords, toneOf } from './verdict-words.js';

/** Who judged what, and by which numbers: waves first, then each cluster's phases in the order they were judged. */
export function renderVerdicts({ rollout, waves, items }: VerdictList, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const lines = waves
    .filter(({ verdict }) => verdict !== null)
    .flatMap(({ wave, verdict, overriddenBy, reasons }) => {
      const word = paint(verdict ?? '', toneOf(verdict ?? ''));
      const by = overriddenBy === null ? '' : `, taken upon themselves by ${overriddenBy}`;
      const why = reasons.flatMap((one) => hangText('  ', reasonText(one, options), options.width));
      return [`WAVE ${wave}  ${word}${by}`, ...why];
    });
  if (items.length === 0) return [...lines, `No cluster of rollout ${rollout} has been judged yet.`].join('\n');
  return [...lines, ...items.flatMap((item) => judgementLines(item, options))].join('\n');
}

function judgementLines(item: ClusterVerdict, options: ScreenOptions): string[] {
  const { cluster, wave, phase, kind, period, reasons, slis, gauges = [] } = item;
  const paint = paintOf(options.color);
  const rows = slis.map((sli) => [
    { text: sli.name + (sli.decisive ? '' : ' (advisory)') },
    { text: stateWords(sli.state) },
    ...numberCells(sli).map((text) => ({ text })),
  ]);
  const titles = ['OBJECTIVE', 'STATE', ...NUMBER_TITLES];
  const when = period === null ? '' : ` in period ${period}`;
  return [
    '',
    `${cluster}  wave ${wave}  ${phase}  ${paint(kind, toneOf(kind))}${when}`,
    ...reasons.flatMap((reason) => hangText('  ', reasonText(reason, options), options.width)),
    ...(rows.length === 0
      ? ['  by hard gates alone']
      : printColumns(titles, rows, { width: options.width, paint, indent: '  ' })),
    ...gauges.flatMap((gauge) => hangText('  ', gaugeText(gauge), options.width)),
  ];
}
