import { z } from 'zod';
import { BACKUP_KINDS, type BackupKind } from './receipt.js';

/** Evicts what runs on one node. The cordon is the order's and stays after it, unless asked otherwise. */
export interface DrainArgs {
  readonly kind: 'drain';
  readonly node: string;
  /** The node as it was seen when the order was made; a node of that name that is another object now is refused. */
  readonly nodeUid: string;
  readonly uncordonAfter?: boolean;
}

export interface BackupArgs {
  readonly kind: 'backup';
  readonly what: BackupKind;
  /** Empty: all. etcd has no namespaces. */
  readonly namespaces: readonly string[];
  /** Label selector of objects (Velero, manifests); '' = all. */
  readonly selector: string;
  /** How long it is to be kept, in ms; 0 = as long as the place where it is stored keeps such things. */
  readonly ttlMs: number;
  /** '' = named from the order. */
  readonly name: string;
  /** The restore drill: takes none, and proves the newest stored one again, where it lies. */
  readonly prove?: 'latest';
}

export interface RestoreArgs {
  readonly kind: 'restore';
  /** Name of a Velero backup. */
  readonly from: string;
  /** Namespace in the backup → namespace to restore it into. */
  readonly namespaceMapping: Readonly<Record<string, string>>;
  /** Only says what would be restored. */
  readonly preview: boolean;
}

/** Fetches packages and images of the hop's target onto the nodes, days ahead; nothing that runs is touched. */
export interface PrefetchArgs {
  readonly kind: 'prefetch';
  /** Empty: every node. */
  readonly nodes: readonly string[];
}

/** Looks, and changes nothing. */
export interface PreflightArgs {
  readonly kind: 'preflight';
  /** Only whether the plan's objectives can be measured; absent (and an older agent): everything. */
  readonly only?: 'objectives';
}

/** What an order's kind is asked to do, beside the policies of its plan. Upgrade and rollback have no arguments. */
export type OrderArgs = PreflightArgs | DrainArgs | BackupArgs | RestoreArgs | PrefetchArgs;

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
/** Longest name of a backup: programs derive names and label values from it, which end at 63 characters. */
const BACKUP_NAME = /^([a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?)?$/;

const namespace = z.string().regex(LABEL, 'a namespace has at most 63 lower-case letters, digits and dashes');
const nodeName = z.string().regex(SUBDOMAIN, 'a node name has lower-case letters, digits, dashes and dots');

/**
 * The arguments as they are read from the wire, a journal or a request. Objects are open here: a newer hub may add
 * fields within the same schema number; the REST API closes them.
 */
export const PreflightArgsShape = z.object({ kind: z.literal('preflight'), only: z.literal('objectives').optional() });
export const DrainArgsShape = z.object({
  kind: z.literal('drain'),
  node: nodeName,
  nodeUid: z.string().max(64),
  uncordonAfter: z.boolean().optional(),
});
export const BackupArgsShape = z.object({
  kind: z.literal('backup'),
  what: z.enum(BACKUP_KINDS),
  namespaces: z.array(namespace).max(1000),
  selector: z.string().max(1024),
  ttlMs: z.int().min(0),
  name: z.string().regex(BACKUP_NAME, 'a backup name has at most 50 lower-case letters, digits and dashes'),
  prove: z.literal('latest').optional(),
});
export const RestoreArgsShape = z.object({
  kind: z.literal('restore'),
  from: z.string().regex(SUBDOMAIN, 'name the Velero backup to restore from'),
  namespaceMapping: z.record(namespace, namespace),
  preview: z.boolean(),
});
export const PrefetchArgsShape = z.object({
  kind: z.literal('prefetch'),
  nodes: z.array(nodeName).max(5000),
});
export const OrderArgsShape = z.discriminatedUnion('kind', [
  PreflightArgsShape,
  DrainArgsShape,
  BackupArgsShape,
  RestoreArgsShape,
  PrefetchArgsShape,
]);
