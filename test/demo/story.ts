import { castDemo, demoFleet, type DemoCast } from '@wavegate/simulator';
import { DEMO_PLAN } from './demo-plan.js';
import type { DemoWorld } from './demo-world.js';
import { eventually } from './eventually.js';
import type { ClusterView, RolloutView } from './hub-client.js';
import type { Screen } from './screen.js';

const SPEED = 500;
const HOSTS = 4;
const PATIENCE_MS = 240_000;

/** What the demo saw; the expectations are checked against it. */
export interface DemoRecord {
  readonly cast: DemoCast;
  readonly killedHost: string;
  readonly hubKilledAtDone: number;
  readonly maxInFlightSeen: number;
  /** Highest wave in which a cluster was seen at work while an earlier wave had not passed. */
  readonly earlyStarts: readonly string[];
  readonly rollout: RolloutView;
  readonly clusters: readonly ClusterView[];
}

/** The main job, from an empty hub to the end of a rollout, with the accidents that a fleet has. */
export async function playDemo(world: DemoWorld, screen: Screen): Promise<DemoRecord> {
  screen.say('Starting a hub with its own PostgreSQL …');
  await world.startHub();
  const fleet = demoFleet(SPEED);
  screen.say(`Joining ${fleet.length} clusters: agents over mTLS in ${HOSTS} processes …`);
  for (let host = 0; host < HOSTS; host += 1) {
    await world.startHost(
      `agents-${host + 1}`,
      fleet.filter((_, index) => index % HOSTS === host),
    );
  }
  await connected(world, fleet.length);
  const cast = await castTheAccidents(world, screen);
  const plan = await world.client.post<{ digest: string }>('/plans', DEMO_PLAN);
  const started = await world.client.post<RolloutView>('/rollouts', { plan: plan.digest });
  screen.say(`Rollout ${started.id} of ${DEMO_PLAN.metadata.name} begins.\n`);
  return watch(world, screen, cast, started.id);
}

async function connected(world: DemoWorld, count: number): Promise<void> {
  await eventually(`${count} agents to connect`, 60_000, async () => {
    const { items } = await world.client.get<{ items: unknown[] }>('/clusters?connected=true&limit=500');
    return items.length >= count ? true : null;
  });
}

/** Who burns and who is offline follows from the preview: the order of a rollout depends on the ids the hub gave. */
async function castTheAccidents(world: DemoWorld, screen: Screen): Promise<DemoCast> {
  interface Preview {
    readonly waves: readonly {
      readonly index: number;
      readonly clusters: readonly { readonly name: string; readonly hops: readonly string[] }[];
    }[];
    readonly proves: readonly string[];
    readonly undo: readonly string[];
  }
  const preview = await world.client.post<Preview>('/plans/preview', DEMO_PLAN);
  const taking = preview.waves.flatMap((wave) =>
    wave.clusters.map(({ name, hops }) => ({ clusterName: name, wave: wave.index, hops })),
  );
  const cast = castDemo(taking);
  screen.say(
    preview.waves
      .map((wave) => `  wave ${wave.index}: ${wave.clusters.length} clusters, first ${wave.clusters[0]?.name ?? ''}`)
      .join('\n'),
  );
  screen.say([...preview.proves.slice(0, 1), ...preview.undo.slice(1, 2)].map((line) => `  ${line}`).join('\n'));
  await world.giveBurn(cast.burning);
  await world.silence(cast.offline);
  screen.say(`Cast: ${cast.burning} will burn after its node canary; the agent of ${cast.offline} is switched off.`);
  return cast;
}

/** Follows the rollout to its end, and lets the accidents happen on the way. */
async function watch(world: DemoWorld, screen: Screen, cast: DemoCast, id: string): Promise<DemoRecord> {
  const seen = { maxInFlight: 0, earlyStarts: new Set<string>() };
  let killedHost = '';
  let hubKilledAtDone = -1;
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const view = await eventually('the hub to answer', 30_000, () => look(world, id));
    note(view, seen);
    screen.show(view.rollout, view.clusters);
    const { rollout, clusters } = view;
    if (rollout.finishedAt !== null || rollout.state === 'aborted') {
      return {
        cast,
        killedHost,
        hubKilledAtDone,
        maxInFlightSeen: seen.maxInFlight,
        earlyStarts: [...seen.earlyStarts],
        rollout,
        clusters,
      };
    }
    if (killedHost === '') killedHost = await killABusyHost(world, screen, cast, clusters);
    else if (hubKilledAtDone < 0 && rollout.currentWave >= 3 && atWork(clusters).length > 0) {
      hubKilledAtDone = rollout.done;
      screen.say(
        `✂ the hub is killed (SIGKILL) with ${atWork(clusters).length} clusters at work; they go on by themselves`,
      );
      await world.killHub();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await world.startHub();
      screen.say('  the hub is back');
    }
    if (rollout.state === 'blocked') throw new Error(blockedText(rollout, clusters));
    if (Date.now() > until) throw new Error(`rollout ${id} has not ended after ${PATIENCE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** Nobody is here to resume it: more went wrong than the cast, and who is what a reader wants to know. */
function blockedText({ id }: RolloutView, clusters: readonly ClusterView[]): string {
  const hurt = clusters.filter(({ phase, outcome }) => phase === 'lost' || (outcome && outcome.kind !== 'upgraded'));
  const lines = hurt.map(
    ({ name, phase, outcome }) => `  ${name}  ${phase}  ${outcome?.text ?? 'its agent is silent'}`,
  );
  return [`rollout ${id} is blocked: more failed than its wave tolerates`, ...lines].join('\n');
}

async function look(world: DemoWorld, id: string): Promise<{ rollout: RolloutView; clusters: readonly ClusterView[] }> {
  const [rollout, page] = await Promise.all([
    world.client.get<RolloutView>(`/rollouts/${id}`),
    world.client.get<{ items: ClusterView[] }>(`/rollouts/${id}/clusters?limit=500`),
  ]);
  return { rollout, clusters: page.items };
}

function atWork(clusters: readonly ClusterView[]): readonly ClusterView[] {
  return clusters.filter(({ phase }) => phase === 'upgrading' || phase === 'rollingBack' || phase === 'lost');
}

function note(
  view: { rollout: RolloutView; clusters: readonly ClusterView[] },
  seen: { maxInFlight: number; earlyStarts: Set<string> },
): void {
  const busy = view.clusters.filter(({ phase }) => !['waiting', 'done'].includes(phase));
  seen.maxInFlight = Math.max(seen.maxInFlight, busy.length);
  // Rollout and clusters are two reads: a wave may pass between them. What counts is a wave two ahead.
  for (const { name, wave } of busy) if (wave > view.rollout.currentWave + 1) seen.earlyStarts.add(name);
}

/** In wave two, once a cluster other than the burning one is at work: the whole process dies, and comes back. */
async function killABusyHost(
  world: DemoWorld,
  screen: Screen,
  cast: DemoCast,
  clusters: readonly ClusterView[],
): Promise<string> {
  const burningHost = world.hostOf(cast.burning);
  const victim = atWork(clusters).find(({ name, wave }) => wave === 2 && world.hostOf(name) !== burningHost);
  if (!victim) return '';
  const host = world.hosts[world.hostOf(victim.name)];
  if (!host) return '';
  screen.say(`✂ ${host.name} is killed (SIGKILL) while ${victim.name} is at work`);
  await host.kill();
  await new Promise((resolve) => setTimeout(resolve, 800));
  host.start();
  screen.say(`  ${host.name} is back and adopts what it finds`);
  return host.name;
}
