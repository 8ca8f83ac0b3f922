import { CliFailure, EXIT } from './cli-failure.js';
import type { Client } from './gen/client/index.js';
import type { Rollout, RolloutCluster } from './gen/types.gen.js';
import { getRollout } from './gen/sdk.gen.js';
import { allRolloutClusters, ask, HubUnreachable } from './hub-client.js';
import { LiveDrawing } from './live-drawing.js';
import { renderRollout, upgradedNothing } from './screens/rollout-screen.js';
import { changedLines } from './screens/rollout-changes.js';
import { clockText } from './screens/moment.js';
import type { Session } from './session.js';

export type WatchUntil = 'settled' | 'finished';

export interface WatchOptions {
  readonly intervalMs: number;
  readonly until: WatchUntil;
  /** One line of JSON per look that shows something new: { rollout, clusters }. */
  readonly json: boolean;
}

interface Sight {
  readonly rollout: Rollout;
  readonly clusters: readonly RolloutCluster[];
}

/**
 * Looks on until the rollout has ended or, unless told to wait for the end, stands blocked. A hub that goes away
 * meanwhile is waited for and said. Throws with the exit code where the rollout ended otherwise than finished.
 */
export async function watchRollout(session: Session, wanted: string, options: WatchOptions): Promise<void> {
  const { world } = session;
  const client = session.client();
  const viewer = options.json ? jsonViewer(session) : world.out.isTTY ? liveViewer(session) : lineViewer(session);
  let id = wanted;
  let silent = false;
  while (!world.interrupted.aborted) {
    const seen = await look(client, id, silent || id !== wanted);
    if (seen instanceof HubUnreachable) {
      if (!silent) viewer.tell(`${seen.message}. Asking on every ${options.intervalMs / 1000} s.`);
      silent = true;
    } else {
      if (silent) viewer.tell('The hub answers again.');
      silent = false;
      // "latest" must stay the one that was meant when the watch began.
      id = seen.rollout.id;
      viewer.show(seen);
      if (isOver(seen.rollout, options.until)) return end(seen.rollout);
    }
    await world.sleep(options.intervalMs);
  }
}

/** The first look must succeed: a wrong address is not waited for. */
async function look(client: Client, id: string, patient: boolean): Promise<Sight | HubUnreachable> {
  try {
    const rollout = await ask(getRollout({ client, path: { rollout: id } }));
    return { rollout, clusters: await allRolloutClusters(client, rollout.id) };
  } catch (error) {
    if (patient && error instanceof HubUnreachable) return error;
    throw error;
  }
}

function isOver({ state, finishedAt }: Rollout, until: WatchUntil): boolean {
  return finishedAt !== null || (until === 'settled' && state === 'blocked');
}

function end(rollout: Rollout): void {
  const { id, state } = rollout;
  const nothing = upgradedNothing(rollout);
  if (state === 'finished' && !nothing) return;
  const over = nothing ? 'is over and upgraded nothing' : `ended ${state}`;
  const why = state === 'blocked' ? 'is blocked and waits for a person' : over;
  throw new CliFailure(`Rollout ${id} ${why}.`, EXIT.endedOtherwise);
}

interface Viewer {
  show(seen: Sight): void;
  /** A message to stderr, which on a terminal lands between the drawings. */
  tell(text: string): void;
}

function jsonViewer(session: Session): Viewer {
  let before = '';
  return {
    show: (seen) => {
      const line = JSON.stringify(seen);
      if (line !== before) session.print(line);
      before = line;
    },
    tell: (text) => session.tell(text),
  };
}

/** Redrawn in place, as much of it as the window shows. */
function liveViewer(session: Session): Viewer {
  const drawing = new LiveDrawing(session);
  return {
    show: ({ rollout, clusters }) => {
      drawing.draw(renderRollout(rollout, clusters, { ...session.screen(), height: drawing.height }));
    },
    tell: (text) => drawing.tell(text),
  };
}

/** Off a terminal: the screen once, then a line for whatever changed. */
function lineViewer(session: Session): Viewer {
  let before: Sight | null = null;
  return {
    show: (seen) => {
      const screen = session.screen();
      if (before === null) session.print(renderRollout(seen.rollout, seen.clusters, screen));
      else {
        const time = clockText(screen.now, screen);
        changedLines(before, seen, screen).forEach((line) => session.print(`${time}  ${line}`));
      }
      before = seen;
    },
    tell: (text) => session.tell(text),
  };
}
