import type { MessageEvent } from '@nestjs/common';
import type { EventReader, Storage, StoredEvent } from '@wavegate/storage';
import { Observable } from 'rxjs';
import type { z } from 'zod';
import { outOfScope, type Scope } from '../auth/scope.js';
import { notFound, Problem } from '../rest/problem.js';
import type * as shapes from '../rest/shapes.js';
import { toTime } from '../rest/views.js';
import { RolloutSight } from './rollout-sight.js';

type EventView = z.infer<typeof shapes.EventShape>;

const POLL_MS = 1_000;
const PAGE = 200;

export class EventDesk {
  constructor(
    private readonly events: EventReader,
    private readonly fleet: Pick<Storage, 'clusters' | 'rollouts' | 'rolloutReader'>,
  ) {}

  async list(query: z.infer<typeof shapes.EventQuery>, scope: Scope): Promise<z.infer<typeof shapes.EventListShape>> {
    if (scope.isLimited) await this.assertSeen(about(query.object), scope);
    const after = query.cursor === undefined ? 0 : Number(query.cursor);
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new Problem(422, 'request-invalid', 'The cursor is not one of ours', {
        errors: [{ pointer: 'cursor', code: 'cursor_invalid', detail: 'use nextCursor of the page before' }],
      });
    }
    const lines = await this.events.since({ since: after, limit: query.limit, ...about(query.object) });
    const last = lines.at(-1);
    return { items: lines.map(toView), nextCursor: last && lines.length === query.limit ? String(last.id) : null };
  }

  /**
   * Lines name many clusters at once, so a token with a scope gets those of rollouts that lie in it whole. The line of a
   * cluster in a greater rollout names the others, too: it is asked for by a token without a scope.
   */
  private async assertSeen({ rollout }: { readonly rollout?: string }, scope: Scope): Promise<void> {
    if (rollout === undefined) {
      throw outOfScope(scope, 'Events of the fleet need a token without a scope', 'all but `object=rollout/ID`');
    }
    const head = await this.fleet.rolloutReader.get(rollout);
    if (!head) throw notFound('rollout', rollout);
    const sight = await RolloutSight.of(scope, this.fleet.clusters);
    const { clusters } = await this.fleet.rollouts.load(head.id);
    sight.assertCovers(clusters.values(), 'This rollout');
  }

  /**
   * From `after` (a Last-Event-ID) or from now on. The audit is the feed, so that a client that was away misses
   * nothing; asking it every second is cheap (one index) and needs no second source of truth.
   */
  stream(object: string | undefined, after: number | null): Observable<MessageEvent> {
    const narrowed = about(object);
    return new Observable((subscriber) => {
      let stopped = false;
      let timer: NodeJS.Timeout | undefined;
      const follow = async (from: number): Promise<void> => {
        const lines = await this.events.since({ since: from, limit: PAGE, ...narrowed });
        for (const line of lines) subscriber.next({ id: String(line.id), type: line.action, data: toView(line) });
        const next = lines.at(-1)?.id ?? from;
        if (!stopped)
          timer = setTimeout(
            () => void follow(next).catch((error: unknown) => subscriber.error(error)),
            lines.length === PAGE ? 0 : POLL_MS,
          );
      };
      const begin = async (): Promise<void> => follow(after ?? (await this.events.last()));
      void begin().catch((error: unknown) => subscriber.error(error));
      return () => {
        stopped = true;
        clearTimeout(timer);
      };
    });
  }
}

/** "rollout/7f3c" or "cluster/<id>": lines about it, whatever they are lines of. */
function about(object: string | undefined): { rollout?: string; cluster?: string } {
  if (object === undefined) return {};
  const [kind, id] = object.split('/');
  if ((kind === 'rollout' || kind === 'cluster') && id) return { [kind]: id };
  throw new Problem(422, 'request-invalid', 'Events are asked for by rollout/ID or cluster/ID', {
    errors: [{ pointer: 'object', code: 'object_unknown', detail: `"${object}" is neither` }],
  });
}

function toView({ id, at, actor, action, object, detail }: StoredEvent): EventView {
  return { seq: id, at: toTime(at), actor, action, object, detail: { ...detail } };
}
