import { Command, CommanderError, Option } from 'commander';
import { AGENT_VERSION } from './agent-version.js';
import { readSettings, type RunOptions } from './agent-settings.js';
import { EXIT, ProgramFailure } from './program-failure.js';
import { runRealAgent } from './run-agent.js';
import { simulateFleet } from './simulated/simulate-fleet.js';
import { backupRunOptions } from './verbs/backup-run-options.js';
import { backupCommand } from './verbs/backup.js';
import { drainCommand } from './verbs/drain.js';
import { etcdCommand } from './verbs/etcd.js';
import { preflightCommand } from './verbs/preflight.js';
import { uncordonCommand } from './verbs/uncordon.js';
import { upgradeCommand } from './verbs/upgrade.js';

const NODE_IMAGE = 'registry.example/wavegate/node:0.1.0';

function program(): Command {
  const wavegate = new Command('wavegate-agent')
    .description('Carries out upgrade orders of a Wavegate hub in one Kubernetes cluster.')
    .version(AGENT_VERSION)
    .showHelpAfterError('(wavegate-agent --help lists the commands)');
  wavegate.addCommand(runCommand());
  wavegate.addCommand(preflightCommand());
  wavegate.addCommand(upgradeCommand());
  wavegate.addCommand(backupCommand());
  wavegate.addCommand(etcdCommand());
  wavegate.addCommand(drainCommand());
  wavegate.addCommand(uncordonCommand());
  wavegate.addCommand(simulateCommand());
  return throwing(wavegate);
}

/** A command that was added does not inherit it: it would end the process with a code of its own. */
function throwing(command: Command): Command {
  for (const part of command.commands) throwing(part);
  return command.exitOverride();
}

function runCommand(): Command {
  const option = (flags: string, text: string, env?: string, fallback?: string): Option => {
    const made = new Option(flags, text);
    if (env) made.env(env);
    return fallback === undefined ? made : made.default(fallback);
  };
  return backupRunOptions(
    new Command('run')
      .description('the agent of one cluster: in a pod by its service account, elsewhere by a kubeconfig')
      .addOption(option('--hub-gateway <host:port>', "the hub's gateway", 'WAVEGATE_HUB_GATEWAY'))
      .addOption(option('--hub-enrolment <host:port>', "the hub's enrolment listener", 'WAVEGATE_HUB_ENROLMENT'))
      .addOption(option('--join <token>', 'join token, once: until an identity is stored', 'WAVEGATE_JOIN'))
      .addOption(option('--ca-sha256 <hex>', "SHA-256 of the hub's CA, once", 'WAVEGATE_CA_SHA256'))
      .addOption(
        option(
          '--identity <dir>',
          'keep key and certificate in this directory instead of a Secret',
          'WAVEGATE_IDENTITY',
        ),
      )
      .addOption(option('--kubeconfig <file>', 'how to reach the cluster', 'WAVEGATE_KUBECONFIG'))
      .addOption(option('--context <name>', 'context of the kubeconfig', 'WAVEGATE_CONTEXT'))
      .addOption(
        option('--namespace <name>', "of the agent's journals, policy and Secret", 'WAVEGATE_NAMESPACE', 'wavegate'),
      )
      .addOption(option('--node-image <ref>', 'image of the node Jobs', 'WAVEGATE_NODE_IMAGE', NODE_IMAGE))
      .addOption(
        option(
          '--package-mirror <url>',
          'for plans that say packages: mirror; {minor} in it',
          'WAVEGATE_PACKAGE_MIRROR',
        ),
      )
      .addOption(option('--health <host:port>', 'serve /livez, /readyz and /metrics there', 'WAVEGATE_HEALTH'))
      .addOption(option('--log <level>', 'trace, debug, info, warn, error or silent', 'WAVEGATE_LOG', 'info'))
      .addOption(
        option('--probe <on|off>', 'ask the API server once a second, to measure disruption', 'WAVEGATE_PROBE', 'on'),
      )
      .addOption(
        option(
          '--lease <name>',
          'of several agents of this cluster only the holder of this Lease works',
          'WAVEGATE_LEASE',
        ),
      )
      // For worlds whose kubelets are played: a real one restarts static pods seconds after it says Ready.
      .addOption(option('--settle-ms <ms>', '', 'WAVEGATE_SETTLE_MS').hideHelp())
      .action((options: RunOptions) => runRealAgent(readSettings(options))),
  );
}

function simulateCommand(): Command {
  return new Command('simulate')
    .description('agents of simulated clusters, many in one process; their state outlives the process')
    .requiredOption(
      '--fleet <file>',
      'JSON: { hub: { gateway, enrolment, caSha256 }, stateDir, clusters: [{ spec, join }] }',
    )
    .addOption(
      new Option('--log <level>', 'trace, debug, info, warn, error or silent').env('WAVEGATE_LOG').default('info'),
    )
    .action((options: { readonly fleet: string; readonly log: string }) => simulateFleet(options));
}

/** One line on stderr and an exit code; a stack only for what nobody foresaw. */
function exitCodeOf(error: unknown): number {
  // Commander has written its own line by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ProgramFailure) {
    console.error(`wavegate-agent: ${error.message}`);
    return error.exitCode;
  }
  console.error('wavegate-agent:', error);
  return EXIT.failure;
}

program()
  .parseAsync()
  .then(
    // A verb that found something says so by the code it leaves.
    () => process.exit(process.exitCode ?? EXIT.ok),
    (error: unknown) => process.exit(exitCodeOf(error)),
  );
