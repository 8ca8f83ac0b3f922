import { eventually } from '../../kube/world/eventually.js';
import { say } from './lab-log.js';
import type { Lab } from './start-lab.js';

/** Power goes at one moment of a node's upgrade, and comes back after a while. */
export interface PowerCut {
  readonly when: string;
  readonly node: string;
  /** A test of the node's own shell. */
  readonly holds: string;
  readonly awayMs: number;
}

/** Waits for that moment, and cuts. False: everything was over before it came. */
export async function cutPower(
  lab: Lab,
  { when, node, holds, awayMs }: PowerCut,
  over: () => boolean,
): Promise<boolean> {
  const machine = lab.node(node);
  const reached = await eventually(
    `${node} to be ${when}`,
    async () => (over() ? 'over' : (await machine.try(['bash', '-c', holds])).code === 0 && 'now'),
    { withinMs: 1_500_000, everyMs: 200 },
  );
  if (reached === 'over') return false;
  say(`${node} loses its power ${when}`);
  await machine.kill();
  await new Promise((done) => setTimeout(done, awayMs));
  await machine.startAgain();
  say(`${node} has its power again`);
  return true;
}
