import { InvalidArgumentError, Option, type Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import type { Cluster } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { allPages, ask } from '../hub-client.js';
import { momentText } from '../screens/moment.js';
import { renderCluster, renderClusters } from '../screens/cluster-table.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';
import { addClusterOrders } from './cluster-orders.js';

interface ListOptions {
  readonly output: OutputFormat;
  readonly selector?: string;
  readonly connected?: 'true' | 'false';
  readonly version?: string;
}

export function addClusters(program: Command, session: Session): void {
  const clusters = program
    .command('clusters')
    .alias('cluster')
    .description('The fleet: list, join, label, approve; and preflight, drain, backup, restore one of it');
  addList(clusters, session);
  answering(clusters, 'get <name>', 'One cluster with its nodes').action(
    async (cluster: string, { output }: { output: OutputFormat }) => {
      show(session, output, await ask(api.getCluster({ client: session.client(), path: { cluster } })));
    },
  );
  addJoin(clusters, session);
  answering(clusters, 'label <name> <change...>', 'Set (key=value) and remove (key-) labels').action(
    async (cluster: string, changes: string[], { output }: { output: OutputFormat }) => {
      const body = { labels: labelChanges(changes) };
      show(session, output, await ask(api.changeLabels({ client: session.client(), path: { cluster }, body })));
    },
  );
  addVerbs(clusters, session);
  addClusterOrders(clusters, session);
}

function addList(clusters: Command, session: Session): void {
  clusters
    .command('list')
    .alias('ls')
    .description('Clusters by name')
    .option('-l, --selector <selector>', 'label selector, for example "env in (dev, staging), team != sandbox"')
    .addOption(
      new Option('--connected <yesno>', 'only with, or only without, a connected agent').choices(['true', 'false']),
    )
    .option('--version <minor>', 'minor of the control plane, for example 1.34')
    .addOption(outputOption(['table', 'wide', 'json', 'name']))
    .action(async ({ output, selector, connected, version }: ListOptions) => {
      const client = session.client();
      const filter = {
        ...(selector === undefined ? {} : { labelSelector: selector }),
        ...(connected === undefined ? {} : { connected }),
        ...(version === undefined ? {} : { version }),
      };
      const items = await allPages((cursor) => {
        const query = { ...filter, limit: 500, ...(cursor === undefined ? {} : { cursor }) };
        return ask(api.listClusters({ client, query }));
      });
      if (output === 'json') return session.printJson({ items, nextCursor: null });
      if (output === 'name') return items.forEach(({ name }) => session.print(`cluster/${name}`));
      session.print(renderClusters(items, output === 'wide', session.screen()));
    });
}

interface JoinOptions {
  readonly output: OutputFormat;
  readonly label: Readonly<Record<string, string>>;
  readonly minutes: number;
  readonly needsApproval?: true;
  readonly by: 'helm' | 'hand';
}

function addJoin(clusters: Command, session: Session): void {
  answering(clusters, 'join <name>', 'The line that makes one agent join, once, under this name')
    .option('--label <key=value>', 'label the cluster has from the start (repeatable)', collectLabel, {})
    .option('--minutes <n>', 'how long the token may be used, 1 to 60', wholeNumber, 60)
    .option('--needs-approval', 'the cluster waits until an admin approves it')
    .addOption(
      new Option('--by <how>', 'helm: the line that installs the agent; hand: the line that runs its program')
        .choices(['helm', 'hand'])
        .default('helm'),
    )
    .action(async (cluster: string, { output, label, minutes, needsApproval, by }: JoinOptions) => {
      const body = { cluster, labels: { ...label }, minutes, approved: needsApproval !== true };
      const token = await ask(api.createJoinToken({ client: session.client(), body }));
      if (output === 'json') return session.printJson(token);
      const until = momentText(Date.parse(token.expiresAt), session.screen());
      const where = by === 'helm' ? `with kubectl's context on ${cluster}` : `where the agent of ${cluster} is to live`;
      session.tell(`Run this ${where}, before ${until}. Its token works once and is`);
      session.tell(`not shown again.${needsApproval ? ` Afterwards: wavegate clusters approve ${cluster}` : ''}`);
      session.print(by === 'helm' ? token.helm : token.command);
      if (by === 'helm') for (const warning of token.warnings) session.tell(`Mind: ${warning}`);
    });
}

function addVerbs(clusters: Command, session: Session): void {
  answering(clusters, 'approve <name>', 'Let a joined cluster take orders').action(
    async (cluster: string, { output }: { output: OutputFormat }) => {
      show(session, output, await ask(api.approveCluster({ client: session.client(), path: { cluster } })));
    },
  );
  answering(clusters, 'revoke <name>', "Revoke the agent's certificates and end its stream").action(
    async (cluster: string, { output }: { output: OutputFormat }) => {
      show(session, output, await ask(api.revokeCluster({ client: session.client(), path: { cluster } })));
    },
  );
  clusters
    .command('remove <name>')
    .description('Forget a cluster that is in no unfinished rollout')
    .action(async (cluster: string) => {
      await ask(api.removeCluster({ client: session.client(), path: { cluster } }));
      session.tell(`${cluster} is removed. Its agent is refused from now on.`);
    });
}

function show(session: Session, output: OutputFormat, cluster: Cluster): void {
  if (output === 'json') session.printJson(cluster);
  else session.print(renderCluster(cluster, session.screen()));
}

function collectLabel(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Write key=value.');
  return { ...before, [key]: value };
}

/** kubectl's notation: `env=prod` sets, `env-` removes. */
function labelChanges(changes: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    changes.map((change) => {
      const [, key, value] = /^([^=]+)=(.*)$/.exec(change) ?? [];
      if (key !== undefined) return [key, value ?? ''];
      if (/^[^=]+-$/.test(change)) return [change.slice(0, -1), null];
      throw new CliFailure(`"${change}" is not a label change; write key=value to set or key- to remove`, EXIT.usage);
    }),
  );
}

/** For numbers on the command line; what range is right is the hub's to say. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}
