import type { Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import { listClusters } from '../gen/sdk.gen.js';
import { checkedUrl, storeContext } from '../hub-contexts.js';
import { ask, makeHubClient } from '../hub-client.js';
import type { Session } from '../session.js';

export function addLogin(program: Command, session: Session): void {
  program
    .command('login <url>')
    .description('Try a token at a hub, store both as a context (mode 0600), and make it the current one')
    .requiredOption('--token <token>', 'API token; "-" reads it from stdin, which keeps it out of the shell\'s history')
    .option('--name <name>', 'name of the context', 'default')
    .action(async (address: string, options: { token: string; name: string }) => {
      const url = checkedUrl(address);
      const token = (options.token === '-' ? await session.world.readInput() : options.token).trim();
      if (token === '') throw new CliFailure('The token is empty.', EXIT.usage);
      // Tried before it is stored: a token that does not work would only be found out by the next command.
      await ask(listClusters({ client: makeHubClient({ url, token }, session.world), query: { limit: 1 } }));
      const path = storeContext(session.world.env, options.name, { url, token });
      session.tell(`Logged in at ${url}; context "${options.name}" is stored in ${path}.`);
    });
}
