import { InvalidArgumentError, type Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import type { CommandAnswer, RollbackRequest } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { reasonText } from '../screens/moment.js';
import { renderRollout } from '../screens/rollout-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';
import { wholeNumber } from './clusters.js';

interface Answering {
  readonly output: OutputFormat;
}

/** Everything a person can say to a running rollout. Each is durable at the hub before it is answered, and audited. */
export function addRolloutVerbs(rollout: Command, session: Session): void {
  answering(rollout, 'pause <id>', 'No new starts; what runs, runs on').action(async (id: string, how: Answering) => {
    answer(session, how, await ask(api.pauseRollout({ client: session.client(), path: { rollout: id } })));
  });
  answering(rollout, 'resume <id>', 'Go on')
    .option('--allow <n>', 'tolerate that many more failures in this wave (audited)', wholeNumber, 0)
    .action(async (id: string, how: Answering & { allow: number }) => {
      const body = { allow: how.allow };
      answer(session, how, await ask(api.resumeRollout({ client: session.client(), path: { rollout: id }, body })));
    });
  answering(rollout, 'abort <id>', 'No new start, ever; running clusters stop at their next safe point').action(
    async (id: string, how: Answering) => {
      answer(session, how, await ask(api.abortRollout({ client: session.client(), path: { rollout: id } })));
    },
  );
  addApprove(rollout, session);
  answering(rollout, 'retry <id>', 'A new attempt of one cluster with the same inputs')
    .requiredOption('--cluster <name>', 'which cluster')
    .action(async (id: string, how: Answering & { cluster: string }) => {
      const body = { cluster: how.cluster };
      answer(session, how, await ask(api.retryCluster({ client: session.client(), path: { rollout: id }, body })));
    });
  answering(rollout, 'skip <id>', 'Leave out a cluster that has not started')
    .requiredOption('--cluster <name>', 'which cluster')
    .action(async (id: string, how: Answering & { cluster: string }) => {
      const body = { cluster: how.cluster };
      answer(session, how, await ask(api.skipCluster({ client: session.client(), path: { rollout: id }, body })));
    });
  addRollback(rollout, session);
}

interface ApproveOptions extends Answering {
  readonly wave: number;
  readonly digest?: string;
}

/** What is approved is the plan by its digest, as the rollout shows it now: printed, and sent along. */
function addApprove(rollout: Command, session: Session): void {
  answering(rollout, 'approve <id>', 'Approve a wave of this very plan')
    .requiredOption('--wave <n>', 'which wave', wholeNumber)
    .option('--digest <digest>', 'refuse unless the plan has this digest (or begins with it)')
    .action(async (id: string, how: ApproveOptions) => {
      const client = session.client();
      const seen = await ask(api.getRollout({ client, path: { rollout: id } }));
      if (how.digest !== undefined && !seen.planDigest.startsWith(how.digest)) {
        throw new CliFailure(
          `The plan of rollout ${seen.id} is ${seen.planDigest}, not ${how.digest}. Nothing was approved.`,
        );
      }
      session.tell(`Approving wave ${how.wave} of rollout ${seen.id}: plan ${seen.name}, to ${seen.target},`);
      session.tell(`digest ${seen.planDigest}`);
      const body = { wave: how.wave, planDigest: seen.planDigest };
      answer(session, how, await ask(api.approveWave({ client, path: { rollout: seen.id }, body })));
    });
}

interface RollbackOptions extends Answering {
  readonly cluster?: string;
  readonly wave?: number;
  readonly all?: true;
  readonly approveRungs: number[];
}

function addRollback(rollout: Command, session: Session): void {
  answering(
    rollout,
    'rollback <id>',
    'Take back one cluster, one wave, or all; each by its rung, or told why it cannot',
  )
    .option('--cluster <name>', 'this cluster')
    .option('--wave <n>', 'the clusters of this wave', wholeNumber)
    .option('--all', 'every cluster of the rollout')
    .option(
      '--approve-rungs <list>',
      'rungs that need a person and may be taken: 3 (an older patch), 4 (while emulating)',
      rungs,
      [],
    )
    .action(async (id: string, how: RollbackOptions) => {
      const body: RollbackRequest = { ...rollbackScope(how), approveRungs: how.approveRungs };
      if (how.approveRungs.some((rung) => rung > 4)) session.tell(BY_PERSONS);
      answer(session, how, await ask(api.rollBack({ client: session.client(), path: { rollout: id }, body })));
    });
}

/** No order takes these; whoever names them here is told where they are. */
const BY_PERSONS = 'Rungs 5 and 6 are run by persons: wavegate recoveries ask CLUSTER --rung 5|6 (docs/rollback.md).';

function rollbackScope({ cluster, wave, all }: RollbackOptions): Pick<RollbackRequest, 'scope' | 'cluster' | 'wave'> {
  const given = [cluster, wave, all].filter((option) => option !== undefined);
  if (given.length !== 1)
    throw new CliFailure('Say what to take back: one of --cluster C, --wave N, --all', EXIT.usage);
  if (cluster !== undefined) return { scope: 'cluster', cluster };
  return wave === undefined ? { scope: 'rollout' } : { scope: 'wave', wave };
}

function rungs(text: string): number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('Write numbers with commas between, for example 3,4.');
  return text.split(',').map(Number);
}

/** The rollout afterwards, and every cluster for which the answer is no: then the exit code says failure as well. */
function answer(session: Session, { output }: Answering, { rollout, cannot }: CommandAnswer): void {
  if (output === 'json') session.printJson({ rollout, cannot });
  else session.print(renderRollout(rollout, [], session.screen()));
  if (cannot.length === 0) return;
  const many = `${cannot.length} cluster${cannot.length === 1 ? '' : 's'}`;
  const lines = cannot.map(({ cluster, reason }) => `  ${cluster}  ${reasonText(reason, session.screen())}`);
  throw new CliFailure([`Not possible for ${many}:`, ...lines]);
}
