import { closedBy, uncordonNode } from '@wavegate/kube';
import { Command, Option } from 'commander';
import { EXIT, ProgramFailure } from '../program-failure.js';
import { inOneLine, kubeOptions, openVerbKube, type KubeOptions } from './verb-kube.js';
import { ofNode, VERB_MARK } from './verb-node.js';
import { writeOut } from './write-out.js';

interface UncordonOptions extends KubeOptions {
  readonly output: 'text' | 'json';
}

export function uncordonCommand(): Command {
  const command = new Command('uncordon')
    .description('opens a node again that `drain` of this program closed, and no other')
    .argument('<node>', 'name of the node')
    .addOption(new Option('-o, --output <format>', 'how to say it').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      '\nA node closed by somebody else, or by an order of the hub, is left as it is: exit code 1 says whose it is.',
    )
    .action((node: string, options: UncordonOptions) => uncordon(node, options));
  return kubeOptions(command);
}

async function uncordon(node: string, options: UncordonOptions): Promise<void> {
  const kube = await openVerbKube(options);
  const owner = closedBy(await ofNode(kube, node, () => kube.core.readNode({ name: node })));
  const isOurs = owner === VERB_MARK;
  if (isOurs) {
    await uncordonNode(kube, node, VERB_MARK).catch((error: unknown) => {
      throw inOneLine(error);
    });
  }
  const open = owner === null || isOurs;
  if (options.output === 'json') {
    await writeOut(`${JSON.stringify({ node, open, opened: isOurs, closedBy: open ? null : owner }, null, 2)}\n`);
  } else if (open) await writeOut(isOurs ? `${node} takes pods again\n` : `${node} is open\n`);
  if (!open) throw new ProgramFailure(`node ${node} was closed by ${whose(owner)}; it was left as it is`, EXIT.failure);
}

const whose = (owner: string): string =>
  owner === '' ? 'somebody else (kubectl uncordon opens it)' : `order ${owner}, which opens it by itself`;
