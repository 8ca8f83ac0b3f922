import type { DrainProgress, DrainWait } from '@wavegate/fleet';
import type { DrainPreview, PreviewedPod } from '@wavegate/kube';
import type { DrainSettings } from './drain-options.js';
import { groupedTable, table } from './table.js';

/** "12 of 30 gone, 3 ending, 1 blocked, 14 waiting for their turn; 4 stay". */
export function countLine({ node, counts }: DrainProgress): string {
  const { kept, queued, evicting, blocked, terminating, gone } = counts;
  const all = queued + evicting + blocked + terminating + gone;
  const parts = [
    `${gone} of ${all} gone`,
    ...(evicting > 0 ? [`${evicting} being evicted`] : []),
    ...(terminating > 0 ? [`${terminating} ending`] : []),
    ...(blocked > 0 ? [`${blocked} blocked`] : []),
    ...(queued > 0 ? [`${queued} waiting for their turn`] : []),
  ];
  return `${node}  ${parts.join(', ')}${kept > 0 ? `; ${kept} stay` : ''}`;
}

/** Who is waited for, under the workload whose owner can help. */
export function waitLines({ waits }: DrainProgress, now: number): string[] {
  return groupedTable(waits, {
    group: ({ owner }) => `  ${owner || 'without an owner'}`,
    row: (wait) => ['  ' + wait.pod, wait.state, age(now - wait.since), whyWaits(wait)],
  });
}

/** One line, for a log. */
export function blockerLine(node: string, wait: DrainWait): string {
  return `${node}  blocked  ${wait.pod}: ${whyWaits(wait)}${wait.owner ? `; owner ${wait.owner}` : ''}`;
}

function whyWaits({ pdb, detail }: DrainWait): string {
  if (pdb === '') return detail;
  return detail === '' ? `PDB ${pdb}` : `PDB ${pdb}: ${detail}`;
}

export function drainedLine(node: string, last: DrainProgress | null, seconds: number): string {
  const { gone = 0, kept = 0 } = last?.counts ?? {};
  return `${node}  drained in ${seconds} s: ${gone} ${gone === 1 ? 'pod' : 'pods'} evicted, ${kept} stay; the node is closed`;
}

/** Pods that stay although nobody would expect it: they came to the closed node. */
export function keptLines({ node, waits }: DrainProgress): string[] {
  return waits
    .filter(({ state }) => state === 'kept')
    .map(({ pod, owner, detail }) => `${node}  stays  ${pod}: ${detail}${owner ? `; owner ${owner}` : ''}`);
}

const FATES: Readonly<Record<PreviewedPod['fate'], string>> = {
  never: 'NEVER',
  refused: 'REFUSED',
  blocked: 'BLOCKED',
  evict: 'evict',
  kept: 'stays',
};
const ORDER: readonly PreviewedPod['fate'][] = ['never', 'refused', 'blocked', 'evict', 'kept'];

/** The whole preview: what holds first, then what goes, then what stays; and the sentence that sums it up. */
export function previewLines({ node, pods, lastNode, closedBy }: DrainPreview, settings: DrainSettings): string[] {
  const sorted = [...pods].sort((a, b) => ORDER.indexOf(a.fate) - ORDER.indexOf(b.fate));
  const rows = sorted.map(({ fate, pod, owner, priority, why }) => [FATES[fate], pod, owner, String(priority), why]);
  const count = (fate: PreviewedPod['fate']): number => pods.filter((pod) => pod.fate === fate).length;
  const holds = (['never', 'refused', 'blocked'] as const).filter((fate) => count(fate) > 0);
  return [
    ...(pods.length > 0 ? table([['', 'POD', 'OWNER', 'PRIORITY', 'WHY'], ...rows]) : []),
    '',
    `${node}  ${closedBy === null ? 'open' : 'closed already'}: ${count('evict')} to evict, ${count('kept')} stay` +
      holds.map((fate) => `, ${count(fate)} ${FATES[fate].toLowerCase()}`).join(''),
    ...(count('refused') > 0 ? [CONSENT] : []),
    ...(lastNode && !settings.lastNode ? [LAST_NODE] : []),
  ];
}

const CONSENT =
  'consent to what is refused by --delete-emptydir-data or --evict-unmanaged, with namespaces, owner=NAME or all';
const LAST_NODE =
  'no other node that is ready and open takes some of these pods: they would be down until it is open again (--last-node consents)';

function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${Math.floor(seconds / 3600)}h`;
}
