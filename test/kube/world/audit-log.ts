import { existsSync, readFileSync } from 'node:fs';
import { WORLD_USERS } from './control-plane.js';

/** One finished request as the API server recorded it (level Metadata). */
export interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number; readonly reason?: string; readonly message?: string };
}

/** In the order of the log. A last line cut short by a killed API server is left out. */
export function readAuditLog(file: string): readonly AuditEvent[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
}

function parseLine(line: string): readonly AuditEvent[] {
  try {
    return [JSON.parse(line) as AuditEvent];
  } catch {
    return [];
  }
}

const worldUsers = new Set<string>(Object.values(WORLD_USERS));

/** Requests of whoever is under test: not of the world, its kubelets, controllers or scheduler, nor the server itself. */
export function underTest(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter(({ user }) => !worldUsers.has(user.username) && user.username !== 'system:apiserver');
}

/** Evictions asked for, with the code each was answered: 201 granted, 429 refused for a PodDisruptionBudget. */
export function evictions(
  events: readonly AuditEvent[],
): readonly { readonly pod: string; readonly code: number; readonly user: string }[] {
  return events
    .filter(
      ({ verb, objectRef }) =>
        verb === 'create' && objectRef?.resource === 'pods' && objectRef.subresource === 'eviction',
    )
    .map(({ objectRef, responseStatus, user }) => ({
      pod: `${objectRef?.namespace}/${objectRef?.name}`,
      code: responseStatus?.code ?? 0,
      user: user.username,
    }));
}

/** Pods deleted outright by somebody under test: must stay empty, whatever happens. */
export function podDeletions(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return underTest(events).filter(
    ({ verb, objectRef }) => verb.startsWith('delete') && objectRef?.resource === 'pods' && !objectRef.subresource,
  );
}
