import type { Command } from 'commander';
import * as api from '../gen/sdk.gen.js';
import { allRolloutClusters, ask } from '../hub-client.js';
import { renderExplanation } from '../screens/explain-screen.js';
import { answering, type OutputFormat, type Session } from '../session.js';

export function addExplain(program: Command, session: Session): void {
  answering(
    program,
    'explain <rollout> <cluster>',
    'Why a cluster stands where it stands, and what happens next',
  ).action(async (rollout: string, cluster: string, { output }: { output: OutputFormat }) => {
    const client = session.client();
    const answer = await ask(api.explain({ client, path: { rollout }, query: { cluster } }));
    if (output === 'json') return session.printJson(answer);
    // How an attempt ended, with what stays, is kept with the rollout's row.
    const rows = answer.phase === 'done' ? await allRolloutClusters(client, answer.rollout) : [];
    const outcome = rows.find(({ name }) => name === answer.cluster)?.outcome ?? null;
    session.print(renderExplanation(answer, outcome, session.screen()));
  });
}
