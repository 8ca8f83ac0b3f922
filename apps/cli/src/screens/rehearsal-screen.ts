import { describeOutcome, describeReason } from '@wavegate/fleet';
import type { Rehearsal, RehearsedCluster } from '@wavegate/simulator';
import { hangText, printColumns, type Cell } from './columns.js';
import { clockText, durationText, momentText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

type Clusters = readonly RehearsedCluster[];

/** What a rehearsed rollout did: its waves with their times, then every cluster that did not go well, then its end. */
export function renderRehearsal(rehearsal: Rehearsal, at: number, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const { waves, clusters } = rehearsal;
  const rows = waves.map((wave) => waveCells(wave, clusters, options));
  const titles = ['WAVE', 'CLUSTERS', 'OPENS', 'LAST ENDS', 'MOST AT ONCE', 'UPGRADED', 'NOT'];
  const trouble = clusters.filter(({ outcome }) => outcome !== null && outcome.kind !== 'upgraded');
  return [
    ...printColumns(titles, rows, { width: options.width, paint, indent: ' ' }),
    ...(trouble.length > 0 ? ['', `${paint('Not upgraded', 'strong')}:`] : []),
    ...trouble.flatMap(({ name, outcome }) =>
      hangText(
        `  ${name}  `,
        outcome ? describeOutcome(outcome, (time) => momentText(time, options)) : '',
        options.width,
      ),
    ),
    '',
    ...hangText('', endOf(rehearsal, at, options), options.width),
    'Rehearsed on a simulated copy: times are those of the simulation, not of your nodes. Nothing was changed.',
  ].join('\n');
}

function waveCells(wave: Rehearsal['waves'][number], clusters: Clusters, options: ScreenOptions): Cell[] {
  const own = clusters.filter((cluster) => cluster.wave === wave.index);
  const upgraded = own.filter(({ outcome }) => outcome?.kind === 'upgraded').length;
  const time = (at: number | null): string => (at === null ? '–' : clockText(at, options));
  const never = own.length - upgraded;
  return [
    { text: String(wave.index), tone: 'strong' },
    { text: String(own.length) },
    { text: time(wave.openedAt) },
    { text: time(wave.endedAt) },
    { text: String(wave.mostInFlight) },
    { text: String(upgraded), ...(upgraded > 0 ? { tone: 'good' as const } : {}) },
    { text: String(never), ...(never > 0 ? { tone: 'warn' as const } : {}) },
  ];
}

function endOf({ state, asks, finishedAt, clusters }: Rehearsal, at: number, options: ScreenOptions): string {
  const untouched = clusters.filter(({ startedAt, outcome }) => startedAt === null && outcome === null).length;
  const left = untouched > 0 ? ` ${untouched} of ${clusters.length} clusters were never begun.` : '';
  if (finishedAt !== null) {
    return `It ends ${momentText(finishedAt, options)}, after ${durationText(finishedAt - at)}.${left}`;
  }
  if (asks) return `It stops for a person: ${describeReason(asks, (time) => momentText(time, options))}.${left}`;
  return `It did not end within the rehearsed time (${state}).${left}`;
}
