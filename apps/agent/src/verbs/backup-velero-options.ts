import { describeReason, durationMs, isSelectorProblem, parseSelector, type Reason } from '@wavegate/fleet';
import { toKubeError, VeleroFailure, veleroMeans, type VeleroMeans, type VeleroWatcher } from '@wavegate/kube';
import { StepInterrupted } from '@wavegate/runtime/agent';
import { Option, type Command } from 'commander';
import { EXIT, ProgramFailure, usage } from '../program-failure.js';
import { stopOnSignals } from '../stop-on-signals.js';
import { systemClock } from '../system-clock.js';
import { kubeOptions, openVerbKube, type KubeOptions } from './verb-kube.js';

/** Options of every verb about Velero. */
export interface VeleroOptions extends KubeOptions {
  readonly veleroNamespace?: string;
  readonly output: 'table' | 'json';
}

export function veleroOptions(command: Command): Command {
  return kubeOptions(command)
    .option('--velero-namespace <name>', 'where Velero runs (default: found by its storage locations)')
    .addOption(
      new Option('-o, --output <form>', 'table for people, json for scripts')
        .choices(['table', 'json'])
        .default('table'),
    );
}

/** What a backup or Schedule takes. */
export interface ContentOptions extends VeleroOptions {
  readonly namespaces?: string;
  readonly selector: string;
  readonly ttl?: string;
  readonly location?: string;
}

export function contentOptions(command: Command): Command {
  return veleroOptions(command)
    .option('--namespaces <a,b>', 'only these namespaces (default: all)')
    .option('--selector <labels>', "only objects with these labels, for example 'app=web, tier in (front, api)'", '')
    .option(
      '--ttl <time>',
      'how long it is kept, for example 72h or 30d (default: as Velero is set up, usually 30 days)',
    )
    .option('--location <name>', 'BackupStorageLocation to store it in (default: the default one)');
}

/** The content as the library takes it. Throws a usage failure that says what would be right. */
export function readContent(options: ContentOptions) {
  const { namespaces, selector, ttl, location, veleroNamespace } = options;
  const read = parseSelector(selector);
  if (isSelectorProblem(read)) throw usage(`--selector: ${read.problem}`);
  return {
    namespaces: names(namespaces ?? ''),
    selector,
    ttlMs: ttl === undefined ? 0 : readTime('--ttl', ttl),
    ...(location ? { location } : {}),
    ...(veleroNamespace ? { veleroNamespace } : {}),
  };
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function names(text: string): string[] {
  const list = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const wrong = list.find((name) => !NAME.test(name));
  if (wrong) throw usage(`--namespaces: "${wrong}" is no name of a namespace; write them as shop,payments`);
  return [...new Set(list)].sort();
}

/** Above zero. */
export function readTime(option: string, text: string): number {
  const ms = /^\d+(s|m|h|d)$/.test(text) ? durationMs(text) : 0;
  if (ms <= 0) throw usage(`${option}: "${text}" is no time; write it as 45m, 72h or 30d`);
  return ms;
}

/** A backup's name: Velero's labels end at 63 characters, and proofs and schedules add to it. */
export function checkedName(name: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$/.test(name)) return name;
  throw usage(`"${name}" is no name for it: at most 50 lower-case letters, digits and dashes`);
}

/** `shop:shop-restored,pay:pay` → { shop: 'shop-restored', pay: 'pay' } */
export function readMapping(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.trim().split(':'));
  const wrong = pairs.find((pair) => pair.length !== 2 || pair.some((name) => !NAME.test(name)));
  if (wrong) throw usage(`--into: "${wrong.join(':')}" is no pair; write from:to, for example shop:shop-restored`);
  return Object.fromEntries(pairs as [string, string][]);
}

/** Opens the cluster, runs, and turns what Velero cannot do into one line and exit code 1. */
export async function withVelero(
  options: VeleroOptions,
  act: (means: VeleroMeans, watcher: VeleroWatcher) => Promise<void>,
): Promise<void> {
  const kube = await openVerbKube(options);
  try {
    await act(veleroMeans(kube, systemClock), { report: progressLine(), cancel: stopOnSignals() });
  } catch (error) {
    if (error instanceof VeleroFailure) throw new ProgramFailure(error.message, EXIT.failure);
    const { code, message } = toKubeError(error);
    if (code >= 400) throw new ProgramFailure(`the API server refused it: ${code} ${message}`, EXIT.failure);
    if (!(error instanceof StepInterrupted)) throw error;
    const text = 'stopped waiting; Velero goes on with what it began: see wavegate-agent backup velero list';
    throw new ProgramFailure(text, EXIT.failure);
  }
}

/** One line that is written over on a terminal, one line per change elsewhere; never on stdout, which scripts read. */
function progressLine(): (reason: Reason) => void {
  const startedAt = Date.now();
  return (reason) => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    const text = `${String(seconds).padStart(4)} s  ${describeReason(reason)}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  };
}

/** The result: after the progress, on stdout. */
export function show(options: Pick<VeleroOptions, 'output'>, value: unknown, lines: () => readonly string[]): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  process.stdout.write(`${options.output === 'json' ? JSON.stringify(value, null, 2) : lines().join('\n')}\n`);
}
