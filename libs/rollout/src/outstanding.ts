import type { Reason } from '@wavegate/fleet';
import type { Rollout } from './rollout.js';

/** What an unfinished rollout waits for. */
export type Outstanding =
  /** Orders out at agents that are not known to be silent. */
  | { readonly kind: 'orders'; readonly count: number }
  | { readonly kind: 'wake'; readonly at: number }
  | { readonly kind: 'person'; readonly reason: Reason };

/**
 * Everything that can still move an unfinished rollout; an empty list for an unfinished rollout is a silent wait, which
 * must never be. A finished rollout waits for nothing. A lost cluster is no reason to wait: somebody must be asked.
 */
export function whyUnfinished({ head }: Rollout): readonly Outstanding[] {
  if (head.finishedAt !== null) return [];
  const found: Outstanding[] = [];
  const working = head.waves.reduce((sum, wave) => sum + wave.inFlight - wave.lost, 0);
  if (working > 0) found.push({ kind: 'orders', count: working });
  if (head.wakeAt !== null) found.push({ kind: 'wake', at: head.wakeAt });
  if (head.asks) found.push({ kind: 'person', reason: head.asks });
  return found;
}
