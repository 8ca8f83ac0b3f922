import { Option, type Command } from 'commander';
import type { ApiTokenRequest } from '../gen/types.gen.js';
import { createApiToken, listApiTokens, revokeApiToken } from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { renderTokens } from '../screens/token-table.js';
import { answering, type OutputFormat, type Session } from '../session.js';

const ROLES: readonly ApiTokenRequest['role'][] = ['viewer', 'operator', 'planner', 'approver', 'admin'];

interface CreateOptions {
  readonly role: ApiTokenRequest['role'];
  readonly scope: string;
  readonly output: OutputFormat;
}

export function addTokens(program: Command, session: Session): void {
  const tokens = program.command('tokens').alias('token').description('API tokens for people and portals');
  answering(tokens, 'create <name>', 'A new token; it is shown this once')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--scope <selector>', 'label selector of the clusters it may see and touch; without it: all', '')
    .action(async (name: string, options: CreateOptions) => {
      const { role, scope } = options;
      const made = await ask(createApiToken({ client: session.client(), body: { name, role, scope } }));
      if (options.output === 'json') return session.printJson(made);
      session.tell(
        `Token of ${made.name} (${made.role}${made.scope ? `, ${made.scope}` : ''}); it is kept as a hash and not shown again:`,
      );
      session.print(made.token);
    });

  answering(tokens, 'list', 'Tokens by id, with role, scope and last use; never their secrets')
    .alias('ls')
    .action(async (options: { output: OutputFormat }) => {
      const list = await ask(listApiTokens({ client: session.client() }));
      if (options.output === 'json') return session.printJson(list);
      session.print(renderTokens(list, session.screen()));
    });
  tokens
    .command('revoke <id>')
    .description('Revoke a token by its id (the part before the dot); the next request with it is refused')
    .action(async (id: string) => {
      const token = id.split('.')[0] ?? id;
      await ask(revokeApiToken({ client: session.client(), path: { token } }));
      session.tell(`Token ${token} is revoked.`);
    });
}
