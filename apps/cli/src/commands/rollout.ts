import { Option, type Command } from 'commander';
import * as api from '../gen/sdk.gen.js';
import { allRolloutClusters, ask } from '../hub-client.js';
import { renderRollout } from '../screens/rollout-screen.js';
import { renderRollouts } from '../screens/rollout-table.js';
import { answering, outputOption, type OutputFormat, type Session } from '../session.js';
import { watchRollout, type WatchUntil } from '../watch-rollout.js';
import { addRolloutVerbs } from './rollout-verbs.js';
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
  answering(rollout, 'start <plan>', 'Start a stored plan (name or digest) over the fleet as it is now').action(
    async (plan: string, { output }: Answering) => {
      const started = await ask(api.startRollout({ client: session.client(), body: { plan } }));
      if (output === 'json') return session.printJson(started);
      session.print(`rollout/${started.id} of ${started.name} runs over ${started.size} clusters`);
      session.tell(`The list is frozen from here on. Next: wavegate rollout watch ${started.id}`);
    },
  );
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
  addRolloutVerbs(rollout, session);
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
