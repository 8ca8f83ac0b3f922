import { byOwner, concernsDrain, type FleetFinding } from '@wavegate/fleet';
import type { z } from 'zod';
import type * as shapes from '../rest/plan-shapes.js';
import type { ClusterPreflight } from './fleet-preflight.js';

type DrainPreviewView = z.infer<typeof shapes.DrainPreviewShape>;

/** Which workloads would block the drains of a plan, by the owner who can mend them: the list that is sent out before. */
export function toDrainPreview(
  plan: { readonly name: string; readonly digest: string },
  preflights: readonly ClusterPreflight[],
): DrainPreviewView {
  const findings = preflights.flatMap(({ cluster, findings: own }) =>
    own.filter(concernsDrain).map((finding): FleetFinding => ({ ...finding, cluster })),
  );
  return {
    plan: plan.name,
    digest: plan.digest,
    checked: preflights.filter(({ state }) => state === 'checked').length,
    clusters: preflights.map(({ cluster, state, why }) => ({ cluster, state, why })),
    owners: byOwner(findings).map((group) => ({
      ...group,
      clusters: [...group.clusters],
      findings: group.findings.map(({ cluster, code, severity, object, message, remedy, pods = [] }) => ({
        ...{ cluster, code, severity, object, message, remedy, pods: [...pods] },
      })),
    })),
  };
}

const TITLES = ['owner', 'severity', 'code', 'cluster', 'object', 'message', 'remedy', 'pod', 'node', 'pdb'];
const NO_POD = { pod: '', node: '', pdb: '' };

/**
 * RFC 4180; the same as the JSON, a finding in as many rows as it has pods. A cluster that was not checked is a row too:
 * silence must not read as "all well".
 */
export function drainPreviewCsv({ owners, clusters }: DrainPreviewView): string {
  const rows = owners.flatMap(({ owner, findings }) =>
    findings.flatMap(({ severity, code, cluster, object, message, remedy, pods }) =>
      (pods.length > 0 ? pods : [NO_POD]).map(({ pod, node, pdb }) => [
        ...[owner, severity, code, cluster, object, message, remedy, pod, node, pdb],
      ]),
    ),
  );
  const unchecked = clusters
    .filter(({ state }) => state !== 'checked')
    .map(({ cluster, state, why }) => [
      '',
      'warn',
      `not_checked_${state}`,
      cluster,
      cluster,
      why ?? '',
      '',
      '',
      '',
      '',
    ]);
  return `${[TITLES, ...rows, ...unchecked].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** Names come from clusters: one that begins like a formula is not to be run by the reader's spreadsheet. */
function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
