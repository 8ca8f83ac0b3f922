import { CliFailure, EXIT } from './cli-failure.js';
import type { Order } from './gen/types.gen.js';
import { getOrder } from './gen/sdk.gen.js';
import { ask, HubUnreachable } from './hub-client.js';
import { LiveDrawing } from './live-drawing.js';
import { clockText } from './screens/moment.js';
import { isCompleted, orderStanding, renderOrder, whatHappens } from './screens/order-screen.js';
import type { Session } from './session.js';

const INTERVAL_MS = 1_000;

export interface WatchOrder {
  /** One JSON document at the end instead of a screen on the way. */
  readonly json: boolean;
}

/**
 * Looks on until the order has ended, and tells it by the exit code: completed or not, and for a preflight whether
 * something blocks. Interrupted, it says that the order goes on: who looks away does not stop it.
 */
export async function watchOrder(session: Session, begun: Order, { json }: WatchOrder): Promise<void> {
  const { world } = session;
  const client = session.client();
  const viewer = json ? { show: () => {}, tell: (text: string) => session.tell(text) } : viewerOf(session);
  let order = begun;
  let silent = false;
  viewer.show(order);
  while (!order.ended && !world.interrupted.aborted) {
    await world.sleep(INTERVAL_MS);
    const seen = await look(() => ask(getOrder({ client, path: { order: order.id } })));
    if (seen instanceof HubUnreachable) {
      if (!silent) viewer.tell(`${seen.message}. Asking on every ${INTERVAL_MS / 1000} s.`);
    } else {
      if (silent) viewer.tell('The hub answers again.');
      order = seen;
      viewer.show(order);
    }
    silent = seen instanceof HubUnreachable;
  }
  if (json) session.printJson(order);
  if (order.ended) return end(order);
  const id = order.id.slice(0, 8);
  session.tell(`The order goes on: wavegate orders get ${id}. To end it: wavegate orders withdraw ${id}`);
}

async function look(asking: () => Promise<Order>): Promise<Order | HubUnreachable> {
  try {
    return await asking();
  } catch (error) {
    if (error instanceof HubUnreachable) return error;
    throw error;
  }
}

function end(order: Order): void {
  const blocking =
    order.kind === 'preflight' ? order.findings.filter(({ severity }) => severity === 'block').length : 0;
  if (isCompleted(order) && blocking === 0) return;
  const id = order.id.slice(0, 8);
  const why = isCompleted(order)
    ? `${blocking} ${blocking === 1 ? 'finding blocks' : 'findings block'} an upgrade of ${order.cluster}.`
    : `The ${order.kind} of ${order.cluster} ended ${orderStanding(order).text} (wavegate orders get ${id}).`;
  throw new CliFailure(why, EXIT.endedOtherwise);
}

interface Viewer {
  show(order: Order): void;
  tell(text: string): void;
}

function viewerOf(session: Session): Viewer {
  if (session.world.out.isTTY) {
    const drawing = new LiveDrawing(session);
    return { show: (order) => drawing.draw(renderOrder(order, session.screen())), tell: (text) => drawing.tell(text) };
  }
  let before = '';
  return {
    show: (order) => {
      const screen = session.screen();
      // The whole of it at the end; on the way a line for whatever changed.
      if (order.ended) return session.print(renderOrder(order, screen));
      const line = `${order.kind} of ${order.cluster}: ${orderStanding(order).text}, ${whatHappens(order, screen)}`;
      if (line !== before) session.print(`${clockText(screen.now, screen)}  ${line}`);
      before = line;
    },
    tell: (text) => session.tell(text),
  };
}
