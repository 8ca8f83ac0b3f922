import { describeReason, type DrainProgress, type Reason } from '@wavegate/fleet';
import type { DrainPreview } from '@wavegate/kube';
import type { StepResult } from '@wavegate/runtime/agent';
import { csv } from './csv.js';
import { drainedLine, keptLines, previewLines, waitLines } from './drain-lines.js';
import type { DrainOptions, DrainSettings } from './drain-options.js';

/** How a drain ended, and where it stood then. */
export interface DrainEnd {
  readonly node: string;
  readonly end: StepResult;
  readonly last: DrainProgress | null;
  readonly ms: number;
}

export function previewText(preview: DrainPreview, settings: DrainSettings, output: DrainOptions['output']): string {
  if (output === 'json') return `${JSON.stringify(preview, null, 2)}\n`;
  if (output === 'csv') return previewCsv(preview);
  return lines(previewLines(preview, settings));
}

function previewCsv({ node, pods }: DrainPreview): string {
  const head = ['node', 'pod', 'fate', 'owner', 'priority', 'pdb', 'why'];
  const rows = pods.map(({ pod, fate, owner, priority, pdbs, why }) => [
    ...[node, pod, fate, owner, String(priority), pdbs.join(' '), why],
  ]);
  return csv([head, ...rows]);
}

/** What ended, and what is left of it. */
export function endText({ node, end, last, ms }: DrainEnd, output: DrainOptions['output']): string {
  const seconds = Math.round(ms / 100) / 10;
  if (output === 'json') return endJson({ node, end, last, seconds });
  if (output === 'csv') return endCsv({ node, end, last, seconds });
  if (end.kind === 'succeeded') return lines([drainedLine(node, last, seconds), ...(last ? keptLines(last) : [])]);
  return lines(last ? waitLines(last, Date.now()) : []);
}

type Ended = Omit<DrainEnd, 'ms'> & { readonly seconds: number };

const waitsOf = (last: DrainProgress | null) =>
  (last?.waits ?? []).map((wait) => ({ ...wait, since: new Date(wait.since).toISOString() }));

function endJson({ node, end, last, seconds }: Ended): string {
  const why = end.kind === 'failed' ? { code: end.reason.code, detail: whyText(end.reason) } : null;
  const drained = end.kind === 'succeeded';
  const told = { node, drained, seconds, reason: why, counts: last?.counts ?? null, waits: waitsOf(last) };
  return `${JSON.stringify(told, null, 2)}\n`;
}

/** The node's own row first, as a script that reads only one line would have it; then the pods that it names. */
function endCsv({ node, end, last, seconds }: Ended): string {
  const head = ['node', 'pod', 'state', 'owner', 'pdb', 'since', 'why'];
  const { gone = 0 } = last?.counts ?? {};
  const failed = end.kind === 'failed';
  const why = failed ? whyText(end.reason) : `${gone} evicted in ${seconds} s`;
  const rows = waitsOf(last).map(({ pod, state, owner, pdb, since, detail }) => [
    ...[node, pod, state, owner, pdb, since, detail],
  ]);
  return csv([head, [node, '', failed ? 'failed' : 'drained', '', '', '', why], ...rows]);
}

/** An order's reason speaks of its plan; here, what it asks for is an option. */
export function whyText(why: Reason): string {
  const option = 'by --delete-emptydir-data or --evict-unmanaged';
  return describeReason(why).replace('in drain.deleteEmptyDir or drain.evictUnmanaged', option);
}

/** How a drain that failed left the node. One that was refused before its first eviction leaves it as it found it. */
export function nodeLeft(node: string, last: DrainProgress | null): string {
  const { evicting = 0, blocked = 0, terminating = 0, gone = 0 } = last?.counts ?? {};
  if (evicting + blocked + terminating + gone === 0) return 'nothing was changed';
  return `the node stays closed (wavegate-agent uncordon ${node} gives it back)`;
}

const lines = (some: readonly string[]): string => some.map((line) => `${line}\n`).join('');
