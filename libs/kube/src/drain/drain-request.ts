import type { DrainProgress, PlanSpec, Reason } from '@wavegate/fleet';
import { durationMs } from '@wavegate/fleet';
import type { AgentClock, AgentRandom, Cancel } from '@wavegate/runtime/agent';
import type { KubeAccess } from '../kube-access.js';
import type { AgentPod, DrainConsent } from './pod-filter.js';

export interface DrainRequest {
  readonly node: string;
  /** The object that was meant; left out, whatever bears the name. */
  readonly nodeUid?: string;
  /** Whose cordon it is: the order's id. */
  readonly orderId: string;
  readonly timeoutMs: number;
  /** Past the bound it goes on asking and says that a person is waited for (`onTimeout: pause`), instead of ending. */
  readonly patient?: boolean;
  /** When the drain was first begun; its bound counts from here, however often it is taken up again. */
  readonly begunAt?: number;
  /** Evictions a second after a burst of ten; Infinity: all at once. */
  readonly perSecond: number;
  readonly consent: DrainConsent;
  /** Drains the last node that takes pods, too: the downtime is consented to. */
  readonly lastNode?: boolean;
  /** Growing priorities, each the first of a new group. */
  readonly priorityGroups?: readonly number[];
  /** How long a group waits at most for the one before it to be gone. */
  readonly waitBetweenMs?: number;
  readonly report: (why: Reason) => void;
  readonly reportDrain?: (drain: DrainProgress) => void;
  readonly cancel: Cancel;
}

/** What a drain needs of its surroundings. */
export interface DrainMeans {
  readonly kube: KubeAccess;
  readonly clock: AgentClock;
  readonly random: AgentRandom;
  /** Our own pod, where we run in one: it goes last, and never keeps a drain waiting. */
  readonly agentPod?: AgentPod | null;
}

/** The part of a request that the plan decides. */
export function drainPolicy(spec: Pick<PlanSpec, 'drain' | 'topology'>) {
  const { drain, topology } = spec;
  return {
    perSecond: perSecondOf(drain.pace),
    consent: drain,
    lastNode: topology === 'singleNode',
    priorityGroups: drain.priorityGroups,
    waitBetweenMs: durationMs(drain.waitBetween),
  };
}

/** "5/s" → 5, "unlimited" → Infinity; throws RangeError on what would never evict. */
export function perSecondOf(pace: string): number {
  if (pace === 'unlimited') return Infinity;
  const perSecond = Number(/^(\d+)\/s$/.exec(pace)?.[1] ?? NaN);
  if (!(perSecond > 0)) throw new RangeError(`"${pace}" is not a pace; write for example 5/s, or unlimited`);
  return perSecond;
}
