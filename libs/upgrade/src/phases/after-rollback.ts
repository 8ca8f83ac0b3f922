import { reason, type Reason, type SliEvidence, type Verdict } from '@wavegate/fleet';
import type { Situation } from '../situation.js';

/**
 * Did going back help? What the newest judgement of the rollback says of it, for the outcome; null where none was made
 * (nothing to measure by, or it was stopped before).
 *
 * An upgrade's own rollback is compared with the hours before the upgrade: promoted means as good as before. A person's
 * order is compared with the hours before that order, in which users may have hurt: promoted means no worse than then,
 * and only a bad share that fell is said to have helped, also where the time was too short for a promotion.
 */
export function howItHelped(situation: Situation): Reason | null {
  const { journal, order } = situation;
  const last = journal.judgements.filter(({ phase }) => phase === 'judgeRollback').at(-1)?.verdict;
  if (!last) return null;
  const helped = order.kind === 'upgrade' ? helpedUpgrade(situation, last) : helpedPerson(last);
  return reason('rollback_judged', { helped, detail: shares(last, order.kind === 'upgrade') });
}

/** In the words of `rollback_judged`: how much a rollback did. */
type Helped = 'yes' | 'partly' | 'unchanged' | 'no' | 'unknown';

function helpedUpgrade(situation: Situation, now: Verdict): Helped {
  if (now.kind === 'promote') return 'yes';
  if (now.kind !== 'rollback') return 'unknown';
  return hasHelped(situation, now) ? 'partly' : 'no';
}

function helpedPerson({ kind, slis }: Verdict): Helped {
  if (kind === 'rollback') return 'no';
  if (slis.some((sli) => sli.decisive && fell(sli))) return 'yes';
  return kind === 'promote' ? 'unchanged' : 'unknown';
}

/** To half or less, and below what it was with 95 % confidence: that needs fewer events than a promotion. */
function fell({ comparison }: SliEvidence): boolean {
  if (!comparison) return false;
  const { before, now, atMost } = comparison;
  return before > 0 && now <= before / 2 && atMost < before;
}

/** Half the burn of the verdict before, or less: rung 2 is the right medicine. Gates have no degree: violated is violated. */
export function hasHelped({ journal }: Situation, now: Verdict): boolean {
  const before = journal.judgements.filter(({ verdict }) => verdict?.kind === 'rollback' && verdict !== now);
  const last = before
    .map(({ verdict }) => verdict)
    .filter((verdict) => verdict !== null)
    .at(-1);
  return last !== undefined && worstBurn(now) <= worstBurn(last) / 2 && worstBurn(last) > 0;
}

const worstBurn = ({ slis }: Verdict): number =>
  Math.max(0, ...slis.filter(({ decisive }) => decisive).map(({ burn }) => burn));

/**
 * "checkout 4.2 % → 0.1 %": the bad share before and since, of the decisive objectives; '' where nothing was compared. An
 * upgrade's own way back is beside the time before the upgrade, in which nothing was wrong: no arrow leads from there.
 */
function shares({ slis }: Verdict, beforeUpgrade: boolean): string {
  const compared = slis.flatMap(({ name, decisive, comparison }) => {
    if (!decisive || !comparison) return [];
    const [before, now] = [percent(comparison.before), percent(comparison.now)];
    return [beforeUpgrade ? `${name} ${now}, before the upgrade ${before}` : `${name} ${before} → ${now}`];
  });
  return compared.slice(0, SHOWN).join('; ') + (compared.length > SHOWN ? ` and ${compared.length - SHOWN} more` : '');
}

const SHOWN = 3;

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;
