import type { Cluster } from '../gen/types.gen.js';
import { printColumns, type Cell } from './columns.js';
import { momentText, sinceText, type ScreenOptions } from './moment.js';
import { paintOf } from './paint.js';

const NARROW = ['NAME', 'CONTROL PLANE', 'NODES', 'DRIVER', 'AGENT', 'LABELS'];
const WIDE = [...NARROW.slice(0, 5), 'LAST BACKUP', 'RESTORE PROVEN', 'FACTS', 'PDBS', 'PROVIDER', 'ID', 'LABELS'];

/** The inventory, one line per cluster. `wide` adds what is rarely asked for. */
export function renderClusters(clusters: readonly Cluster[], wide: boolean, options: ScreenOptions): string {
  if (clusters.length === 0) return 'No cluster matches.';
  const rows = clusters.map((cluster) => {
    const [labels, ...front] = [labelsText(cluster.labels), ...frontCells(cluster, options)];
    const more = [
      backupText(cluster.lastBackup, options),
      backupText(cluster.lastRestoreProof, options),
      cluster.factsAt === null ? 'none yet' : `${sinceText(cluster.factsAt, options)} old`,
      String(cluster.pdbCount ?? '–'),
      cluster.provider || '–',
      cluster.id,
    ];
    return [...front, ...(wide ? more.map((text) => ({ text })) : []), { text: labels, tone: 'faint' as const }];
  });
  return printColumns(wide ? WIDE : NARROW, rows, { width: options.width, paint: paintOf(options.color) }).join('\n');
}

function frontCells(cluster: Cluster, options: ScreenOptions): Cell[] {
  return [
    { text: cluster.name, tone: 'strong' },
    { text: cluster.controlPlane.join('+') || 'unknown' },
    { text: nodesText(cluster) },
    { text: cluster.driver ?? '–' },
    agentCell(cluster, options),
  ];
}

/** "12 (1 not ready, 1 cordoned)": what stands out is named, what is well is only counted. */
function nodesText({ nodes }: Cluster): string {
  const notReady = nodes.filter((node) => !node.ready).length;
  const cordoned = nodes.filter((node) => !node.schedulable).length;
  const odd = [...(notReady ? [`${notReady} not ready`] : []), ...(cordoned ? [`${cordoned} cordoned`] : [])];
  return `${nodes.length}${odd.length > 0 ? ` (${odd.join(', ')})` : ''}`;
}

/** "etcd 3h ago": what, and how old; a fleet is scanned for the words "never" and "d". */
function backupText(last: Cluster['lastBackup'], options: ScreenOptions): string {
  return last === null ? 'never' : `${last.backup} ${sinceText(last.at, options)} ago`;
}

function proofFields({ name, lastBackup, lastRestoreProof }: Cluster): [string, string][] {
  return [
    ['last backup', lastBackup?.text ?? 'none known to this hub'],
    ['restore proven', lastRestoreProof?.text ?? `never: wavegate clusters backup ${name} etcd`],
  ];
}

function agentCell({ approved, agent }: Cluster, options: ScreenOptions): Cell {
  if (!approved) return { text: 'waits for approval', tone: 'warn' };
  if (agent.connected) return { text: `connected${agent.version ? `, ${agent.version}` : ''}`, tone: 'good' };
  if (agent.lastSeen === null) return { text: 'never connected', tone: 'warn' };
  return { text: `silent ${sinceText(agent.lastSeen, options)}`, tone: 'bad' };
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([key, value]) => (value === '' ? key : `${key}=${value}`)).join(',') || '–';
}

/** One cluster with its nodes. */
export function renderCluster(cluster: Cluster, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const agent = agentCell(cluster, options);
  const facts = cluster.factsAt === null ? 'none reported yet' : momentText(Date.parse(cluster.factsAt), options);
  const fields: readonly (readonly [string, string])[] = [
    ['id', cluster.id],
    ['kube-system UID', cluster.uid ?? 'not known before the agent has joined'],
    ['control plane', cluster.controlPlane.join(', ') || 'unknown'],
    ['driver', cluster.driver === 'none' ? 'none: no driver of this hub upgrades it' : (cluster.driver ?? 'unknown')],
    ['provider', cluster.provider || '–'],
    ['PDBs', String(cluster.pdbCount ?? 'unknown')],
    ['labels', labelsText(cluster.labels)],
    ['agent', paint(agent.text, agent.tone)],
    ['facts of', facts],
    ...proofFields(cluster),
  ];
  const nodes = cluster.nodes.map((node) => [
    { text: node.name },
    { text: node.role === 'controlPlane' ? 'control plane' : 'worker' },
    { text: node.kubelet },
    node.ready ? { text: 'ready', tone: 'good' as const } : { text: 'not ready', tone: 'bad' as const },
    node.schedulable ? { text: '' } : { text: 'cordoned', tone: 'warn' as const },
    { text: node.zone || '–' },
  ]);
  const table = printColumns(['NODE', 'ROLE', 'KUBELET', 'STATE', '', 'ZONE'], nodes, { width: options.width, paint });
  return [
    paint(cluster.name, 'strong'),
    ...fields.map(([name, value]) => `  ${name.padEnd(16)}${value}`),
    ...(nodes.length > 0 ? ['', ...table] : []),
  ].join('\n');
}
