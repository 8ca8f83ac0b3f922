import { CliFailure, EXIT } from './cli-failure.js';
import type { Client } from './gen/client/index.js';
import type { Rollout, RolloutCluster } from './gen/types.gen.js';
import { getRollout } from './gen/sdk.gen.js';
import { allRolloutClusters, ask, HubUnreachable } from './hub-client.js';
import { renderRollout } from './screens/rollout-screen.js';
import { changedLines } from './screens/rollout-changes.js';
import { lengthOf } from './screens/columns.js';
import { clockText } from './screens/moment.js';
import { plainText } from './screens/paint.js';
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

function end({ id, state }: Rollout): void {
  if (state === 'finished') return;
  const why = state === 'blocked' ? 'is blocked and waits for a person' : `ended ${state}`;
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

/** Redraws in place: up over what was drawn before, then everything again. Never higher than the terminal. */
function liveViewer(session: Session): Viewer {
  let drawn = 0;
  return {
    show: ({ rollout, clusters }) => {
      const height = session.world.out.rows - 1;
      const text = renderRollout(rollout, clusters, { ...session.screen(), height });
      const lines = text.split('\n').slice(0, height);
      const back = drawn > 0 ? `\u001b[${drawn}A\r\u001b[0J` : '';
      session.world.out.write(`${back}${lines.join('\n')}\n`);
      drawn = linesTaken(lines, session.world.out.columns);
    },
    tell: (text) => {
      session.tell(text);
      // What stands above the message stays there; the next drawing begins below it.
      drawn = 0;
    },
  };
}

/** A line that is longer than the window is wide takes several of the terminal's; going back must count them all. */
function linesTaken(lines: readonly string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(lengthOf(plainText(line)) / columns)), 0);
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
