import { FINDING_CODES, type FindingCode } from './finding-codes.js';
import type { Finding, Severity } from './finding.js';

/** Findings that say what a drain would meet: what the owners of workloads are told a week before. */
export const DRAIN_CODES: ReadonlySet<FindingCode> = new Set([
  'pdb_never_allows',
  'pdb_blocks_now',
  'pdb_guards_unhealthy_pods',
  'pod_in_several_pdbs',
  'pod_with_local_data',
  'pod_without_controller',
  'single_replica',
  'pod_on_local_volume',
  'pod_tied_to_node',
  'pods_without_room',
  'quota_full',
  'pod_crash_looping',
  'pod_stuck_terminating',
  'namespace_terminating',
  'nowhere_to_drain_to',
  'one_worker_with_pdb',
  'own_pod_under_pdb',
  'webhook_backend_drained',
]);

/** A code of a newer agent is no drain finding that this release could speak of. */
export function concernsDrain({ code }: Pick<Finding, 'code'>): boolean {
  return Object.hasOwn(FINDING_CODES, code) && DRAIN_CODES.has(code as FindingCode);
}

/** A finding and the cluster it was made in. */
export interface FleetFinding extends Finding {
  readonly cluster: string;
}

/** What one owner has to look at, over all clusters; '' where no label tells. */
export interface OwnerFindings {
  readonly owner: string;
  readonly block: number;
  readonly warn: number;
  readonly clusters: readonly string[];
  /** Worst first, then by cluster and object. */
  readonly findings: readonly FleetFinding[];
}

const WORST: readonly Severity[] = ['block', 'warn', 'info'];

/** By owner: whoever blocks most first, those without an owner last. */
export function byOwner(findings: readonly FleetFinding[]): OwnerFindings[] {
  const groups = [...Map.groupBy(findings, ({ owner }) => owner)].map(([owner, own]) => toGroup(owner, own));
  return groups.sort(
    (a, b) => Number(a.owner === '') - Number(b.owner === '') || b.block - a.block || compare(a.owner, b.owner),
  );
}

function toGroup(owner: string, own: readonly FleetFinding[]): OwnerFindings {
  const count = (severity: Severity): number => own.filter((finding) => finding.severity === severity).length;
  const sorted = [...own].sort(
    (a, b) =>
      WORST.indexOf(a.severity) - WORST.indexOf(b.severity) ||
      compare(a.cluster, b.cluster) ||
      compare(a.object, b.object),
  );
  const clusters = [...new Set(own.map(({ cluster }) => cluster))].sort();
  return { owner, block: count('block'), warn: count('warn'), clusters, findings: sorted };
}

// Not localeCompare: the list is the same on every machine.
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
