import { Option, type Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import * as api from '../gen/sdk.gen.js';
import type { RolloutStarted } from '../gen/types.gen.js';
import { allRolloutClusters, ask } from '../hub-client.js';
import { renderRollout } from '../screens/rollout-screen.js';
import { renderRollouts } from '../screens/rollout-table.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';
import { watchRollout, type WatchUntil } from '../watch-rollout.js';
import { addRolloutVerbs } from './rollout-verbs.js';
import { addRolloutBundle } from './rollout-bundle.js';
import { addRolloutVerdicts } from './rollout-verdicts.js';
import { wholeNumber } from './clusters.js';

interface Answering {
  readonly output: OutputFormat;
}

export function addRollout(program: Command, session: Session): void {
  const rollout = program
    .command('rollout')
    .alias('rollouts')
    .description(
      'Rollouts: start, watch, and every word a person can say to one. ID may be a unique beginning, or "latest"',
    );
  addStart(rollout, session);
  rollout
    .command('list')
    .alias('ls')
    .description('Rollouts, newest first')
    .addOption(outputOption(['table', 'json', 'name']))
    .action(async ({ output }: Answering) => {
      const list = await ask(api.listRollouts({ client: session.client() }));
      if (output === 'json') return session.printJson(list);
      if (output === 'name') return list.items.forEach(({ id }) => session.print(`rollout/${id}`));
      session.print(renderRollouts(list.items, session.screen()));
    });
  addGet(rollout, session);
  addWatch(rollout, session);
  addRolloutVerdicts(rollout, session);
  addRolloutBundle(rollout, session);
  addRolloutVerbs(rollout, session);
}

interface StartOptions extends Answering {
  readonly skipObjectiveCheck?: true;
  readonly reason?: string;
}

function addStart(rollout: Command, session: Session): void {
  answering(rollout, 'start <plan>', 'Start a stored plan (name or digest) over the fleet as it is now')
    .option('--skip-objective-check', 'ask no agent whether it can measure the objectives; needs --reason (audited)')
    .option('--reason <text>', 'why they are not asked')
    .action(async (plan: string, { output, skipObjectiveCheck, reason }: StartOptions) => {
      if ((skipObjectiveCheck === undefined) !== (reason === undefined)) {
        const right = 'write both, or none: --skip-objective-check --reason "CHG-20417: Prometheus moves today"';
        throw new CliFailure(`--skip-objective-check and --reason belong together; ${right}`, EXIT.usage);
      }
      const how = reason === undefined ? {} : { objectives: 'unchecked' as const, reason };
      const started = await ask(api.startRollout({ client: session.client(), body: { plan, ...how } }));
      if (output === 'json') return session.printJson(started);
      session.print(`rollout/${started.id} of ${started.name} runs over ${started.size} clusters`);
      objectiveLines(started).forEach((line) => session.tell(line));
      session.tell(`The list is frozen from here on. Next: wavegate rollout watch ${started.id}`);
    });
}

const MOST_NAMED = 10;

/** What is not known yet of the objectives; nothing where every cluster was asked and all is well. */
function objectiveLines({ objectives }: Pick<RolloutStarted, 'objectives'>): string[] {
  const { state, checked, notChecked, beyondSample } = objectives;
  if (state === 'unchecked') return ['No agent was asked whether it can measure the objectives (audited).'];
  if (notChecked.length + beyondSample === 0) return [];
  const shown = notChecked.slice(0, MOST_NAMED).map(({ cluster, why }) => `  ${cluster}  ${why}`);
  const more = notChecked.length > MOST_NAMED ? [`  … ${notChecked.length - MOST_NAMED} more (-o json)`] : [];
  const sample = beyondSample > 0 ? `, ${beyondSample} are beyond the sample` : '';
  const head = `Objectives can be measured on ${checked} clusters; ${notChecked.length} did not answer${sample}.`;
  return [`${head} Their own preflight asks before they are touched.`, ...shown, ...more];
}

function addGet(rollout: Command, session: Session): void {
  answering(rollout, 'get <id>', 'One rollout as it stands')
    .option('--all', 'every cluster, also those that are well or far from their turn')
    .action(async (id: string, { output, all = false }: Answering & { all?: boolean }) => {
      const client = session.client();
      const found = await ask(api.getRollout({ client, path: { rollout: id } }));
      if (output === 'json') return session.printJson(found);
      const clusters = await allRolloutClusters(client, found.id);
      session.print(renderRollout(found, clusters, { ...session.screen(), all }));
    });
  answering(rollout, 'clusters <id>', 'The clusters of a rollout in their order; mostly for -o json').action(
    async (id: string, { output }: Answering) => {
      const client = session.client();
      const found = await ask(api.getRollout({ client, path: { rollout: id } }));
      const items = await allRolloutClusters(client, found.id);
      if (output === 'json') return session.printJson({ items, nextCursor: null });
      session.print(renderRollout(found, items, { ...session.screen(), all: true }));
    },
  );
}

interface WatchOptions extends Answering {
  readonly interval: number;
  readonly until: WatchUntil;
}

function addWatch(rollout: Command, session: Session): void {
  answering(rollout, 'watch <id>', 'Look on until it ends: live on a terminal, else a line per change')
    .option('--interval <seconds>', 'how often to look', wholeNumber, 2)
    .addOption(
      new Option('--until <end>', 'stop also where it is blocked and a person is asked, or only at its end')
        .choices(['settled', 'finished'])
        .default('settled'),
    )
    .action(async (id: string, { output, interval, until }: WatchOptions) => {
      const intervalMs = Math.max(1, interval) * 1000;
      await watchRollout(session, id, { intervalMs, until, json: output === 'json' });
    });
}
