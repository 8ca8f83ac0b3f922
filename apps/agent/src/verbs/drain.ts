import { closedBy, drainNode, previewDrain, type DrainPreview, type KubeAccess } from '@wavegate/kube';
import { StepInterrupted, type CancelSource, type StepResult } from '@wavegate/runtime/agent';
import { Command, Option } from 'commander';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { stopOnSignals } from '../stop-on-signals.js';
import { systemClock, systemRandom } from '../system-clock.js';
import { readDrainOptions, type DrainOptions, type DrainSettings } from './drain-options.js';
import { endText, nodeLeft, previewText, whyText, type DrainEnd } from './drain-output.js';
import { openDrainScreen, type DrainScreen } from './drain-screen.js';
import { inOneLine, kubeOptions, openVerbKube } from './verb-kube.js';
import { ofNode, VERB_MARK } from './verb-node.js';
import { writeOut } from './write-out.js';

const HELP = `
Closes the node, then evicts its pods by the Eviction API: a PodDisruptionBudget is never broken, and no pod is ever
deleted outright. Pods of DaemonSets and static pods stay. What holds a pod is named within seconds, with its budget,
the budget's numbers and the workload it belongs to.

  what would happen, and who would block it; changes nothing:
    wavegate-agent drain w-3 --dry-run
  with a bound, and consent to lose the emptyDirs of two namespaces:
    wavegate-agent drain w-3 --timeout 30m --delete-emptydir-data ci,cache
  as fast as the budgets allow, for a script:
    wavegate-agent drain w-3 --pace unlimited -o json
  and back:
    wavegate-agent uncordon w-3

Ctrl-C stops asking; pods told to end still end, and the node stays closed: run drain again, or uncordon it.
Exit codes: 0 the node is empty (--dry-run: nothing would hold it) · 1 blocked, refused or timed out · 2 wrong usage ·
4 the cluster does not answer · 130 interrupted.`;

export function drainCommand(): Command {
  const command = new Command('drain')
    .description('empties one node by evictions, and says who blocks it (needs no hub)')
    .argument('<node>', 'name of the node')
    .option('--timeout <duration>', 'give up after this long', '15m')
    .option('--pace <n/s>', 'evictions per second after a burst of ten, or "unlimited"', '5/s')
    .option('--delete-emptydir-data <where>', 'namespaces (or owner=NAME, or all) whose emptyDirs may be lost')
    .option('--evict-unmanaged <where>', 'namespaces (or owner=NAME, or all) whose pods without controller may be lost')
    .option('--last-node', 'drain the last node that takes these pods, too: they will be down')
    .option('--dry-run', 'only say what would happen')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json', 'csv']).default('text'))
    .addHelpText('after', HELP)
    .action((node: string, options: DrainOptions) => drain(node, options));
  return kubeOptions(command);
}

async function drain(node: string, options: DrainOptions): Promise<void> {
  const settings = readDrainOptions(options);
  const kube = await openVerbKube(options);
  if (options.dryRun) {
    return show(await ofNode(kube, node, () => previewDrain(kube, node, settings.consent)), settings, options.output);
  }
  const found = await ofNode(kube, node, () => kube.core.readNode({ name: node }));
  const owner = closedBy(found) ?? '';
  if (owner !== '' && owner !== VERB_MARK) {
    const whose = `node ${node} is under work of order ${owner}`;
    throw new ProgramFailure(
      `${whose}: take that order back at the hub first (wavegate orders withdraw ${owner})`,
      EXIT.failure,
    );
  }
  await carryOut(kube, { node, uid: found.metadata?.uid ?? '' }, { settings, output: options.output });
}

async function show(preview: DrainPreview, settings: DrainSettings, output: DrainOptions['output']): Promise<void> {
  const holds = preview.pods.some(({ fate }) => fate !== 'evict' && fate !== 'kept');
  await writeOut(previewText(preview, settings, output));
  if (holds || (preview.lastNode && !settings.lastNode)) process.exitCode = EXIT.failure;
}

async function carryOut(
  kube: KubeAccess,
  { node, uid }: { readonly node: string; readonly uid: string },
  how: { readonly settings: DrainSettings; readonly output: DrainOptions['output'] },
): Promise<void> {
  const cancel = stopOnSignals();
  const screen = openDrainScreen(node, how.output);
  const begunAt = systemClock.now();
  try {
    const end = await run(kube, { node, uid, settings: how.settings, screen, cancel });
    screen.close();
    await tellEnd({ node, end, last: screen.last(), ms: systemClock.now() - begunAt }, how.output);
  } catch (error) {
    if (!(error instanceof StepInterrupted)) throw inOneLine(error);
    const back = `go on: wavegate-agent drain ${node}; give it back: wavegate-agent uncordon ${node}`;
    throw new ProgramFailure(`stopped; node ${node} stays closed (${back})`, EXIT.interrupted);
  } finally {
    screen.close();
  }
}

interface Run {
  readonly node: string;
  readonly uid: string;
  readonly settings: DrainSettings;
  readonly screen: DrainScreen;
  readonly cancel: CancelSource;
}

function run(kube: KubeAccess, { node, uid, settings, screen, cancel }: Run): Promise<StepResult> {
  const means = { kube, clock: systemClock, random: systemRandom };
  return drainNode(means, {
    ...{ node, nodeUid: uid, orderId: VERB_MARK, cancel, ...settings },
    report: () => undefined,
    reportDrain: (progress) => screen.show(progress),
  });
}

/** A drain that did not empty the node ends the program with code 1. */
async function tellEnd(ended: DrainEnd, output: DrainOptions['output']): Promise<void> {
  await writeOut(endText(ended, output));
  const { node, end, last } = ended;
  if (end.kind === 'succeeded') return;
  throw new ProgramFailure(`${whyText(end.reason)}; ${nodeLeft(node, last)}`, EXIT.failure);
}
