import { describeReason, type FormatTime } from './describe-reason.js';
import { isoMinute } from './iso-minute.js';
import { describeReceipt } from './describe-receipt.js';
import { RUNGS, type Outcome, type Standing } from './outcome.js';
import { compareVersions, parseVersion } from './version.js';

/** More names than this are counted instead: a sentence is for reading. */
const NAMED = 5;

/**
 * One or two sentences on how an attempt ended: what went back, what stays at which version, what is still cordoned.
 * Says only what the outcome carries: a version that was not seen is not claimed.
 */
export function describeOutcome(outcome: Outcome, formatTime: FormatTime = isoMinute): string {
  switch (outcome.kind) {
    case 'upgraded':
      return `upgraded: ${describeStanding(outcome.standing)}`;
    case 'rolledBack':
      return describeRolledBack(outcome, formatTime);
    case 'halted':
      return describeHalted(outcome, formatTime);
    case 'completed':
      return describeCompleted(outcome, formatTime);
    case 'skipped':
      return `skipped, nothing was changed: ${describeReason(outcome.reason, formatTime)}`;
    case 'lost':
      return `lost: started, then silent since ${formatTime(outcome.since)}; what stands at which version is not known`;
  }
}

function describeRolledBack(outcome: Extract<Outcome, { kind: 'rolledBack' }>, formatTime: FormatTime): string {
  const { returned, stays } = outcome.extent;
  const back = returned.length > 0 ? `${listed(returned)} returned` : 'nothing had to be returned';
  const left = stays.length > 0 ? `what stays: ${listed(stays)}` : 'nothing stays behind';
  const why = describeReason(outcome.reason, formatTime);
  const rung = RUNGS[outcome.rung] as (typeof RUNGS)[keyof typeof RUNGS] | undefined;
  // A rung of a newer release is named by its number; what it loses is then not ours to say.
  const loss = rung && rung.dataLoss !== 'none' ? `; data loss: ${rung.dataLoss}` : '';
  const helped = outcome.judged ? `. ${upperFirst(describeReason(outcome.judged, formatTime))}` : '';
  return `rolled back (rung ${outcome.rung}${rung ? `, ${rung.name}` : ''}${loss}): ${why}. ${back}; ${left}${helped}`;
}

function describeCompleted(outcome: Extract<Outcome, { kind: 'completed' }>, formatTime: FormatTime): string {
  const proven = outcome.receipts.map((receipt) => describeReceipt(receipt, formatTime));
  const cordoned = outcome.cordoned.length > 0 ? [`left cordoned: ${listed(outcome.cordoned)}`] : [];
  const { fetched = [] } = outcome;
  const there = fetched[0] ? [`${fetched[0].version} is ready on ${fetched.length} ${nodesWord(fetched.length)}`] : [];
  return ['completed', ...there, ...proven, ...cordoned].join('; ');
}

function describeHalted(outcome: Extract<Outcome, { kind: 'halted' }>, formatTime: FormatTime): string {
  const why = describeReason(outcome.reason, formatTime);
  const cordoned = outcome.cordoned.length > 0 ? `; still cordoned: ${listed(outcome.cordoned)}` : '';
  return `halted for a person: ${why}. It stands at ${describeStanding(outcome.standing)}${cordoned}`;
}

/** "apiserver 1.35.4, kubelet 1.35.4, kubelet 1.34.4 ×3": kind of component, version, how many; newest first. */
export function describeStanding(standing: Standing): string {
  const counts = new Map<string, number>();
  for (const [component, version] of Object.entries(standing)) {
    const key = `${component.split('/')[0] ?? component} ${version}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const parts = [...counts].map(([key, count]) => (count > 1 ? `${key} ×${count}` : key));
  return parts.length > 0 ? parts.sort(byComponentThenVersion).join(', ') : 'versions not seen';
}

function byComponentThenVersion(a: string, b: string): number {
  const [[kindA = '', versionA = ''], [kindB = '', versionB = '']] = [a.split(' '), b.split(' ')];
  if (kindA !== kindB) return kindA < kindB ? -1 : 1;
  const readable = parseVersion(versionA) && parseVersion(versionB);
  return readable ? -compareVersions(versionA, versionB) : versionA < versionB ? -1 : 1;
}

const upperFirst = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

const nodesWord = (count: number): string => (count === 1 ? 'node' : 'nodes');

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
