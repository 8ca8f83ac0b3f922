import { readFileSync, writeFileSync } from 'node:fs';
import { parseVersion, readPlan, type Plan } from '@wavegate/fleet';
import { bareContext, type PictureSummary, type PreflightContext } from '@wavegate/kube';
import { Command, Option } from 'commander';
import { parse } from 'yaml';
import { EXIT, ProgramFailure, usage } from '../program-failure.js';
import { LiveTick } from './live-tick.js';
import { lookAt, type PreflightLook } from './preflight-look.js';
import { preflightOutput } from './preflight-output.js';
import { isBlocked, type Grouping } from './preflight-table.js';
import { kubeOptions } from './verb-kube.js';
import { writeOut } from './write-out.js';

interface PreflightOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly target?: string;
  readonly plan?: string;
  readonly metricsNamespace: string;
  readonly output: 'table' | 'json' | 'csv';
  readonly by: Grouping;
  readonly drainPreview?: boolean;
  readonly save?: string;
  readonly after?: string;
}

const HELP = `
Reads only: nothing in the cluster is changed. (One request is a server-side dry run: would our node Job be taken?)

Examples:
  wavegate-agent preflight --context stg-fra-1,dev-sin-1 --target 1.35.4
  wavegate-agent preflight --target 1.35.4 --by owner            grouped by team label (wavegate.dev/owner, owner, team)
  wavegate-agent preflight --plan k135-autumn.yaml -o json       with the consents and severities of a plan
  wavegate-agent preflight --target 1.35.4 --drain-preview -o csv > blockers.csv
  wavegate-agent preflight --target 1.35.4 --save before.json    then upgrade, then: … --after before.json

Exit codes: 0 nothing blocks · 1 something blocks · 2 the command is wrong · 4 a cluster could not be looked at
What each code means and what to do: docs/preflight.md`;

export function preflightCommand(): Command {
  const command = new Command('preflight')
    .description('what would make an upgrade of these clusters fail or hang, and what to do about it (reads only)')
    .option('--target <version>', 'the version to go to, with its patch: 1.35.4')
    .option(
      '--plan <file>',
      "a plan: its target, consents and severities count (selectors need a hub's labels), and its objectives are asked for",
    )
    .option('--metrics-namespace <name>', 'where the ConfigMap wavegate-metrics names the metrics sources', 'wavegate')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'csv']).default('table'))
    .addOption(
      new Option('--by <what>', 'how the table is grouped').choices(['severity', 'owner', 'node']).default('severity'),
    )
    .option('--drain-preview', 'instead: which pods would hold a drain up, by owner, with their budgets')
    .option('--save <file>', 'keep how the clusters are now, to compare with after the upgrade')
    .option('--after <file>', 'the upgrade is over: compare with what --save kept')
    .addHelpText('after', HELP)
    .action(async (options: PreflightOptions) => {
      process.exitCode = await preflight(options);
    });
  return kubeOptions(command);
}

/** Prints the answer and gives the exit code. */
async function preflight(options: PreflightOptions): Promise<number> {
  const plan = options.plan === undefined ? null : planIn(options.plan);
  const context = contextOf(options, plan);
  const kept = options.after === undefined ? null : readKept(options.after);
  const names = (options.context ?? '').split(',').map((name) => name.trim());
  const contexts: (string | undefined)[] = names.filter(Boolean);
  if (contexts.length === 0) contexts.push(undefined);
  const tick = new LiveTick(contexts.length);
  const looks = await Promise.all(
    contexts.map(async (name) => {
      const { kubeconfig } = options;
      const kubeOptions = { ...(kubeconfig ? { kubeconfig } : {}), ...(name ? { context: name } : {}) };
      const before = kept === null ? {} : { phase: 'after' as const, before: keptOf(kept, name) };
      const say = (cluster: string, path: string): void => tick.note(cluster, path);
      const of = { plan, namespace: options.metricsNamespace };
      const look = await lookAt({ options: kubeOptions, context: { ...context, ...before }, say, ...of });
      tick.finish(look.cluster);
      return look;
    }),
  ).finally(() => tick.stop());
  const { output: format, by, drainPreview = false } = options;
  await writeOut(preflightOutput({ looks, target: context.target, format, by, drainPreview }));
  if (options.save !== undefined) save(options.save, looks);
  return exitCodeOf(looks, drainPreview);
}

function exitCodeOf(looks: readonly PreflightLook[], drainPreview: boolean): number {
  if (looks.some(({ kind }) => kind === 'unreachable')) return EXIT.unreachable;
  const blocks = looks.some((look) => {
    if (look.kind !== 'seen') return false;
    return drainPreview ? look.drain.some(isBlocked) : look.findings.some(({ severity }) => severity === 'block');
  });
  return blocks ? EXIT.failure : EXIT.ok;
}

function contextOf(options: PreflightOptions, plan: Plan | null): PreflightContext {
  const target = options.target ?? plan?.spec.target.kubernetes;
  if (target === undefined) throw usage('say where to go: --target 1.35.4, or --plan with a plan that names it');
  const version = parseVersion(target);
  if (!version) throw usage(`--target ${target} is not a version with its patch, such as 1.35.4`);
  const context = bareContext(version.text, Date.now());
  return plan ? { ...context, spec: plan.spec } : context;
}

function planIn(file: string): Plan {
  const read = readPlan(parse(textOf('--plan', file)) as unknown);
  if (!('problems' in read)) return read.plan;
  const lines = read.problems.map(({ detail }) => `  ${detail}`);
  throw usage(`--plan ${file} is not a valid plan:\n${lines.join('\n')}`);
}

type Kept = Readonly<Record<string, PictureSummary>>;

function readKept(file: string): Kept {
  const wrong = `--after ${file} was not written by wavegate-agent preflight --save`;
  let kept: { readonly schema?: number; readonly clusters?: Kept };
  try {
    kept = JSON.parse(textOf('--after', file)) as typeof kept;
  } catch (error) {
    throw error instanceof ProgramFailure ? error : usage(wrong);
  }
  if (kept.schema === 1 && kept.clusters) return kept.clusters;
  throw usage(wrong);
}

/** One context only, unnamed: whatever the only entry is called. */
function keptOf(kept: Kept, name: string | undefined): PictureSummary {
  const known = Object.keys(kept);
  const only = known.length === 1 ? known[0] : undefined;
  const summary = kept[name ?? only ?? ''];
  if (summary) return summary;
  throw usage(`--after: nothing was saved of ${name ?? 'this cluster'}; the file has ${known.join(', ') || 'nothing'}`);
}

function save(file: string, looks: readonly PreflightLook[]): void {
  const entries = looks.flatMap((look) => (look.kind === 'seen' ? [[look.cluster, look.summary] as const] : []));
  try {
    writeFileSync(file, `${JSON.stringify({ schema: 1, clusters: Object.fromEntries(entries) }, null, 2)}\n`);
  } catch (error) {
    throw new ProgramFailure(`--save ${file}: ${(error as Error).message}`, EXIT.failure);
  }
}

function textOf(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(
      `${flag} ${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error)}`,
    );
  }
}
