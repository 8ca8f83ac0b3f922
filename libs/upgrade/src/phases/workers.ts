import type { Verdict } from '@wavegate/fleet';
import { finishOpenSteps, goOnTo, write } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import { nodesAtOnce, workOnNodes } from '../node-batch.js';
import type { Situation } from '../situation.js';
import { beginJudging, judgementOf } from './judging.js';
import { afterCommit } from './rollback.js';

/** The workers in batches, watched all the while: only a verdict to roll back is heeded here, the others come later. */
export function workers(situation: Situation): UpgradeDecision {
  const judgement = judgementOf(situation, 'workers');
  if (!judgement) return beginJudging(situation, 'workers');
  const burning = judgement.verdict ?? burningNow(situation);
  if (burning && !judgement.verdict) return write(situation, { kind: 'judged', phase: 'workers', verdict: burning });
  if (burning && !situation.stop) {
    // A node half-way cannot be turned round: its step ends first, and no other begins.
    return finishOpenSteps(situation) ?? afterCommit(situation, burning, 'workers');
  }
  const change = () => ({ verb: 'upgradeKubelet', to: situation.hop.to }) as const;
  const hold = situation.pause ? { reason: situation.pause, until: situation.order.deadline } : null;
  const group = { nodes: situation.workers, change, limit: nodesAtOnce(situation), hold };
  return workOnNodes(situation, group) ?? goOnTo(situation, 'verify');
}

function burningNow({ verdict }: Situation): Verdict | null {
  return verdict?.phase === 'workers' && verdict.verdict.kind === 'rollback' ? verdict.verdict : null;
}
