import { count, named, type ClusterFinding, type DrainPreviewRow } from '@wavegate/kube';
import type { PreflightLook } from './preflight-look.js';
import { groupedTable, table } from './table.js';

export type Grouping = 'severity' | 'owner' | 'node';
type Seen = Extract<PreflightLook, { kind: 'seen' }>;

const SEVERITIES = ['block', 'warn', 'info'] as const;

/** "2 block, 1 warn" */
export function tally(findings: readonly Pick<ClusterFinding, 'severity'>[]): string {
  const counts = SEVERITIES.map(
    (severity) => [severity, findings.filter((one) => one.severity === severity).length] as const,
  );
  const said = counts
    .filter(([severity, n]) => n > 0 && severity !== 'info')
    .map(([severity, n]) => `${n} ${severity}`);
  return said.length > 0 ? said.join(', ') : 'nothing blocks';
}

/** Findings of one cluster for a person: the worst first, what to do under each, inventory in one block at the end. */
export function findingsTable(look: Seen, target: string, by: Grouping): string[] {
  const { cluster, version, controlPlanes, workers } = look;
  const nodes = `${count(controlPlanes, 'control-plane node')}, ${count(workers, 'worker')}`;
  const head = `${cluster}  ${version} → ${target}  ${nodes}  ${tally(look.findings)}`;
  const pressing = look.findings.filter(({ severity }) => severity !== 'info');
  const told = look.findings.filter(({ severity }) => severity === 'info');
  const body = by === 'severity' ? lines(pressing) : grouped(pressing, by);
  const info = table(
    told.map(({ code, message }) => ['INFO ', code, message]),
    '  ',
  );
  return [head, ...body, ...info];
}

function lines(findings: readonly ClusterFinding[], indent = '  '): string[] {
  const codes = Math.max(0, ...findings.map(({ code }) => code.length));
  return findings.flatMap(({ severity, code, message, remedy, owner }) => {
    const whose = owner === '' ? '' : `; owner ${owner}`;
    return [
      `${indent}${severity.toUpperCase().padEnd(5)}  ${code.padEnd(codes)}  ${message}${whose}`,
      `${indent}       ${' '.repeat(codes)}  → ${remedy}`,
    ];
  });
}

function grouped(findings: readonly ClusterFinding[], by: Exclude<Grouping, 'severity'>): string[] {
  const keys = (finding: ClusterFinding): readonly string[] => {
    if (by === 'owner') return [finding.owner || 'no owner told'];
    return finding.nodes.length > 0 ? finding.nodes : ['whole cluster'];
  };
  const groups = new Map<string, ClusterFinding[]>();
  for (const finding of findings) {
    for (const key of keys(finding)) groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, members]) => [`  ${name}  ${tally(members)}`, ...lines(members, '    ')]);
}

/** "By owner: team-ledger 1 block · platform 1 block, 3 warn" */
export function byOwnerLine(looks: readonly Seen[]): string[] {
  const findings = looks
    .flatMap((look) => look.findings)
    .filter(({ severity, owner }) => severity !== 'info' && owner !== '');
  const groups = [...Map.groupBy(findings, ({ owner }) => owner)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (groups.length === 0) return [];
  return [`By owner: ${groups.map(([owner, members]) => `${owner} ${tally(members)}`).join(' · ')}   (-o json | csv)`];
}

/** Who would hold a drain up: the list a platform team sends out a week before. */
export function drainTable(looks: readonly Seen[]): string[] {
  const rows = looks.flatMap(({ cluster, drain }) => drain.map((row) => ({ cluster, ...row })));
  const holding = rows.filter(({ verdict }) => verdict !== 'free');
  const blocked = holding.filter(isBlocked);
  const head = `${count(rows.length, 'pod')} to evict in ${count(looks.length, 'cluster')}: ${blocked.length} would block, ${holding.length - blocked.length} would wait`;
  holding.sort((a, b) => (ownerOf(a) < ownerOf(b) ? -1 : ownerOf(a) > ownerOf(b) ? 1 : 0));
  const body = groupedTable(holding, {
    group: (row) => {
      const its = holding.filter((one) => ownerOf(one) === ownerOf(row));
      const clusters = named(its.map(({ cluster }) => cluster));
      return `${ownerOf(row)}: ${its.filter(isBlocked).length} of ${count(its.length, 'pod')} would block (${clusters})`;
    },
    row: ({ cluster, node, namespace, pod, workload, verdict, pdb, why }) => [
      ...[cluster, node, `${namespace}/${pod}`, workload, WORDS[verdict], pdb || '–', why],
    ],
  });
  return [head, ...body];
}

export const isBlocked = ({ verdict }: Pick<DrainPreviewRow, 'verdict'>): boolean =>
  verdict === 'blocked' || verdict === 'blockedNow';
const ownerOf = ({ owner }: Pick<DrainPreviewRow, 'owner'>): string => owner || 'no owner told';
const WORDS = { free: 'goes', waits: 'waits', blockedNow: 'blocked now', blocked: 'BLOCKED' } as const;
