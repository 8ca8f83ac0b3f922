import type { PlanPreview, PreviewWave } from '../gen/types.gen.js';
import { hangText, printColumns } from './columns.js';
import { countFindings, findingLines } from './finding-lines.js';
import { clockText, reasonText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

const TITLES = ['WAVE', 'CLUSTERS', 'FIRST …', 'HOPS', 'NODES', 'STARTS', 'ENDS (EST.)', 'TOLERATES', 'GATES'];
/** More clusters than this that are left out for one reason are counted instead. */
const NAMED = 5;

/** What a plan would do to the fleet as it is now: everything is said, nothing is changed. */
export function renderPreview(preview: PlanPreview, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const { matched, taking, left } = preview;
  const table = printColumns(
    TITLES,
    preview.waves.map((wave) => waveCells(wave, options)),
    {
      width: options.width,
      paint,
      indent: ' ',
      wrapLast: true,
    },
  );
  const head = `${count(matched, 'cluster')} ${matched === 1 ? 'matches' : 'match'}, ${taking} ${taking === 1 ? 'takes' : 'take'} part`;
  return [
    `${paint(preview.name, 'strong')}  ${head}, ${preview.maxInFlight} at once   plan ${preview.digest.slice(0, 12)}`,
    '',
    ...table,
    ...section('What clean waves prove', preview.proves, options),
    ...section('What can be undone', preview.undo, options),
    ...(left.length > 0 ? ['', ...leftLines(left, options)] : []),
    ...preflightLines(preview.preflight, options),
    ...(preview.warnings.length > 0 ? [''] : []),
    ...preview.warnings.flatMap((warning) => hangText(`${paint('WARN', 'warn')}  `, warning, options.width, 6)),
    '',
    'Nothing was changed. These are estimates of the fleet as it is now.',
  ].join('\n');
}

/** What the agents found, cluster by cluster; a cluster without findings is only counted. */
function preflightLines(preflight: PlanPreview['preflight'], options: ScreenOptions): string[] {
  if (!preflight) return [];
  const paint = paintOf(options.color);
  const clean = preflight.filter(({ state, findings }) => state === 'checked' && findings.length === 0).length;
  const lines = preflight.flatMap(({ cluster, state, why, findings }) => {
    if (state !== 'checked') return hangText('  ', `${cluster}: ${state}${why ? `, ${why}` : ''}`, options.width);
    if (findings.length === 0) return [];
    return [`  ${paint(cluster, 'strong')}  ${countFindings(findings)}`, ...findingLines(findings, options)];
  });
  return [
    '',
    `${paint('Preflight', 'strong')}: ${count(clean, 'cluster')} of ${preflight.length} without findings`,
    ...lines,
  ];
}

function waveCells(wave: PreviewWave, options: ScreenOptions) {
  const names = wave.clusters.slice(0, 2).map(({ name, canary }) => (canary ? `${name} (canary)` : name));
  const more = wave.clusters.length - names.length;
  const hops = [...new Set(wave.clusters.map((cluster) => cluster.hops.length))].sort((a, b) => a - b);
  const time = (text: string | null): string => (text === null ? 'not known' : clockText(Date.parse(text), options));
  return [
    { text: `${wave.index} ${wave.share.padStart(5)}`, tone: 'strong' as const },
    { text: String(wave.clusters.length) },
    { text: names.join(', ') + (more > 0 ? `, … ${more} more` : '') },
    { text: hops.length > 1 ? `${hops[0]}–${hops.at(-1)}` : String(hops[0] ?? '–') },
    { text: String(wave.nodes) },
    { text: time(wave.startsAt) },
    { text: time(wave.endsAt) },
    { text: count(wave.tolerated, 'failure') },
    { text: wave.gates.join(', ') || 'none' },
  ];
}

function section(title: string, sentences: readonly string[], options: ScreenOptions): string[] {
  if (sentences.length === 0) return [];
  const lines = sentences.flatMap((sentence) => hangText('  ', sentence, options.width));
  return ['', `${paintOf(options.color)(title, 'strong')}:`, ...lines];
}

function leftLines(left: PlanPreview['left'], options: ScreenOptions): string[] {
  const paint = paintOf(options.color);
  const groups = new Map<string, string[]>();
  for (const { cluster, reason } of left) {
    const text = reasonText(reason, options);
    groups.set(text, [...(groups.get(text) ?? []), cluster]);
  }
  const lines = [...groups].flatMap(([text, names]) => {
    const more = names.length - NAMED;
    const listed = [...names].sort().slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
    return hangText(`  ${names.length}  `, `${text}: ${listed}`, options.width);
  });
  return [`${paint('Left out', 'strong')}:`, ...lines];
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`;
}
