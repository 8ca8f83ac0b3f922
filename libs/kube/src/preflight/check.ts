import type { Finding, FindingCode, Severity } from '@wavegate/fleet';
import type { ClusterPicture, PartName, PodPicture } from './picture.js';
import type { PreflightContext } from './preflight-context.js';

/** What the documentation says about a code. Its severity stands in the fleet's table, since plans speak of it too. */
export interface CodeDoc {
  readonly code: FindingCode;
  /** A few words. */
  readonly title: string;
  /** What was seen, and what it would do to an upgrade. */
  readonly meaning: string;
  /** What a person does about it. */
  readonly remedy: string;
}

/** A finding that also knows the nodes it bears on: for grouping, not for the wire. */
export interface ClusterFinding extends Finding {
  readonly code: FindingCode;
  readonly nodes: readonly string[];
}

export interface Found {
  readonly code: FindingCode;
  readonly object: string;
  readonly message: string;
  readonly remedy: string;
  readonly owner?: string;
  readonly nodes?: readonly string[];
  /** The pods that a drain would meet and that it is about. */
  readonly meets?: readonly PodPicture[];
  /** Only where it differs from the code's own: a loss that the plan consents to is no longer blocking. */
  readonly severity?: Severity;
}

/**
 * One thing that may be wrong. Pure: everything it knows is in the picture and the context. A check whose parts could
 * not be read is not run, and that is a finding of its own.
 */
export interface Check {
  /** The name of its file. */
  readonly id: string;
  readonly phases: readonly PreflightContext['phase'][];
  /** Without any of these the check is not run. */
  readonly needs: readonly PartName[];
  /** Parts that only some of its codes want: those codes are then not given, and that is said. */
  readonly wants?: Partial<Readonly<Record<PartName, readonly FindingCode[]>>>;
  readonly codes: readonly CodeDoc[];
  run(picture: ClusterPicture, context: PreflightContext): readonly Found[];
}

export const BEFORE = ['before'] as const;
export const AFTER = ['after'] as const;
export const BOTH = ['before', 'after'] as const;

/** The part could not be read: nothing may be concluded from its being empty. */
export function isBlind({ gaps }: Pick<ClusterPicture, 'gaps'>, part: PartName): boolean {
  return gaps.some((gap) => gap.part === part && !gap.partial);
}

/** "w-1, w-2 and 5 more": a sentence, not a list of fifty. */
export function named(names: readonly string[], most = 4): string {
  const each = [...new Set(names)];
  const shown = each.slice(0, most).join(', ');
  return each.length > most ? `${shown} and ${each.length - most} more` : shown;
}

/** "1 pod", "3 pods". */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
