import type { DrainPreview } from '../gen/types.gen.js';
import { hangText, printColumns, type Cell } from './columns.js';
import type { ScreenOptions } from './moment.js';
import { paintOf, type Tone } from './paint.js';

const TONES: Readonly<Record<string, Tone>> = { block: 'bad', warn: 'warn', info: 'faint' };

/** Who has to mend what before the drains of a plan can pass; the list that is sent out a week before. */
export function renderDrainPreview(preview: DrainPreview, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const { owners, clusters, checked, plan } = preview;
  const unchecked = clusters.filter(({ state }) => state !== 'checked');
  const groups = owners.flatMap(({ owner, block, warn, clusters: where, findings }) => {
    const rows = findings.map((finding): Cell[] => [
      { text: finding.severity.toUpperCase(), tone: TONES[finding.severity] ?? 'faint' },
      { text: finding.cluster },
      { text: finding.code },
      { text: `${finding.object}: ${finding.message}. ${finding.remedy}${podsOf(finding.pods)}` },
    ]);
    const head = `${owner || 'no owner label'}  ${block} block, ${warn} warn in ${counted(where.length)}`;
    const page = { width: options.width, paint, indent: '  ', wrapLast: true };
    // The titles would say less than the rows do.
    return ['', paint(head, 'strong'), ...printColumns(['', '', '', ''], rows, page).slice(1)];
  });
  const nothing = owners.length === 0 ? ['', 'Nothing found that would hold up a drain.'] : [];
  return [
    `${paint(plan, 'strong')}  drains of ${counted(clusters.length)}, ${checked} looked at`,
    ...groups,
    ...nothing,
    ...(unchecked.length > 0 ? [''] : []),
    ...unchecked.flatMap(({ cluster, state, why }) =>
      hangText(`${paint('NOT LOOKED AT', 'warn')}  `, `${cluster} is ${state}${why ? `: ${why}` : ''}`, options.width),
    ),
  ].join('\n');
}

/** "; pods ledger-0 on w-3 (PDB ledger), …": the namespace is the object's. */
function podsOf(pods: DrainPreview['owners'][number]['findings'][number]['pods']): string {
  if (pods.length === 0) return '';
  const short = (name: string): string => name.slice(name.indexOf('/') + 1);
  const shown = pods.slice(0, MOST_PODS).map(({ pod, node, pdb }) => {
    const by = pdb.split(', ').filter(Boolean).map(short);
    return `${short(pod)} on ${node}${by.length > 0 ? ` (PDB ${by.join(', ')})` : ''}`;
  });
  const more = pods.length > MOST_PODS ? ` and ${pods.length - MOST_PODS} more` : '';
  return `. Pods: ${shown.join(', ')}${more}`;
}

/** For a screen; the CSV has them all. */
const MOST_PODS = 8;

const counted = (many: number): string => `${many} ${many === 1 ? 'cluster' : 'clusters'}`;
