import { Command, CommanderError, Option } from 'commander';
import { AGENT_VERSION } from './agent-version.js';
import { readSettings, type RunOptions } from './agent-settings.js';
import { EXIT, ProgramFailure } from './program-failure.js';
import { runRealAgent } from './run-agent.js';
import { simulateFleet } from './simulated/simulate-fleet.js';

const NODE_IMAGE = 'ghcr.io/wavegate/node:0.1.0';

function program(): Command {
  const wavegate = new Command('wavegate-agent')
    .description('Carries out upgrade orders of a Wavegate hub in one Kubernetes cluster.')
    .version(AGENT_VERSION)
    .showHelpAfterError('(wavegate-agent --help lists the commands)')
    .exitOverride();
  wavegate.addCommand(runCommand());
  wavegate.addCommand(simulateCommand());
  return wavegate;
}

function runCommand(): Command {
  const option = (flags: string, text: string, env?: string, fallback?: string): Option => {
    const made = new Option(flags, text);
    if (env) made.env(env);
    return fallback === undefined ? made : made.default(fallback);
  };
  return (
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
      .addOption(option('--health <host:port>', 'serve /livez, /readyz and /metrics there', 'WAVEGATE_HEALTH'))
      .addOption(option('--log <level>', 'trace, debug, info, warn, error or silent', 'WAVEGATE_LOG', 'info'))
      // For worlds whose kubelets are played: a real one restarts static pods seconds after it says Ready.
      .addOption(option('--settle-ms <ms>', '', 'WAVEGATE_SETTLE_MS').hideHelp())
      .action((options: RunOptions) => runRealAgent(readSettings(options)))
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
    () => process.exit(EXIT.ok),
    (error: unknown) => process.exit(exitCodeOf(error)),
  );
