import type { JudgeInput, Replay } from '@wavegate/analysis';
import { describeReason } from '@wavegate/fleet';
import { hangText, printColumns } from './columns.js';
import type { ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';
import { sparkline } from './sparkline.js';
import { gaugeText, NUMBER_TITLES, numberCells, stateWords, toneOf } from './verdict-words.js';

/** Samples of the past in a sparkline: enough to see what was usual. */
const PAST = 20;

/** What a replay found: the verdict and when, why, the numbers, and the last of the past beside all that came after. */
export function renderReplay(
  input: Pick<JudgeInput, 'slis' | 'policy'>,
  replay: Replay,
  options: ScreenOptions,
): string {
  const paint = paintOf(options.color);
  const { verdict, periods } = replay;
  const rows = verdict.slis.map((sli) => [
    { text: sli.name + (sli.decisive ? '' : ' (advisory)') },
    { text: stateWords(sli.state) },
    ...numberCells(sli).map((text) => ({ text })),
  ]);
  const titles = ['OBJECTIVE', 'STATE', ...NUMBER_TITLES];
  return [
    paint(verdict.kind, toneOf(verdict.kind)) + whenText(replay, input.policy.periodMs),
    ...verdict.reasons.flatMap((reason) => hangText('  ', describeReason(reason), options.width)),
    '',
    ...printColumns(titles, rows, { width: options.width, paint }),
    ...(verdict.gauges ?? []).flatMap((gauge) => hangText('', gaugeText(gauge), options.width)),
    '',
    ...input.slis.map(
      ({ name, baseline, after }) => `${sparkline(baseline.slice(-PAST), after.slice(0, periods))}  ${name}`,
    ),
  ].join('\n');
}

function whenText({ verdict, final, periods }: Replay, periodMs: number): string {
  const minutes = (count: number): string => `${Number(((count * periodMs) / 60_000).toPrecision(3))} min`;
  if (!final) return `  still undecided when the samples end, after ${periods} periods (${minutes(periods)})`;
  const at = verdict.period ?? periods;
  return `  in period ${at}, ${minutes(at)} after the change`;
}
