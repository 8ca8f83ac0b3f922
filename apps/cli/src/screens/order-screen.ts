import type { Order } from '../gen/types.gen.js';
import { hangText, printColumns, type Cell } from './columns.js';
import { drainLines } from './drain-lines.js';
import { countFindings, findingLines } from './finding-lines.js';
import { clockText, durationText, momentText, reasonText, sinceText, type ScreenOptions } from './moment.js';
import { paintOf, type Tone } from './paint.js';

/** As many letters of an id as people type; the hub takes any unique beginning. */
const SHORT = 8;

interface Standing {
  readonly text: string;
  readonly tone: Tone;
}

/** One word, or a few, for how it stands. */
export function orderStanding({ state, outcome, progress, waits }: Order): Standing {
  if (waits?.code === 'agent_lost') return { text: 'agent silent', tone: 'bad' };
  switch (state) {
    case 'open':
      return { text: waits ? 'held back' : 'offered to its agent', tone: 'warn' };
    case 'confirmed':
      return { text: progress ? 'running' : 'begins', tone: 'strong' };
    case 'withdrawing':
      return { text: 'is being withdrawn', tone: 'warn' };
    case 'withdrawn':
      return { text: 'withdrawn', tone: 'faint' };
    case 'refused':
      return { text: 'refused', tone: 'bad' };
    case 'done':
      return { text: outcome?.kind ?? 'done', tone: outcome?.kind === 'completed' ? 'good' : 'bad' };
  }
}

/** True where it did what it was asked; a preflight that found something that blocks did so, too. */
export function isCompleted({ outcome }: Order): boolean {
  return outcome?.kind === 'completed' || outcome?.kind === 'upgraded';
}

const TITLES = ['ORDER', 'KIND', 'CLUSTER', 'STATE', 'AGE', 'BY', 'WHAT'];

/** Newest first, one line each. */
export function renderOrders(orders: readonly Order[], options: ScreenOptions): string {
  if (orders.length === 0) return 'No order matches.';
  const paint = paintOf(options.color);
  const rows = orders.map((order): Cell[] => [
    { text: order.id.slice(0, SHORT), tone: 'strong' },
    { text: order.kind },
    { text: order.cluster },
    orderStanding(order),
    { text: sinceText(order.createdAt, options) },
    { text: `${order.parent.kind} ${order.parent.id.slice(0, SHORT)}` },
    { text: whatHappens(order, options) },
  ]);
  return printColumns(TITLES, rows, { width: options.width, paint, wrapLast: true }).join('\n');
}

/** The newest that is known: how it ended, why it waits, or what it is to do. */
export function whatHappens(order: Order, options: ScreenOptions): string {
  const { outcome, reason, progress, kind, findings, startBy, waits } = order;
  if (outcome?.kind === 'completed' && kind === 'preflight') return countFindings(findings);
  if (outcome) return outcome.text;
  if (reason) return reasonText(reason, options);
  if (waits) return waitText(waits, progress, options);
  if (progress) return reasonText(progress.reason, options);
  return order.state === 'open'
    ? `waits for the agent until ${momentText(Date.parse(startBy), options)}`
    : argsText(order);
}

/** What only the hub knows, and beside it what the agent said last. */
function waitText(waits: NonNullable<Order['waits']>, progress: Order['progress'], options: ScreenOptions): string {
  const last = progress ? `; it said last: ${reasonText(progress.reason, options)}` : '';
  return `${reasonText(waits, options)}${last}`;
}

/** "node w-1", "etcd", "velero namespaces shop", "1.34.4 → 1.35.4 on w-1, w-2". */
function argsText({ args, hop }: Order): string {
  const { node, nodes, what, from, namespaces } = (args ?? {}) as Readonly<Record<string, unknown>>;
  if (Array.isArray(nodes) && nodes.length > 0) return `${hop} on ${nodes.join(', ')}`;
  if (typeof node === 'string') return `node ${node}`;
  if (typeof from === 'string') return `from ${from}`;
  if (typeof what !== 'string') return hop;
  const some = Array.isArray(namespaces) && namespaces.length > 0 ? ` namespaces ${namespaces.join(', ')}` : '';
  return what + some;
}

/** One order with everything it gave: where its drain stands, findings, receipts, the end. */
export function renderOrder(order: Order, options: ScreenOptions): string {
  const paint = paintOf(options.color);
  const { text, tone } = orderStanding(order);
  const [from, until] = [Date.parse(order.createdAt), order.endedAt ? Date.parse(order.endedAt) : options.now];
  const took = durationText(until - from);
  const head = `${paint(`${order.kind} of ${order.cluster}`, 'strong')}  ${argsText(order)}  order ${order.id.slice(0, SHORT)}`;
  const ends = order.ended
    ? `after ${took}`
    : `for ${took}, ends ${clockText(Date.parse(order.deadline), options)} at the latest`;
  const findings = order.findings.length > 0 ? ['', ...findingLines(order.findings, options)] : [];
  return [
    `${head}  ${paint(text, tone)} ${ends}`,
    ...(isSaidAlready(order) ? [] : hangText('  ', whatHappens(order, options), options.width)),
    ...(order.progress?.drains ?? []).flatMap((drain) => ['', ...drainLines(drain, options)]),
    ...order.receipts.flatMap((receipt) => receiptLines(receipt, options)),
    ...fetchedLines(order, options),
    ...findings,
  ].join('\n');
}

/** The head says that it completed, and the receipts below say what the outcome would repeat. */
function isSaidAlready({ kind, outcome, receipts }: Order): boolean {
  return kind !== 'preflight' && outcome?.kind === 'completed' && (receipts.length > 0 || outcome.text === 'completed');
}

const FETCHED_TITLES = ['NODE', 'VERSION', 'IMAGES', 'FREE', 'PACKAGES'];

/** What a prefetch laid onto each node. */
function fetchedLines({ outcome }: Order, { width, color }: ScreenOptions): string[] {
  const rows = (outcome?.fetched ?? []).map(({ node, version, images, freeMib, packages }): Cell[] => [
    ...[{ text: `  ${node}`, tone: 'strong' as const }, { text: version }, { text: String(images) }],
    ...[{ text: `${Math.floor(freeMib / 1024)} GiB` }, { text: packages }],
  ]);
  if (rows.length === 0) return [];
  const [first = '', ...others] = FETCHED_TITLES;
  return ['', ...printColumns([`  ${first}`, ...others], rows, { width, paint: paintOf(color), wrapLast: true })];
}

function receiptLines(receipt: Order['receipts'][number], options: ScreenOptions): string[] {
  return [
    ...hangText('  receipt  ', receipt.text, options.width),
    ...hangText('           ', receipt.path, options.width),
    ...receipt.checks.flatMap((check) => hangText('           ✔ ', check, options.width)),
  ];
}
