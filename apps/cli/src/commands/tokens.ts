import { Option, type Command } from 'commander';
import type { ApiTokenRequest } from '../gen/types.gen.js';
import { createApiToken } from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { answering, type OutputFormat, type Session } from '../session.js';

const ROLES: readonly ApiTokenRequest['role'][] = ['viewer', 'operator', 'planner', 'approver', 'admin'];

export function addTokens(program: Command, session: Session): void {
  const tokens = program.command('tokens').alias('token').description('API tokens for people and portals');
  answering(tokens, 'create <name>', 'A new token; it is shown this once')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .action(async (name: string, options: { role: ApiTokenRequest['role']; output: OutputFormat }) => {
      const { role } = options;
      const made = await ask(createApiToken({ client: session.client(), body: { name, role } }));
      if (options.output === 'json') return session.printJson(made);
      session.tell(`Token of ${made.name} (${made.role}); it is kept as a hash and not shown again:`);
      session.print(made.token);
    });
}
