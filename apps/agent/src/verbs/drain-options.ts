import { durationMs } from '@wavegate/fleet';
import { perSecondOf, type ConsentScope, type DrainConsent } from '@wavegate/kube';
import { usage } from '../program-failure.js';
import type { KubeOptions } from './verb-kube.js';

/** Options of `drain` as the command line gives them. */
export interface DrainOptions extends KubeOptions {
  readonly timeout: string;
  readonly pace: string;
  readonly deleteEmptydirData?: string;
  readonly evictUnmanaged?: string;
  readonly lastNode?: boolean;
  readonly dryRun?: boolean;
  readonly output: 'text' | 'json' | 'csv';
}

export interface DrainSettings {
  readonly timeoutMs: number;
  readonly perSecond: number;
  readonly consent: DrainConsent;
  readonly lastNode: boolean;
}

/** Throws a ProgramFailure that names the option, the value and what would be right. */
export function readDrainOptions(options: DrainOptions): DrainSettings {
  return {
    timeoutMs: readTimeout(options.timeout),
    perSecond: readPace(options.pace),
    consent: {
      deleteEmptyDir: readScope('--delete-emptydir-data', options.deleteEmptydirData),
      evictUnmanaged: readScope('--evict-unmanaged', options.evictUnmanaged),
    },
    lastNode: options.lastNode === true,
  };
}

function readTimeout(text: string): number {
  const ms = /^\d+(ms|s|m|h|d)$/.test(text) ? durationMs(text) : 0;
  if (ms > 0) return ms;
  throw usage(
    `--timeout "${text}": expected a duration above nothing, such as 90s, 15m or 1h; a drain never waits for ever`,
  );
}

function readPace(text: string): number {
  try {
    return perSecondOf(text);
  } catch {
    throw usage(`--pace "${text}": expected evictions per second, such as 5/s, or "unlimited"`);
  }
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** "ci,cache,owner=team-x", or "all". */
function readScope(option: string, text: string | undefined): ConsentScope {
  if (text === undefined) return { namespaces: [] };
  if (text === 'all') return { namespaces: ['*'] };
  const items = text.split(',').map((item) => item.trim());
  const owners = items.filter((item) => item.startsWith('owner=')).map((item) => item.slice('owner='.length));
  const namespaces = items.filter((item) => !item.startsWith('owner='));
  const wrong = [...namespaces.filter((item) => !NAME.test(item)), ...owners.filter((item) => item === '')];
  if (wrong.length > 0) {
    throw usage(`${option} "${text}": expected namespaces and owner=NAME, separated by commas, or "all"`);
  }
  return { namespaces, owners };
}
