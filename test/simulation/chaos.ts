import { FAIR_WEATHER } from '@wavegate/simulator';
import type { CrashPoints, SeededRandom, Weather } from '@wavegate/simulator';
import { someCommand } from './people.js';
import type { World } from './world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const STORMS: readonly Weather[] = [
  FAIR_WEATHER,
  { ...FAIR_WEATHER, duplication: 0.2, delayMs: [5, 800], spike: 0.02, spikeMs: 5_000 },
  { ...FAIR_WEATHER, loss: 0.01, duplication: 0.1, halfOpen: 0.001, delayMs: [5, 200], spike: 0.01, spikeMs: 20_000 },
  { ...FAIR_WEATHER, loss: 0.05, duplication: 0.5, halfOpen: 0.005, delayMs: [1, 2_000], connectFailure: 0.3 },
];

/** Ports at whose calls a process is killed, before or after they did their work. */
const HUB_POINTS = [
  'rollouts.claim',
  'rollouts.load',
  'rollouts.inbox',
  'rollouts.commit',
  'orders.outgoing',
  'orders.take',
  'sessions.open',
  'sessions.beat',
  'stream.send',
] as const;
const AGENT_POINTS = ['journals.list', 'journals.save', 'driver.carryOut', 'driver.observe', 'stream.send'] as const;

/** Trouble of a seeded kind at seeded moments, until it is told to stop. How much of it there is depends on the seed. */
export class Chaos {
  private readonly random: SeededRandom;
  private stopped = false;
  /** Which trouble this world has at all: many seeds with little teach more than all with everything. */
  private readonly has: Readonly<Record<'weather' | 'hub' | 'agent' | 'people' | 'store' | 'partition', boolean>>;

  constructor(private readonly world: World) {
    this.random = world.random.split('chaos');
    const own = this.random.split('kinds');
    this.has = {
      weather: own.chance(0.5),
      hub: own.chance(0.5),
      agent: own.chance(0.5),
      people: own.chance(0.5),
      store: own.chance(0.25),
      partition: own.chance(0.3),
    };
  }

  /** Seeded moments over `ms` from now. */
  unleash(ms: number): void {
    const until = this.world.clock.now() + ms;
    this.every('weather', { mean: 10 * MINUTE, until }, (random) => this.changeWeather(random));
    this.every('hub', { mean: 12 * MINUTE, until }, (random) => this.troubleHub(random));
    this.every('agent', { mean: 6 * MINUTE, until }, (random) => this.troubleAgent(random));
    this.every('people', { mean: 9 * MINUTE, until }, (random) => this.command(random));
    this.every('store', { mean: 15 * MINUTE, until }, (random) => this.troubleStore(random));
    this.every('partition', { mean: 15 * MINUTE, until }, (random) => this.partition(random));
  }

  /** All faults end: processes run, the network is calm, the store answers, twins are gone. */
  heal(): void {
    const { world } = this;
    this.stopped = true;
    world.healed = true;
    world.trace.say('world', 'everything heals');
    world.network.weather = FAIR_WEATHER;
    world.network.mend();
    Object.assign(world.trouble, { refused: 0, answerLost: 0 });
    for (const hub of world.hubs.values()) hub.life.proceed();
    for (const name of world.hubs.keys()) world.startHub(name);
    for (const body of world.bodies.values()) {
      body.killTwins();
      body.ensureAgent();
    }
  }

  private every(
    kind: keyof Chaos['has'],
    { mean, until }: { readonly mean: number; readonly until: number },
    act: (random: SeededRandom) => void,
  ): void {
    if (!this.has[kind]) return;
    const { clock } = this.world;
    const random = this.random.split(kind);
    for (let at = clock.now(); at <= until; at += Math.round(mean * (0.2 + 1.6 * random.next()))) {
      if (at > clock.now()) clock.schedule(at, () => (this.stopped ? undefined : act(random)));
    }
  }

  private later(ms: number, act: () => void): void {
    this.world.clock.schedule(this.world.clock.now() + ms, () => (this.stopped ? undefined : act()));
  }

  private changeWeather(random: SeededRandom): void {
    const index = random.int(0, STORMS.length - 1);
    this.world.network.weather = STORMS[index] ?? FAIR_WEATHER;
    this.world.trace.say('world', `weather ${index}`);
  }

  private troubleHub(random: SeededRandom): void {
    const { world } = this;
    const name = random.pick([...world.hubs.keys()]);
    const hub = world.hubs.get(name);
    if (!hub?.life.alive) return;
    if (random.chance(0.3)) {
      const ms = random.int(5, 45) * SECOND;
      world.trace.say(hub.life.name, `stands still for ${ms / SECOND} s`);
      world.sightings.see('fault hub paused');
      hub.life.pause();
      this.world.clock.schedule(world.clock.now() + ms, () => hub.life.proceed());
      return;
    }
    // Killed now; the next start is armed to die at a port call, which is where the interesting moments are.
    world.sightings.see('fault hub killed');
    hub.life.kill();
    const armed = random.chance(0.7) ? this.arm(random, HUB_POINTS, 'hub') : undefined;
    this.later(random.int(1, 40) * SECOND, () => {
      world.startHub(name, armed);
      this.later(random.int(60, 240) * SECOND, () => world.startHub(name));
    });
  }

  private troubleAgent(random: SeededRandom): void {
    const { world } = this;
    const body = random.pick([...world.bodies.values()]);
    if (random.chance(0.2) && body.agentAlive) {
      world.sightings.see('fault twin agent');
      body.startAgent();
      this.later(random.int(20, 240) * SECOND, () => body.killTwins());
      return;
    }
    world.sightings.see('fault agent killed');
    body.killAgents();
    const armed = random.chance(0.7) ? this.arm(random, AGENT_POINTS, 'agent') : undefined;
    this.later(random.int(1, 150) * SECOND, () => {
      if (!body.agentAlive) body.startAgent(armed);
      this.later(random.int(60, 300) * SECOND, () => body.ensureAgent());
    });
  }

  /** Dies at the nth call of one port, before or after it did its work. */
  private arm(random: SeededRandom, points: readonly string[], who: string): CrashPoints {
    const point = `${random.pick(points)}`;
    const side = random.pick(['before', 'after']);
    let left = random.int(1, 6);
    return {
      crashesAt: (reached) => {
        if (this.stopped || !reached.startsWith(point) || !reached.endsWith(side)) return false;
        left -= 1;
        if (left !== 0) return false;
        this.world.sightings.see(`crash ${who} ${side} ${point}`);
        this.world.trace.say('world', `${who} crashes at ${reached}`);
        return true;
      },
    };
  }

  private command(random: SeededRandom): void {
    const { world } = this;
    void world.rollout().then((rollout) => world.command(someCommand(rollout, random)));
  }

  private troubleStore(random: SeededRandom): void {
    const { world } = this;
    world.sightings.see('fault store away');
    const total = random.chance(0.5);
    Object.assign(world.trouble, { refused: total ? 1 : 0.2, answerLost: total ? 0 : 0.2 });
    world.trace.say('world', total ? 'the store is away' : 'the store loses calls and answers');
    this.later(random.int(2, 30) * SECOND, () => Object.assign(world.trouble, { refused: 0, answerLost: 0 }));
  }

  private partition(random: SeededRandom): void {
    const { world } = this;
    const body = random.pick([...world.bodies.values()]);
    world.trace.say('world', `${body.name} is cut off`);
    world.network.partition(body.name);
    this.later(random.int(10, 400) * SECOND, () => {
      world.network.mend(body.name);
      world.trace.say('world', `${body.name} is reachable again`);
    });
  }
}
