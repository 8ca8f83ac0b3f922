import type { Command } from 'commander';
import type { Event } from '../gen/types.gen.js';
import * as api from '../gen/sdk.gen.js';
import { allPages, allRolloutClusters, ask } from '../hub-client.js';
import { renderExplanation } from '../screens/explain-screen.js';
import { renderEvent } from '../screens/event-line.js';
import { answering, type OutputFormat, type Session } from '../session.js';

interface EventOptions {
  readonly output: OutputFormat;
  readonly object?: string;
  readonly follow?: true;
}

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

/** The audit: gap-free, in order. `-f` goes on where the list ended, so that nothing falls between the two. */
export function addEvents(program: Command, session: Session): void {
  answering(program, 'events', 'The audit, in order: one line per event (-o json: one JSON object per line)')
    .option('--object <object>', 'only about rollout/ID or cluster/ID')
    .option('-f, --follow', 'go on as they happen; after a break it resumes where it was')
    .action(async ({ output, object, follow }: EventOptions) => {
      const client = session.client();
      const about = object === undefined ? {} : { object };
      const put = (event: Event): void =>
        session.print(output === 'json' ? JSON.stringify(event) : renderEvent(event, session.screen()));
      const events = await allPages((cursor) => {
        const query = { ...about, limit: 1000, ...(cursor === undefined ? {} : { cursor }) };
        return ask(api.listEvents({ client, query }));
      });
      events.forEach(put);
      if (!follow) return;
      const { stream } = await client.sse.get<Record<string, Event>>({
        url: '/api/v1/events/stream',
        query: about,
        headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(events.at(-1)?.seq ?? 0) },
        signal: session.world.interrupted,
        onSseError: (error) => session.tell(error instanceof Error ? error.message : String(error)),
      });
      for await (const event of stream) put(event as Event);
    });
}
