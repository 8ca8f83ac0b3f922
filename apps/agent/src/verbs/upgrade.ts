import { PlanSchema, parseVersion, readPlan, type Plan } from '@wavegate/fleet';
import { ClusterObserver } from '@wavegate/kube';
import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { EXIT, ProgramFailure, usage } from '../program-failure.js';
import { systemClock } from '../system-clock.js';
import { printedUpgrade } from './upgrade-print.js';
import { inOneLine, kubeOptions, openVerbKube, type KubeOptions } from './verb-kube.js';
import { writeOut } from './write-out.js';

interface UpgradeOptions extends KubeOptions {
  readonly print?: boolean;
  readonly target?: string;
  readonly plan?: string;
}

const HELP = `
Upgrades are orders of a hub: this verb only prints what the agent would do in this cluster, node by node, with every
wait and the point of no return. It reads the cluster and changes nothing. Without --plan the defaults of a plan count.

  wavegate-agent upgrade --print --target 1.35.4 --context prod-fra-1
  wavegate-agent upgrade --print --plan autumn.yaml > by-hand.txt

Exit codes: 0 printed · 1 there is no way to the target · 2 wrong usage · 4 the cluster does not answer.`;

export function upgradeCommand(): Command {
  const command = new Command('upgrade')
    .description('prints the commands of an upgrade, per node and in order, for a person (reads only)')
    .option('--print', 'print them: the only thing that this verb does')
    .option('--target <version>', 'the version to go to, with its patch: 1.35.4')
    .option('--plan <file>', 'a plan: its target and policies count')
    .addHelpText('after', HELP)
    .action((options: UpgradeOptions) =>
      printUpgrade(options).catch((error: unknown) => {
        throw inOneLine(error);
      }),
    );
  return kubeOptions(command);
}

async function printUpgrade(options: UpgradeOptions): Promise<void> {
  if (!options.print) throw usage('upgrades are orders of a hub; --print shows what the agent would do here');
  const plan = planOf(options);
  const kube = await openVerbKube(options);
  const now = (): number => systemClock.now();
  const observer = new ClusterObserver({ kube, now, agentPod: null });
  // Nobody has watched yet: what is there now counts as settled.
  const { steadySince: _since, ...observed } = await observer.observe(plan.spec.drain);
  const { items } = await kube.core.listNode();
  const systems = Object.fromEntries(
    items.map(({ metadata, status }) => [metadata?.name ?? '', status?.nodeInfo?.osImage ?? '']),
  );
  if (!observed.nodes.some(({ staticPods }) => 'kube-apiserver' in staticPods)) {
    const why =
      'no kube-apiserver runs as a static pod here: this cluster was not made by kubeadm (or is a managed one)';
    throw new ProgramFailure(`${why}, and Wavegate has no commands for it`, EXIT.failure);
  }
  await writeOut(printedUpgrade({ plan, observed: { ...observed, reachableSince: 0 }, systems, at: now() }));
}

function planOf({ plan: file, target }: UpgradeOptions): Plan {
  if (file === undefined) {
    if (target === undefined) throw usage('say where to go: --target 1.35.4, or --plan with a plan that names it');
    const version = parseVersion(target);
    if (!version) throw usage(`--target ${target} is not a version with its patch, such as 1.35.4`);
    const head = { apiVersion: 'wavegate.dev/v1', kind: 'UpgradePlan', metadata: { name: 'by-hand' } };
    return PlanSchema.parse({ ...head, spec: { target: { kubernetes: version.text } } });
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(
      `--plan ${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : String(error)}`,
    );
  }
  const read = readPlan(parse(text) as unknown);
  if ('problems' in read) {
    throw usage(`--plan ${file} is not a valid plan:\n${read.problems.map(({ detail }) => `  ${detail}`).join('\n')}`);
  }
  return target === undefined
    ? read.plan
    : { ...read.plan, spec: { ...read.plan.spec, target: { ...read.plan.spec.target, kubernetes: target } } };
}
