import type { Rollout, RolloutEvent } from '@wavegate/rollout';
import type { WithoutAt } from '@wavegate/runtime/hub';
import type { SeededRandom } from '@wavegate/simulator';

type Command = WithoutAt<RolloutEvent>;

const NAMES = ['ada', 'grace', 'linus'] as const;

/** Something that a person might do at any moment, sensible or not. */
export function someCommand(rollout: Rollout, random: SeededRandom): Command {
  const by = random.pick(NAMES);
  const rows = [...rollout.clusters.values()];
  const clusterId = random.pick(rows).clusterId;
  const wave = random.int(1, rollout.head.waves.length);
  const commands: readonly (() => Command)[] = [
    () => ({ kind: 'paused', by }),
    () => ({ kind: 'resumed', by, allow: 0 }),
    () => ({ kind: 'resumed', by, allow: random.int(1, 2) }),
    () => ({ kind: 'approved', by, wave, planDigest: random.chance(0.9) ? rollout.head.planDigest : 'another' }),
    () => ({ kind: 'retried', by, clusterId }),
    () => ({ kind: 'skipped', by, clusterId }),
    () => ({ kind: 'rollbackAsked', by, scope: { kind: 'cluster', clusterId }, approvedRungs: [] }),
    () => ({ kind: 'rollbackAsked', by, scope: { kind: 'wave', wave }, approvedRungs: [3] }),
    () => ({ kind: 'rollbackAsked', by, scope: { kind: 'rollout' }, approvedRungs: [] }),
  ];
  return random.chance(0.08) ? { kind: 'aborted', by } : random.pick(commands)();
}

/**
 * What a diligent person answers to a rollout that waits for a person; null when it waits for nobody. With such a
 * person at hand every rollout must come to its end: that is what "no silent waiting" promises.
 */
export function answer(rollout: Rollout, random: SeededRandom): Command | null {
  const { head, clusters } = rollout;
  if (head.finishedAt !== null) return null;
  const by = random.pick(NAMES);
  if (head.state === 'paused') return { kind: 'resumed', by, allow: 0 };
  if (head.state === 'blocked') {
    // A cluster that could not be judged is looked at, and then it goes on: without that most rollouts of this world,
    // in which metrics are often away, would not be seen to their end.
    const givesUp = head.reason.code !== 'verdict_undecided' && random.chance(0.3);
    return givesUp ? { kind: 'aborted', by } : { kind: 'resumed', by, allow: clusters.size };
  }
  const asked = head.waves.find(({ phase, gates }) => phase === 'waiting' && gates.some(isMissingApproval));
  if (asked && head.state === 'running') {
    const { planDigest } = head;
    return { kind: 'approved', by, wave: asked.index, planDigest };
  }
  return null;
}

function isMissingApproval({ gate, answer: given }: { readonly gate: string; readonly answer: string }): boolean {
  return gate === 'approval' && given === 'wait';
}
