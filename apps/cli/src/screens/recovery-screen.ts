import type { Recovery } from '../gen/types.gen.js';
import { hangText, printColumns, type Cell } from './columns.js';
import { momentText, sinceText, type ScreenOptions } from './moment.js';
import { paintOf, type Tone } from './paint.js';

const SHORT = 8;

const TONES: Readonly<Record<Recovery['state'], Tone>> = {
  asked: 'warn',
  expired: 'faint',
  approved: 'strong',
  verified: 'good',
};

const TITLES = ['RECOVERY', 'CLUSTER', 'RUNG', 'STATE', 'APPROVALS', 'AGE', 'BY'];

/** Newest first, one line each. */
export function renderRecoveries(items: readonly Recovery[], options: ScreenOptions): string {
  if (items.length === 0) return 'No recovery was asked for.';
  const rows = items.map((one): Cell[] => [
    ...[{ text: one.id.slice(0, SHORT), tone: 'strong' as const }, { text: one.cluster }, { text: whatOf(one) }],
    ...[{ text: one.state, tone: TONES[one.state] }, { text: `${one.approvals.length} of ${one.approvalsNeeded}` }],
    ...[{ text: sinceText(one.askedAt, options) }, { text: one.askedBy }],
  ]);
  return printColumns(TITLES, rows, { width: options.width, paint: paintOf(options.color), wrapLast: true }).join('\n');
}

const whatOf = ({ rung, node }: Recovery): string => (rung === 5 ? `5 replace ${node}` : '6 restore etcd');

/** What is lost, who must approve; then who runs what, in which order; then what the agent saw. */
export function renderRecovery(recovery: Recovery, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const head = `${paint(`recovery of ${recovery.cluster}`, 'strong')}  rung ${whatOf(recovery)}, back to ${recovery.version}  ${recovery.id.slice(0, SHORT)}`;
  return [
    `${head}  ${paint(recovery.state, TONES[recovery.state])}`,
    ...hangText('  LOSES  ', recovery.loses, options.width),
    ...approvalLines(recovery, options),
    ...stageLines(recovery, options),
    ...lostLines(recovery, options),
    ...verificationLines(recovery, options),
  ].join('\n');
}

function approvalLines(recovery: Recovery, options: ScreenOptions): string[] {
  const { approvals, approvalsNeeded, approveUntil, state, epoch, id } = recovery;
  const by = approvals.map((one) => `${one.by} at ${momentText(Date.parse(one.at), options)}`).join(', ');
  const lines = hangText('  approved by  ', by || 'nobody yet', options.width);
  if (state === 'asked') {
    const left = approvalsNeeded - approvals.length;
    const persons = left === 1 ? 'one more person' : `${left} different persons`;
    lines.push(
      `  waits for ${persons}, until ${momentText(Date.parse(approveUntil), options)}: wavegate recoveries approve ${id.slice(0, SHORT)}`,
    );
  }
  if (epoch !== null) lines.push(`  the agent takes only orders newer than epoch ${epoch} from now on`);
  return lines;
}

function stageLines({ stages }: Recovery, options: ScreenOptions): string[] {
  const paint = paintOf(options.color);
  return stages.flatMap(({ title, on, lines, until }, index) => [
    '',
    ...hangText(`  ${index + 1}. `, title, options.width),
    ...hangText('     on  ', on.join(', '), options.width),
    // Never wrapped: lines are to be copied as they are.
    ...lines.map((line) => `       ${paint(line, 'strong')}`),
    ...hangText('     go on when  ', until, options.width),
  ]);
}

function lostLines({ lost, takenAt }: Recovery, options: ScreenOptions): string[] {
  if (takenAt === null) return [];
  const since = momentText(Date.parse(takenAt), options);
  if (lost.length === 0) return ['', `  No order of this cluster ended after ${since}.`];
  const rows = lost.map((one): Cell[] => [
    ...[
      { text: `  ${one.order.slice(0, SHORT)}` },
      { text: one.kind },
      { text: momentText(Date.parse(one.at), options) },
    ],
    { text: one.text },
  ]);
  const paint = paintOf(options.color);
  const table = printColumns(['  ORDER', 'KIND', 'ENDED', 'WHAT'], rows, {
    width: options.width,
    paint,
    wrapLast: true,
  });
  return ['', `  Since the snapshot (${since}), and lost with it:`, ...table];
}

function verificationLines({ verification }: Recovery, options: ScreenOptions): string[] {
  if (!verification) return [];
  const { order, ended, checks } = verification;
  const head = ended
    ? `  The agent looked (order ${order.slice(0, SHORT)}):`
    : `  The agent looks (order ${order.slice(0, SHORT)}).`;
  return [
    '',
    head,
    ...(ended ? checks.flatMap(({ good, text }) => hangText(`    ${good ? '✔' : '✘'} `, text, options.width)) : []),
  ];
}
