import type { Command } from 'commander';
import type { Event } from '../gen/types.gen.js';
import { listEvents } from '../gen/sdk.gen.js';
import { allPages, ask } from '../hub-client.js';
import { renderEvent } from '../screens/event-line.js';
import { answering, type OutputFormat, type Session } from '../session.js';

interface EventOptions {
  readonly output: OutputFormat;
  readonly object?: string;
  readonly follow?: true;
}

type About = { readonly object?: string };
type Put = (event: Event) => void;

const PAGE = 1000;
const RETRY_MS = 2000;

export function addEvents(program: Command, session: Session): void {
  answering(program, 'events', 'The audit, in order: one line per event (-o json: one JSON object per line)')
    .option('--object <object>', 'only about rollout/ID or cluster/ID')
    .option('-f, --follow', 'go on as they happen; after a break it resumes where it was')
    .action(async ({ output, object, follow }: EventOptions) => {
      const about = object === undefined ? {} : { object };
      const put: Put = (event) =>
        session.print(output === 'json' ? JSON.stringify(event) : renderEvent(event, session.screen()));
      const client = session.client();
      const events = await allPages((cursor) => {
        const query = { ...about, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
        return ask(listEvents({ client, query }));
      });
      events.forEach(put);
      if (follow) await followEvents(session, { about, after: events.at(-1)?.seq ?? 0 }, put);
    });
}

/**
 * Goes on after `after`, so that nothing falls between the list and the stream. A stream that breaks, or that the
 * hub ends (it restarts, say), is begun again after the last event seen.
 */
async function followEvents(
  session: Session,
  { about, after }: { readonly about: About; readonly after: number },
  put: Put,
): Promise<void> {
  const { world } = session;
  const client = session.client();
  let last = after;
  while (!world.interrupted.aborted) {
    const { stream } = await client.sse.get<Record<string, Event>>({
      url: '/api/v1/events/stream',
      query: about,
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(last) },
      signal: world.interrupted,
      // One attempt each: waiting is ours, so that an interrupt ends it.
      sseMaxRetryAttempts: 1,
      onSseError: (error) => {
        if (!world.interrupted.aborted) session.tell(error instanceof Error ? error.message : String(error));
      },
    });
    for await (const event of stream as AsyncIterable<Event>) {
      last = event.seq;
      put(event);
    }
    if (!world.interrupted.aborted) await world.sleep(RETRY_MS);
  }
}
