import type { ClusterVerdict } from '@wavegate/analysis';
import { IndexedClusters } from '@wavegate/rollout';
import type { Decision, Rollout, RolloutAction, RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { AuditEntry, InboxRow, WaveJudge } from './ports.js';
import { strataOf } from './cluster-evidence.js';
import { auditOfAction, auditOfEvent } from './rollout-audit.js';

/** The engine, as the runner calls it. Pure. */
export type Decide = (rollout: Rollout, event: RolloutEvent) => Decision;

/**
 * The runner's own copy of a rollout. The map is changed in place: copying 5,000 rows per event would be the cost. One
 * made by `holdRollout` also keeps an index of its rows, without which each decision builds its own.
 */
export interface HeldRollout {
  head: RolloutHead;
  readonly clusters: Map<string, RolloutCluster>;
}

/** A copy to decide with, event after event, at a cost per event that does not grow with the fleet. */
export function holdRollout({ head, clusters }: Rollout): HeldRollout {
  return { head, clusters: new IndexedClusters(head.plan, clusters.values()) };
}

export interface BatchInput {
  readonly held: HeldRollout;
  readonly rows: readonly InboxRow[];
  /** The store's clock. */
  readonly now: number;
  readonly decide: Decide;
  readonly judge: WaveJudge;
}

/** What a batch changed: the material of one commit. */
export interface Batch {
  readonly head: RolloutHead;
  readonly clusters: readonly RolloutCluster[];
  readonly actions: readonly RolloutAction[];
  readonly audit: readonly AuditEntry[];
  readonly inboxDone: readonly number[];
  /** Events that did not fit, for the log. */
  readonly ignored: readonly { readonly seq: number | null; readonly kind: string; readonly why: string }[];
}

/** A wave is judged once per ask; an engine that asks again and again within one batch would never let it end. */
const MOST_VERDICTS = 64;

/**
 * Decides on a batch of inbox rows, then on the wake-up if it is due. Time never runs backwards: each event is decided
 * at the later of its own time and the rollout's. Nothing is written here; after a throw the held copy is worthless.
 *
 * `judgeWave` is answered within the same batch, and its verdict commits together with the ask. So there is no moment
 * at which a crash could leave a wave that waits for a verdict nobody is working on: either both are in, or neither.
 */
export function decideBatch(input: BatchInput): Batch {
  const { held, now } = input;
  const batch = new BatchInMaking(input);
  for (const row of input.rows) {
    batch.apply({ ...row.event, at: Math.max(held.head.at, row.at) } as RolloutEvent, row.seq);
  }
  const { wakeAt } = held.head;
  if (wakeAt !== null && wakeAt <= now) batch.apply({ kind: 'woke', at: Math.max(held.head.at, now) }, null);
  return batch.done();
}

class BatchInMaking {
  private readonly changed = new Map<string, RolloutCluster>();
  private readonly actions: RolloutAction[] = [];
  private readonly audit: AuditEntry[] = [];
  private readonly ignored: { seq: number | null; kind: string; why: string }[] = [];
  private verdicts = 0;

  constructor(private readonly input: BatchInput) {}

  apply(event: RolloutEvent, seq: number | null): void {
    const { held, decide } = this.input;
    const decision = decide(held, event);
    const line = auditOfEvent(held, event, decision);
    if (line) this.audit.push(line);
    if (decision.ignored !== null) this.ignored.push({ seq, kind: event.kind, why: decision.ignored });
    held.head = decision.head;
    for (const cluster of decision.clusters) {
      held.clusters.set(cluster.clusterId, cluster);
      this.changed.set(cluster.clusterId, cluster);
    }
    for (const action of decision.actions) this.note(action);
    for (const action of decision.actions) if (action.kind === 'judgeWave') this.judge(action.wave, event.at);
  }

  done(): Batch {
    return {
      head: this.input.held.head,
      clusters: [...this.changed.values()],
      actions: this.actions,
      audit: this.audit,
      inboxDone: this.input.rows.map((row) => row.seq),
      ignored: this.ignored,
    };
  }

  private note(action: RolloutAction): void {
    this.actions.push(action);
    const line = auditOfAction(this.input.held.head.id, action);
    if (line) this.audit.push(line);
  }

  private judge(wave: number, at: number): void {
    this.verdicts += 1;
    if (this.verdicts > MOST_VERDICTS) throw new Error(`wave ${wave} asks for verdicts without end`);
    const verdict = this.input.judge.judge(wave, endsOfWave(this.input.held, wave), []);
    this.apply({ kind: 'waveJudged', wave, verdict, at }, null);
  }
}

/** How the wave's clusters stand: their outcome, or `lost` while they keep their slot in silence, and what was measured. */
export function endsOfWave(rollout: Rollout, wave: number): readonly ClusterVerdict[] {
  const ends: ClusterVerdict[] = [];
  const stratumOf = strataOf(rollout.head.plan);
  for (const cluster of rollout.clusters.values()) {
    if (cluster.wave !== wave) continue;
    const ended = cluster.outcome?.kind ?? (cluster.phase === 'lost' ? 'lost' : null);
    if (!ended || ended === 'completed') continue;
    const { clusterId, evidence } = cluster;
    ends.push({ clusterId, ended, ...(evidence ? { slis: evidence, stratum: stratumOf(cluster.labels) } : {}) });
  }
  return ends.sort((a, b) => (a.clusterId < b.clusterId ? -1 : 1));
}
