import { AuditVerifier } from '@wavegate/runtime/hub';
import type { Rollout } from '@wavegate/rollout';
import { Chaos } from './chaos.js';
import { answer } from './people.js';
import type { Sightings } from './sightings.js';
import { ROLLOUT_ID, World } from './world.js';
import type { Sabotage } from './world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long trouble goes on; after that everything heals and the rollout must come to an end. */
const TROUBLE_MS = 75 * MINUTE;
/** A bound on the end, not a figure: drains that nobody unblocks wait for their order's deadline (90 min), each. */
const LIVENESS_MS = 60 * HOUR;

export interface SeedResult {
  readonly seed: number;
  /** Broken promises; empty for a good seed. */
  readonly complaints: readonly string[];
  readonly sightings: Sightings;
  /** Virtual time until the rollout was over, ms. */
  readonly tookMs: number;
  readonly world: World;
}

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One world from its seed to its end. Never throws: whatever is thrown in it is a complaint. */
export async function runSeed(seed: number, sabotage: Sabotage | null = null): Promise<SeedResult> {
  const world = new World(seed, sabotage);
  // A world that is meant to break ends when it has; any other shows, after the heal, no more than its first complaint.
  const enough = (): boolean =>
    sabotage
      ? world.complaints.some((line) => line.startsWith(`${sabotage.breaks} `))
      : world.healed && world.complaints.length > 0;
  const result = (tookMs: number): SeedResult => {
    noteNetwork(world);
    return { seed, complaints: world.complaints, sightings: world.sightings, tookMs, world };
  };
  const begun = world.clock.now();
  try {
    await live(world, enough);
  } catch (error) {
    world.complain('no crash', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return result(world.clock.now() - begun);
}

async function live(world: World, enough: () => boolean): Promise<void> {
  const run = (ms: number): Promise<boolean> => world.clock.run(world.clock.now() + ms, flush, enough);
  const hubs = world.random.split('hubs').chance(0.6) ? ['hub-a', 'hub-b'] : ['hub-a'];
  for (const name of hubs) world.startHub(name);
  for (const body of world.bodies.values()) body.startAgent();
  await run(2 * MINUTE);
  const gone = [...world.bodies.values()].filter(({ offline }) => offline);
  for (const body of gone) body.killAgents();
  world.sightings.see('fault cluster offline at the start', gone.length);
  await run(2 * MINUTE);

  await world.startRollout();
  const chaos = new Chaos(world);
  chaos.unleash(TROUBLE_MS);
  await throughTrouble(world, run);
  if (enough()) return;
  chaos.heal();
  await untilOver(world, run, enough);
  if (enough()) return;
  // Facts and outcomes that are still under way.
  await run(3 * MINUTE);
  await lookBack(world);
}

/** Trouble ends early where the rollout is over; not at once, since people come back to rollouts that are over. */
async function throughTrouble(world: World, run: (ms: number) => Promise<boolean>): Promise<void> {
  const slice = 5 * MINUTE;
  let quiet = 0;
  for (let passed = 0; passed < TROUBLE_MS && quiet < 2; passed += slice) {
    await run(slice);
    quiet = isOver(await world.rollout()) ? quiet + 1 : 0;
  }
}

/** A diligent person answers whatever is asked; then there is no excuse for not ending. */
async function untilOver(world: World, run: (ms: number) => Promise<boolean>, enough: () => boolean): Promise<void> {
  const random = world.random.split('diligent');
  const until = world.clock.now() + LIVENESS_MS;
  while (world.clock.now() < until) {
    const rollout = await world.rollout();
    if ((isOver(rollout) && (await isHeard(world))) || enough()) return;
    const command = answer(rollout, random);
    if (command) await world.command(command);
    await run(MINUTE);
  }
  const { head, clusters } = await world.rollout();
  const open = [...clusters.values()].filter(({ phase }) => phase !== 'done');
  const rows = open.map(({ clusterName, phase, reason }) => `${clusterName} ${phase} ${JSON.stringify(reason)}`);
  world.complain('I4', `not over after ${LIVENESS_MS / HOUR} h: ${head.state} ${JSON.stringify(head.reason)}; ${rows}`);
}

const isOver = ({ head }: Rollout): boolean => head.finishedAt !== null;

/** A command that no hub has looked at yet may bring a rollout back to life: a rollback asked for after its end. */
async function isHeard(world: World): Promise<boolean> {
  return (await world.store.inbox(ROLLOUT_ID, 1)).length === 0;
}

/** The end: what the hub believes, what is so, and what was promised about both. */
async function lookBack(world: World): Promise<void> {
  const { clusters } = await world.rollout();
  const known = new Map(world.store.clusters().map((cluster) => [cluster.id, cluster]));
  for (const body of world.bodies.values()) {
    const { nodes, faults } = body.cluster.state;
    const facts = known.get(body.name)?.facts;
    const seen = facts?.nodes.map(({ name, kubelet, schedulable }) => `${name} ${kubelet} ${schedulable}`).join();
    const real = nodes.map(({ name, kubelet, cordoned }) => `${name} ${kubelet} ${!cordoned}`).join();
    if (seen !== real) world.complain('I20', `${body.name}: the hub sees ${seen}; it is ${real}`);

    const row = clusters.get(body.name);
    const orders = await world.store.ofCluster(body.name, 100);
    const named = new Set(orders.flatMap(({ outcome }) => (outcome?.kind === 'halted' ? outcome.cordoned : [])));
    for (const node of nodes.filter(({ cordonedBy }) => cordonedBy !== null)) {
      world.sightings.see('node stays cordoned and is named');
      if (!named.has(node.name))
        world.complain('I7', `${body.name}/${node.name} stays cordoned, and no outcome names it`);
    }
    const unfinished = orders.filter(({ state }) => ['open', 'confirmed', 'withdrawing'].includes(state));
    if (unfinished.length > 0) {
      world.complain(
        'I4',
        `${body.name}: order ${unfinished[0]?.order.id.slice(0, 6)} is still ${unfinished[0]?.state}`,
      );
    }
    if (row?.outcome?.kind !== 'upgraded') continue;
    const judged = world.plan.spec.verdict.objectives.length > 0;
    if (faults.noMetrics && judged) world.complain('I14', `${body.name} was promoted without any data`);
    const target = row.hops.at(-1)?.to;
    const skipped = world.plan.spec.drain.onTimeout === 'skipNode';
    const behind = nodes.filter(({ kubelet }) => kubelet !== target);
    if (behind.length > 0 && !skipped) world.complain('I20', `${body.name} is upgraded, but ${behind[0]?.name} is not`);
  }
  lookAtAudit(world);
}

function lookAtAudit(world: World): void {
  const verifier = new AuditVerifier();
  const rows = world.store.auditRows();
  for (const row of rows) verifier.take(row);
  const proof = verifier.proof(world.store.auditHead());
  if (proof.kind === 'broken') world.complain('I17', `audit line ${proof.seq}: ${proof.why}`);
  if (rows.some(({ actor }) => actor === '')) world.complain('I17', 'an audit line without an actor');
  world.sightings.see('audit lines', rows.length);
}

function noteNetwork({ network, sightings }: World): void {
  const { counts } = network;
  sightings.see('messages', counts.messages);
  sightings.see('fault message lost (stream broken)', counts.lost);
  sightings.see('fault message duplicated', counts.duplicated);
  sightings.see('fault message delayed', counts.spikes);
  sightings.see('fault line half-open', counts.halfOpened);
  sightings.see('fault partition', counts.partitioned);
  sightings.see('fault connect failure', counts.connectFailures);
  sightings.see('connects', counts.connects);
}
