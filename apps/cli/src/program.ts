import { Command, CommanderError } from 'commander';
import { addClusters } from './commands/clusters.js';
import { addEvents } from './commands/events.js';
import { addExplain } from './commands/explain.js';
import { addLogin } from './commands/login.js';
import { addOrders } from './commands/orders.js';
import { addPlan } from './commands/plan.js';
import { addRollout } from './commands/rollout.js';
import { addRecoveries } from './commands/recoveries.js';
import { addSchedules } from './commands/schedules.js';
import { addTokens } from './commands/tokens.js';
import { addVerdict } from './commands/verdict.js';
import { CliFailure, EXIT } from './cli-failure.js';
import { Session } from './session.js';
import type { Surroundings } from './surroundings.js';
import { VERSION } from './version.js';

const AFTER_HELP = `
Environment:
  WAVEGATE_URL, WAVEGATE_TOKEN   the hub and the token, over what \`wavegate login\` stored
  WAVEGATE_CONTEXT               the stored context to use
  XDG_CONFIG_HOME                where contexts are stored (wavegate/config.json, mode 0600)
  NO_COLOR                       no colours; there are none off a terminal either

Exit codes:
  0    done
  1    failed, refused by the hub, or not possible for some cluster
  2    the command line is wrong, or no hub is configured
  3    \`rollout watch\`: the rollout ended otherwise than finished, or is blocked;
       \`clusters preflight\`: something blocks; drain, backup, restore: not completed
  130  interrupted`;

/** The whole command tree over one session. Throws instead of exiting: the caller turns what is thrown into a code. */
export function makeProgram(world: Surroundings): Command {
  const program = new Command('wavegate');
  const session = new Session(world, () => program.opts<{ context?: string }>().context);
  program
    .description('Upgrades many Kubernetes clusters in canary waves and takes back what hurts.')
    .option('--context <name>', 'stored context to use (before the command)')
    .addHelpText('after', AFTER_HELP)
    .showHelpAfterError('(--help says what is possible)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => (world.out.isTTY ? world.out.columns : 120),
      getErrHelpWidth: () => (world.err.isTTY ? world.err.columns : 120),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  addClusters(program, session);
  addPlan(program, session);
  addRollout(program, session);
  addExplain(program, session);
  addOrders(program, session);
  addSchedules(program, session);
  addRecoveries(program, session);
  addEvents(program, session);
  addTokens(program, session);
  addVerdict(program, session);
  addLogin(program, session);
  program
    .command('version')
    .description('The release of this program')
    .action(() => session.print(`wavegate ${VERSION}`));
  return program;
}

/** Runs one command line (without node and script) and returns the exit code; every failure has been told by then. */
export async function runCommandLine(args: readonly string[], world: Surroundings): Promise<number> {
  try {
    await makeProgram(world).parseAsync([...args], { from: 'user' });
    return world.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
  } catch (error) {
    if (world.interrupted.aborted) return EXIT.interrupted;
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliFailure)) throw error;
    error.lines.forEach((line) => world.err.write(`${line}\n`));
    return error.code;
  }
}
