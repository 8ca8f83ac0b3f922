import { Option, type Command } from 'commander';
import { CliFailure, EXIT } from '../cli-failure.js';
import type { Recovery, RecoveryRequest } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { ask } from '../hub-client.js';
import { renderRecoveries, renderRecovery } from '../screens/recovery-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';

interface Answering {
  readonly output: OutputFormat;
}

interface AskOptions extends Answering {
  readonly rung: '5' | '6';
  readonly node?: string;
  readonly order?: string;
}

const LOOK_MS = 1_000;

/** Rungs that persons run. ID may be a unique beginning. */
export function addRecoveries(program: Command, session: Session): void {
  const recoveries = program
    .command('recoveries')
    .alias('recovery')
    .description(
      'Ways back that persons run: rung 5 (replace a node), rung 6 (restore etcd). ID may be a unique beginning',
    );
  answering(recoveries, 'ask <cluster>', 'Say what it loses, and wait for approvals; changes nothing')
    .addOption(
      new Option('--rung <rung>', '5: replace a node; 6: restore etcd').choices(['5', '6']).makeOptionMandatory(),
    )
    .option('--node <node>', 'rung 5: the node that is replaced')
    .option('--order <id>', 'rung 6: the upgrade order that staged the restore; the newest that did unless told')
    .action(async (cluster: string, how: AskOptions) => {
      const body = bodyOf(how);
      show(session, how, await ask(api.askRecovery({ client: session.client(), path: { cluster }, body })));
    });
  answering(recoveries, 'list', 'Newest first')
    .alias('ls')
    .action(async ({ output }: Answering) => {
      const list = await ask(api.listRecoveries({ client: session.client() }));
      if (output === 'json') return session.printJson(list);
      session.print(renderRecoveries(list.items, session.screen()));
    });
  answering(recoveries, 'get <id>', 'Who runs what, what was lost, what the agent saw').action(
    async (recovery: string, how: Answering) =>
      show(session, how, await ask(api.getRecovery({ client: session.client(), path: { recovery } }))),
  );
  answering(recoveries, 'approve <id>', 'One approval; with the last that is needed: who runs what').action(
    async (recovery: string, how: Answering) =>
      show(session, how, await ask(api.approveRecovery({ client: session.client(), path: { recovery } }))),
  );
  answering(recoveries, 'verify <id>', 'Afterwards: let the agent look at versions, nodes and etcd').action(
    async (recovery: string, how: Answering) => {
      const begun = await ask(api.verifyRecovery({ client: session.client(), path: { recovery } }));
      await looked(session, how, begun);
    },
  );
}

function bodyOf({ rung, node, order }: AskOptions): RecoveryRequest {
  if (rung === '6') return { rung: 6, ...(order === undefined ? {} : { order }) };
  if (node === undefined) throw new CliFailure('which node is replaced? --node NAME', EXIT.usage);
  return { rung: 5, node };
}

function show(session: Session, { output }: Answering, recovery: Recovery): void {
  if (output === 'json') session.printJson(recovery);
  else session.print(renderRecovery(recovery, session.screen()));
}

/** Waits for the end of the order that looks; 3 where something is not as it should be. */
async function looked(session: Session, how: Answering, begun: Recovery): Promise<void> {
  const client = session.client();
  let seen = begun;
  while (seen.verification?.ended === false && !session.world.interrupted.aborted) {
    await session.world.sleep(LOOK_MS);
    seen = await ask(api.getRecovery({ client, path: { recovery: seen.id } }));
  }
  show(session, how, seen);
  if (seen.state !== 'verified') {
    throw new CliFailure(`${seen.cluster} is not as it should be after rung ${seen.rung}.`, EXIT.endedOtherwise);
  }
}
