import { reason, type BackupArgs, type Order, type Reason } from '@wavegate/fleet';
import { complete, halt } from '../decision.js';
import type { UpgradeDecision } from '../journal.js';
import type { Situation } from '../situation.js';
import type { Step } from '../step.js';
import { whyUnproven } from './backup.js';
import { carryOutOneAct, endOneAct, inWordsOf, type OneAct } from './one-act.js';

/**
 * Takes one backup and ends with its receipt. A failed one is not tried again by itself: half a backup may lie there,
 * and a person asks again under another order. What was taken and not proven as the plan asks is not called a backup.
 * A drill (`prove`) takes none: it ends with a receipt of the newest stored one, proven again now.
 */
export function backupOrder(situation: Situation): UpgradeDecision {
  const { args } = situation.order;
  if (args?.kind !== 'backup') return endOneAct(situation, reason('order_malformed', { field: 'args' }));
  const act = actOf(situation, args);
  if ('code' in act) return endOneAct(situation, act);
  const decision = carryOutOneAct(situation, { ...act, runs: 1, failed: inWordsOf('backup_failed') });
  if (decision) return decision;
  const problem = unproven(situation, args);
  return problem ? halt(situation, problem) : complete(situation);
}

/** The name that a backup gets where the order names none: the same for every try of the same order. */
export function backupName({ id, args }: Order): string {
  const asked = args?.kind === 'backup' ? args.name : '';
  return asked || `wavegate-${id.slice(0, 16)}`;
}

function actOf(situation: Situation, args: BackupArgs): Pick<OneAct, 'kind' | 'node' | 'step'> | Reason {
  const { namespaces, selector, ttlMs, what } = args;
  const drill = args.prove ? { prove: args.prove } : {};
  const called = backupName(situation.order);
  switch (what) {
    case 'etcd':
      return snapshot(situation, { archive: called, ttlMs, ...drill });
    case 'manifests': {
      const step = (name: string): Step => ({
        ...{ kind: 'exportManifests', name, archive: called, namespaces, selector, ttlMs },
      });
      return { kind: 'exportManifests', node: '', step };
    }
    case 'velero': {
      const step = (name: string): Step => ({
        ...{ kind: 'backupVelero', name, backup: called, namespaces, selector, ttlMs, ...drill },
      });
      return { kind: 'backupVelero', node: '', step };
    }
  }
}

/** On the node where it was begun; else on the first control-plane node that is Ready. */
function snapshot(
  { controlPlane, journal, plan }: Situation,
  keeping: { readonly archive: string; readonly ttlMs: number; readonly prove?: 'latest' },
): Pick<OneAct, 'kind' | 'node' | 'step'> | Reason {
  const begun = Object.values(journal.steps).flatMap(({ step }) => (step.kind === 'snapshotEtcd' ? [step.node] : []));
  const node = begun[0] ?? (controlPlane.find(({ ready }) => ready) ?? controlPlane[0])?.name;
  if (node === undefined) {
    return reason('backup_failed', { detail: 'no control-plane node is seen, so there is no etcd to reach' });
  }
  const { verify } = plan.spec.backup.etcd;
  return { kind: 'snapshotEtcd', node, step: (name) => ({ kind: 'snapshotEtcd', name, node, verify, ...keeping }) };
}

function unproven({ journal, plan }: Situation, { what, prove }: BackupArgs): Reason | null {
  const { receipt } = journal;
  if (!receipt) return reason('backup_failed', { detail: 'it left no receipt' });
  // A drill says what it could prove: where the key lies in a safe, that is the stored bytes, and no cluster can do more.
  if (prove) return null;
  const asked = what === 'etcd' && plan.spec.backup.etcd.verify === 'restore';
  return asked && receipt.verified !== 'restore' ? reason('backup_failed', { detail: whyUnproven(receipt) }) : null;
}
