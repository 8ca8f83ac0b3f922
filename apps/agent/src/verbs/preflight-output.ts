import { docOf } from '@wavegate/kube';
import { csv } from './csv.js';
import type { PreflightLook } from './preflight-look.js';
import { byOwnerLine, drainTable, findingsTable, type Grouping } from './preflight-table.js';

export interface OutputAsk {
  readonly looks: readonly PreflightLook[];
  readonly target: string;
  readonly format: 'table' | 'json' | 'csv';
  readonly by: Grouping;
  readonly drainPreview: boolean;
}

type Seen = Extract<PreflightLook, { kind: 'seen' }>;
const seen = (looks: readonly PreflightLook[]): Seen[] => looks.filter((look) => look.kind === 'seen');

/** All of it as one text, in the format that was asked for. */
export function preflightOutput(ask: OutputAsk): string {
  switch (ask.format) {
    case 'table':
      return tableText(ask);
    case 'json':
      return `${JSON.stringify(jsonValue(ask), null, 2)}\n`;
    case 'csv':
      return ask.drainPreview ? drainCsv(ask.looks) : findingsCsv(ask.looks);
  }
}

function tableText({ looks, target, by, drainPreview }: OutputAsk): string {
  const away = looks.flatMap((look) =>
    look.kind === 'unreachable' ? [`${look.cluster}  not looked at: ${look.why}`] : [],
  );
  const there = seen(looks);
  const body = drainPreview
    ? drainTable(there)
    : [...there.flatMap((look) => [...findingsTable(look, target, by), '']), ...byOwnerLine(there)];
  return `${[...body, ...away].join('\n').trimEnd()}\n`;
}

/** Fields are only ever added; `schema` says when one changes its meaning. */
function jsonValue({ looks, target, drainPreview }: OutputAsk): unknown {
  const clusters = looks.map((look) => {
    if (look.kind === 'unreachable') return { cluster: look.cluster, unreachable: look.why };
    const { cluster, version, controlPlanes, workers, pods, findings, drain, tookMs } = look;
    const about = { cluster, version, controlPlanes, workers, pods, tookMs };
    if (drainPreview) return { ...about, drain };
    return { ...about, findings: findings.map((finding) => ({ ...finding, doc: docOf(finding) })) };
  });
  return { schema: 1, target, clusters };
}

function findingsCsv(looks: readonly PreflightLook[]): string {
  const head = ['cluster', 'severity', 'code', 'object', 'owner', 'nodes', 'message', 'remedy', 'doc'];
  const rows = seen(looks).flatMap(({ cluster, findings }) =>
    findings.map((finding) => {
      const { severity, code, object, owner, nodes, message, remedy } = finding;
      return [cluster, severity, code, object, owner, nodes.join(' '), message, remedy, docOf(finding)];
    }),
  );
  return csv([head, ...rows, ...unreachableRows(looks, head.length)]);
}

function drainCsv(looks: readonly PreflightLook[]): string {
  const head = ['cluster', 'owner', 'verdict', 'node', 'namespace', 'pod', 'workload', 'pdb', 'why'];
  const rows = seen(looks).flatMap(({ cluster, drain }) =>
    drain.map(({ owner, verdict, node, namespace, pod, workload, pdb, why }) => [
      ...[cluster, owner, verdict, node, namespace, pod, workload, pdb, why],
    ]),
  );
  return csv([head, ...rows, ...unreachableRows(looks, head.length)]);
}

/** A cluster that could not be seen must not look like one without findings. */
function unreachableRows(looks: readonly PreflightLook[], columns: number): string[][] {
  return looks.flatMap((look) =>
    look.kind === 'unreachable'
      ? [[look.cluster, 'unreachable', ...Array<string>(columns - 3).fill(''), look.why]]
      : [],
  );
}
