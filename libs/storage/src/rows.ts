import type {
  ClusterFacts,
  Finding,
  Labels,
  Order,
  OrderKind,
  Outcome,
  Progress,
  Reason,
  Receipt,
  Verdict,
} from '@wavegate/fleet';
import type { RolloutCluster, RolloutEvent, RolloutHead } from '@wavegate/rollout';
import type { OrderState, WithoutAt } from '@wavegate/runtime/hub';

/** A backup of a cluster and the order that took it. */
export interface LastBackup {
  readonly orderId: string;
  readonly receipt: Receipt;
}

/** Rows as PostgreSQL gives them; they never leave this room. Times are epoch ms of the database's clock. */

export interface ClusterRow {
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  readonly labels: Labels;
  readonly facts: ClusterFacts | null;
  readonly approved: boolean;
  readonly epoch: number;
  readonly agent_version: string;
  readonly enrolled_at: number;
  readonly created_by: string;
  readonly removed_at: number | null;
  readonly last_backup: LastBackup | null;
  readonly last_restore_proof: LastBackup | null;
}

export interface SessionRow {
  readonly cluster_id: string;
  readonly generation: number;
  readonly replica: string;
  readonly certificate_serial: string;
  readonly opened_at: number | null;
  readonly beat_at: number | null;
  readonly closed_at: number | null;
  readonly lost_told: boolean;
}

export interface CertificateRow {
  readonly serial: string;
  readonly cluster_id: string;
  readonly not_after: number;
  readonly revoked_at: number | null;
  readonly public_key_sha256: string;
}

export interface RolloutRow {
  readonly id: string;
  /** Without the plan's text, which is joined from `plans`: it must not be written again with every event. */
  readonly head: Omit<RolloutHead, 'plan'>;
  readonly canonical: string;
}

export interface RolloutClusterRow {
  readonly cluster_id: string;
  readonly state: RolloutCluster;
}

export interface InboxRowRow {
  readonly seq: number;
  readonly at: number;
  readonly event: WithoutAt<RolloutEvent>;
}

export interface OrderRow {
  readonly id: string;
  readonly cluster_id: string;
  readonly rollout_id: string | null;
  readonly kind: OrderKind;
  readonly attempt: number;
  readonly epoch: number;
  /** Without plan and epoch, which have their own columns. */
  readonly body: Omit<Order, 'plan' | 'epoch'>;
  readonly canonical: string;
  readonly start_by: number;
  readonly state: OrderState;
  readonly begun: boolean;
  readonly withdraw_acknowledged: boolean;
  readonly withdraw_reason: Reason | null;
  readonly progress: Progress | null;
  readonly findings: readonly Finding[];
  readonly verdicts: readonly { readonly phase: string; readonly verdict: Verdict }[];
  readonly outcome: Outcome | null;
  readonly receipts: readonly Receipt[];
  readonly created_at: number;
  readonly confirmed_at: number | null;
  readonly ended_at: number | null;
}

export interface AuditRowRow {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
  readonly prev_hash: string;
  readonly hash: string;
}
