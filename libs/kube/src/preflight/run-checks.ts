import {
  applySeverities,
  FINDING_CODES,
  findingDoc,
  isFindingCode,
  type FindingPod,
  type Severity,
} from '@wavegate/fleet';
import { isBlind, type Check, type ClusterFinding, type Found } from './check.js';
import { Disruption, idOf } from './disruption.js';
import { ESSENTIAL, type ClusterPicture, type Gap, type PartName } from './picture.js';
import type { PreflightContext } from './preflight-context.js';
import { CHECKS } from './registry.js';
import { list } from './sent.js';

const ORDER: readonly Severity[] = ['block', 'warn', 'info'];

/** All findings of a picture, the plan's severities applied; the worst first, then by code and object. */
export function runChecks(
  picture: ClusterPicture,
  context: PreflightContext,
  checks: readonly Check[] = CHECKS,
): ClusterFinding[] {
  const asked = checks.filter(({ phases }) => phases.includes(context.phase));
  const able = asked.filter(({ needs }) => !needs.some((part) => isBlind(picture, part)));
  const disruption = new Disruption(picture);
  const found = able.flatMap((check) => check.run(picture, context)).map((one) => toFinding(one, disruption));
  const gaps = groupedGaps(picture.gaps).map((gap) => toFinding(gapFinding(gap, asked), disruption));
  return ruled([...found, ...gaps], context).sort(byWeight);
}

function ruled(findings: readonly ClusterFinding[], context: PreflightContext): ClusterFinding[] {
  const { spec, labels } = context;
  const changed = applySeverities(findings, spec.preflight.severities, { labels, at: context.at });
  return changed.flatMap((finding, n) => {
    if (!isFindingCode(finding.code)) return [];
    return [{ ...finding, code: finding.code, nodes: findings[n]?.nodes ?? [] }];
  });
}

/** A list that is sent out names pods; of hundreds of one workload the first are enough to find the rest. */
const MOST_PODS = 50;

function toFinding(
  { owner = '', nodes = [], severity, meets = [], ...rest }: Found,
  known: Disruption,
): ClusterFinding {
  const shown = meets.slice(0, MOST_PODS).map((pod): FindingPod => {
    return { pod: idOf(pod), node: pod.node, pdb: known.budgetsOf(pod).map(idOf).join(', ') };
  });
  const whose = shown.length > 0 ? { pods: shown } : {};
  return { ...rest, ...whose, owner, nodes, severity: severity ?? FINDING_CODES[rest.code] };
}

function byWeight(a: ClusterFinding, b: ClusterFinding): number {
  const apart = ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity);
  if (apart !== 0) return apart;
  const key = ({ code, object, message }: ClusterFinding): string => `${code} ${object} ${message}`;
  return key(a) < key(b) ? -1 : 1;
}

/** One finding per part, its causes in one sentence. */
function groupedGaps(gaps: readonly Gap[]): Gap[] {
  return [...Map.groupBy(gaps, ({ part }) => part).values()].flatMap((same): Gap[] => {
    const [first] = same;
    if (!first) return [];
    const why = [...new Set(same.map((gap) => briefly(gap.why)))].join('; ');
    return [{ ...first, why, partial: same.every(({ partial }) => partial) }];
  });
}

/** 'x is forbidden: User "u" cannot list resource "r" in API group "g" …' → 'may not list r.g'. */
function briefly(why: string): string {
  const match = /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/.exec(why);
  if (!match) return why;
  return `may not ${match[1]} ${match[2]}${match[3] === '' ? '' : `.${match[3]}`}`;
}

const WORDS: Readonly<Partial<Record<PartName, string>>> = {
  version: 'the API groups and version',
  readyz: '/readyz',
  servers: 'the other API servers',
  metrics: "the API server's metrics",
  endpoints: 'EndpointSlices',
  nodeJob: 'whether a node Job would be taken',
  kubeadm: "kubeadm's ConfigMaps",
  writers: 'who writes by old API versions',
  volumes: 'PersistentVolumes',
  limits: 'LimitRanges',
  quotas: 'ResourceQuotas',
  budgets: 'PodDisruptionBudgets',
};

function gapFinding({ part, code, why, partial }: Gap, asked: readonly Check[]): Found {
  const blind = asked.flatMap(({ needs, wants, codes }) =>
    needs.includes(part) ? codes.map((one) => one.code) : list(wants?.[part]),
  );
  const lost = blind.length === 0 || partial ? '' : `; so nothing is known about ${blind.join(', ')}`;
  const essential = ESSENTIAL.includes(part) && !partial;
  return {
    code: 'not_checked',
    object: part,
    message: `could not be checked: ${WORDS[part] ?? part}: ${why}${code > 0 ? ` (${code})` : ''}${lost}`,
    remedy:
      code === 401 || code === 403
        ? 'grant what deploy/agent/rbac.yaml grants, or look with an account that may read this'
        : 'mend what does not answer, or look from a machine that can reach it',
    ...(essential ? { severity: 'block' as const } : {}),
  };
}

/** Where a person reads more about it. */
export function docOf(finding: Pick<ClusterFinding, 'code'>): string {
  return findingDoc(finding.code);
}
