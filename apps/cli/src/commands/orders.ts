import { Option, type Command } from 'commander';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { renderOrder, renderOrders } from '../screens/order-screen.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';
import { watchOrder } from '../watch-order.js';
import { wholeNumber } from './clusters.js';

interface Answering {
  readonly output: OutputFormat;
}

interface ListOptions extends Answering {
  readonly cluster?: string;
  readonly kind?: Kind;
  readonly active?: true;
  readonly all?: true;
  readonly limit: number;
}

const KINDS = ['preflight', 'upgrade', 'rollback', 'backup', 'drain', 'restore', 'prefetch'] as const;
type Kind = (typeof KINDS)[number];

/** Orders as they stand, whoever asked for them. ID may be a unique beginning. */
export function addOrders(program: Command, session: Session): void {
  const orders = program
    .command('orders')
    .alias('order')
    .description('What agents were asked to do: list, get, watch, withdraw. ID may be a unique beginning');
  addList(orders, session);
  answering(orders, 'get <id>', 'One order: progress, findings, receipts and its end').action(
    async (order: string, { output }: Answering) => {
      const found = await ask(api.getOrder({ client: session.client(), path: { order } }));
      if (output === 'json') return session.printJson(found);
      session.print(renderOrder(found, session.screen()));
    },
  );
  answering(orders, 'watch <id>', 'Look on until it ends').action(async (order: string, { output }: Answering) => {
    const found = await ask(api.getOrder({ client: session.client(), path: { order } }));
    await watchOrder(session, found, { json: output === 'json' });
  });
  answering(orders, 'withdraw <id>', 'Take back a request; one that runs stops at its next safe point').action(
    async (order: string, { output }: Answering) => {
      const found = await ask(api.withdrawOrder({ client: session.client(), path: { order } }));
      if (output === 'json') return session.printJson(found);
      session.print(renderOrder(found, session.screen()));
      if (!found.ended) session.tell(`It ends when its agent says so: wavegate orders watch ${found.id.slice(0, 8)}`);
    },
  );
}

function addList(orders: Command, session: Session): void {
  orders
    .command('list')
    .alias('ls')
    .description("Newest first; without the rollouts' own unless --all")
    .option('--cluster <name>', 'of one cluster')
    .addOption(new Option('--kind <kind>', 'of one kind').choices([...KINDS]))
    .option('--active', 'only those that have not ended')
    .option('--all', "the rollouts' orders, too")
    .option('--limit <n>', 'how many at most, up to 500', wholeNumber, 50)
    .addOption(outputOption(['table', 'json', 'name']))
    .action(async ({ output, cluster, kind, active, all, limit }: ListOptions) => {
      const client = session.client();
      const query = {
        ...{ limit, requested: all ? ('false' as const) : ('true' as const) },
        ...(kind === undefined ? {} : { kind }),
        ...(active ? { active: 'true' as const } : {}),
      };
      const list = await (cluster === undefined
        ? ask(api.listOrders({ client, query }))
        : ask(api.listClusterOrders({ client, path: { cluster }, query })));
      if (output === 'json') return session.printJson(list);
      if (output === 'name') return list.items.forEach(({ id }) => session.print(`order/${id}`));
      session.print(renderOrders(list.items, session.screen()));
    });
}
