import { goOnTo, halt } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import { runsOf } from '../step-runs.js';
import { judged, whyNotPromoted } from './judging.js';
import { afterCommit } from './rollback.js';

export function judgeControlPlane(situation: Situation): UpgradeDecision {
  if (situation.stop) return halt(situation, situation.stop);
  // A control plane that had arrived before this attempt was judged in the attempt that brought it there.
  const changed = situation.controlPlane.some(({ name }) => runsOf(situation, 'upgradeControlPlane', name).last);
  if (!changed) return goOnTo(situation, 'commit');
  return judged(situation, 'judgeControlPlane', (verdict) =>
    verdict.kind === 'promote'
      ? goOnTo(situation, 'commit')
      : // Rung 1 is kubeadm's own and past; rung 3 is for patches and a person's: by itself nothing goes back from here.
        halt(situation, whyNotPromoted(verdict, 'judgeControlPlane')),
  );
}

export function judgeCanary(situation: Situation): UpgradeDecision {
  if (situation.stop) return halt(situation, situation.stop);
  return judged(situation, 'judgeCanary', (verdict) => {
    if (verdict.kind === 'promote') return goOnTo(situation, 'workers');
    return afterCommit(situation, verdict, 'judgeCanary');
  });
}
