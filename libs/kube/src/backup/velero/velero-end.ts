import { download, firstErrors } from './velero-download.js';
import { kindOf, type Followed } from './velero-follow.js';
import type { VeleroMeans } from './velero-means.js';
import { runState } from './velero-objects.js';
import { firstLine } from './velero-site.js';

const SHOWN_ERRORS = 2;

export interface EndedRun {
  readonly plural: 'backups' | 'restores';
  readonly namespace: string;
  readonly name: string;
  readonly object: Followed;
}

/**
 * Null for Completed; else one sentence: phase, counts, Velero's own reason, and the first single errors where the store
 * can be read. PartiallyFailed is no success: what is missing is only known when it is needed.
 */
export async function badEnd(means: VeleroMeans, run: EndedRun): Promise<string | null> {
  const { phase, errors, warnings, failureReason, validationErrors } = runState(run.object);
  if (phase === 'Completed') return null;
  const counts = errors + warnings > 0 ? ` with ${countOf(errors, 'error')} and ${countOf(warnings, 'warning')}` : '';
  const said = [...validationErrors, failureReason].filter(Boolean).map(firstLine);
  const single = phase === 'PartiallyFailed' ? await singleErrors(means, run) : [];
  const why = [...said, ...single].join('; ');
  return `${kindOf(run.plural)} ${run.name} ended ${phase}${counts}${why ? `: ${why}` : ''}`;
}

async function singleErrors(means: VeleroMeans, run: EndedRun): Promise<string[]> {
  const kind = run.plural === 'backups' ? 'BackupResults' : 'RestoreResults';
  const results = await download(means, run.namespace, { kind, name: run.name });
  if ('whyNot' in results) return [`velero ${run.plural.slice(0, -1)} describe ${run.name} --details names them`];
  return firstErrors(results.json, SHOWN_ERRORS).map(firstLine);
}

/** "1 error", "2 errors" */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
