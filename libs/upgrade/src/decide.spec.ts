import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canHop, checkSkew, parseVersion } from '@wavegate/fleet';
import type { ObservedNode } from './observed.js';
import { FROM, planOf, START, tell, TO, type Judge, type Pass, type Story } from './testing/story.js';
import { TinyCluster, type Faults } from './testing/tiny-cluster.js';

const KINDS = ['hold', 'promote', 'rollback', 'inconclusive'] as const;
const faultyStep = fc.constantFrom(
  ...['upgradeKubelet/w-1', 'upgradeKubelet/w-2', 'rollbackKubelet/w-1', 'uncordonNode/w-2'],
);
const failure = { kind: 'failed', reason: { code: 'step_failed', params: {} } } as const;

/** A world with everything that may go wrong, drawn; `check` sees every pass. */
const worlds = fc.record({
  controlPlanes: fc.constantFrom(1, 3),
  workers: fc.integer({ min: 1, max: 6 }),
  zones: fc.integer({ min: 1, max: 3 }),
  maxUnavailable: fc.constantFrom(1, 2, '50%'),
  onTimeout: fc.constantFrom('pause', 'skipNode', 'failCluster'),
  hubAway: fc.constantFrom('finish', 'finishNode'),
  maxAge: fc.constantFrom('1m', '1h'),
  blocked: fc.array(fc.constantFrom('w-1', 'w-2', 'w-3'), { maxLength: 2 }),
  failing: fc.array(faultyStep, { maxLength: 3 }),
  reverts: fc.integer({ min: 0, max: 5 }).map((draw) => draw === 0),
  verdicts: fc
    .array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 8 })
    // Most get past the control plane: what comes behind it is where most can go wrong.
    .map((kinds) => ['promote' as const, ...kinds]),
  withdrawAtPass: fc.option(fc.nat({ max: 80 }), { nil: undefined }),
  hubAwayAt: fc.option(
    fc.nat({ max: 3_600_000 }).map((ms) => START + ms),
    { nil: undefined },
  ),
  dieAfterWrite: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
});
type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never;

function play(world: World, check: (pass: Pass, cluster: TinyCluster) => void): { story: Story; cluster: TinyCluster } {
  const faults: Faults = {};
  for (const name of world.blocked) (faults[`drainNode/${name}`] ??= []).push('blocked');
  for (const step of world.failing) (faults[step] ??= []).push(failure);
  if (world.reverts) faults['upgradeControlPlane/cp-1'] = ['reverted'];
  const cluster = new TinyCluster({ ...world, from: FROM, faults });
  let drawn = 0;
  const judge: Judge = (_phase, elapsed) =>
    elapsed < 60_000 ? 'hold' : (world.verdicts[drawn++ % world.verdicts.length] ?? 'hold');
  const { withdrawAtPass, hubAwayAt, dieAfterWrite, onTimeout, hubAway, maxUnavailable, maxAge } = world;
  const plan = planOf({
    drain: { onTimeout, maxUnavailable },
    hubAway,
    backup: { etcd: { maxAge } },
  });
  const optional = {
    ...(withdrawAtPass === undefined ? {} : { withdrawAtPass }),
    ...(hubAwayAt === undefined ? {} : { hubAwayAt }),
    ...(dieAfterWrite === undefined ? {} : { dieAfterWrite }),
  };
  const story = tell({ cluster, plan, judge, ...optional, check: (pass) => check(pass, cluster) });
  return { story, cluster };
}

const always = (
  check: (pass: Pass, world: World, cluster: TinyCluster) => void,
  runs = 50,
  drawn: fc.Arbitrary<World> = worlds,
): void =>
  fc.assert(
    fc.property(drawn, (world) => void play(world, (pass, cluster) => check(pass, world, cluster))),
    { numRuns: runs },
  );
const stepsOf = ({ decision }: Pass) => (decision.kind === 'steps' ? decision.steps : []);
const nodeOf = ({ observed }: Pass, name: string): ObservedNode => observed.nodes.find((node) => node.name === name)!;
const serversOf = ({ observed }: Pass) =>
  observed.nodes.flatMap(({ staticPods }) => staticPods['kube-apiserver']?.version ?? []);

describe('safety of one cluster', () => {
  it('I8 no kubelet is ever made newer than any API server, nor more than three minors older', () => {
    always((pass) => {
      for (const step of stepsOf(pass)) {
        if (step.kind !== 'upgradeKubelet' && step.kind !== 'rollbackKubelet') continue;
        expect(checkSkew({ apiServers: serversOf(pass), kubelets: [step.to] })).toEqual([]);
      }
    });
  });

  it('I9 no control plane skips a minor, and a kubelet is changed only on a drained node', () => {
    always((pass) => {
      for (const step of stepsOf(pass)) {
        if (step.kind === 'upgradeControlPlane') {
          const minors = [step.from, step.to].map((version) => parseVersion(version)!.minor);
          expect(minors[1]! - minors[0]!).toBeLessThanOrEqual(1);
        }
        if (step.kind !== 'upgradeKubelet' && step.kind !== 'rollbackKubelet') continue;
        const { cordoned, podsToEvict, kubelet } = nodeOf(pass, step.node);
        if (kubelet !== step.to) expect({ cordoned, podsToEvict }).toEqual({ cordoned: true, podsToEvict: 0 });
      }
    });
  });

  it('I9 whatever versions are seen, a hop that skips a minor or breaks the skew is never begun', () => {
    const version = fc.tuple(fc.integer({ min: 28, max: 36 }), fc.integer({ min: 0, max: 9 }));
    const text = version.map(([minor, patch]) => `1.${minor}.${patch}`);
    fc.assert(
      fc.property(text, text, text, (from, to, kubelet) => {
        const cluster = new TinyCluster({ from });
        cluster.node('w-1').kubelet = kubelet;
        const hop = { index: 1, of: 1, from, to };
        const { outcome } = tell({ cluster, order: { hop } });
        const facts = { apiServers: [from], nodes: [] };
        if (canHop(facts, hop)) expect(outcome.kind).toBe('skipped');
        if (outcome.kind !== 'upgraded') expect(cluster.effects.every((effect) => effect.startsWith('pre'))).toBe(true);
      }),
    );
  });

  it('I10 at most one control-plane node is changed at once, and a majority of etcd stays healthy without it', () => {
    always((pass) => {
      const touching = stepsOf(pass).filter((step) => 'node' in step && step.node.startsWith('cp-'));
      expect(touching.length).toBeLessThanOrEqual(1);
      const fresh = touching.filter((step) => !(step.name in pass.journal.steps));
      const { etcd } = pass.observed;
      if (fresh.some((step) => step.kind === 'upgradeControlPlane') && etcd && etcd.members > 1) {
        expect(etcd.healthy - 1).toBeGreaterThanOrEqual(Math.floor(etcd.members / 2) + 1);
      }
    });
  });

  it('I11 no first control-plane step without a verified receipt younger than the plan allows', () => {
    always((pass, world) => {
      const begun = Object.values(pass.journal.steps).some(({ step }) => step.kind === 'upgradeControlPlane');
      if (begun || !stepsOf(pass).some((step) => step.kind === 'upgradeControlPlane')) return;
      expect(pass.journal.receipt?.verified).toBe('restore');
      expect(pass.at - pass.journal.receipt!.takenAt).toBeLessThanOrEqual(world.maxAge === '1m' ? 60_000 : 3_600_000);
    });
  });

  it('I14 without a promoting verdict nothing is ever upgraded: no data never promotes', () => {
    const silent = worlds.map((world) => ({ ...world, verdicts: ['hold' as const] }));
    fc.assert(
      fc.property(silent, (world) => {
        const { story } = play(world, () => {});
        expect(story.outcome.kind).not.toBe('upgraded');
        expect(story.journal.committedAt).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  it('I15 a rollback happens at most once, never leads forward again, and touches no control plane', () => {
    // Worlds that get as far as the node canary, and burn there.
    const burning = worlds.map((world) => ({
      ...{ ...world, reverts: false, hubAwayAt: undefined, blocked: [] },
      verdicts: ['promote' as const, 'rollback' as const, ...world.verdicts],
    }));
    let began = 0;
    always(
      (pass) => {
        if (pass.decision.kind === 'note' && pass.decision.note.kind === 'rollbackBegan') {
          began += 1;
          expect(pass.journal.rollback).toBeNull();
          expect(pass.journal.committedAt).not.toBeNull();
        }
        if (!pass.journal.rollback) return;
        for (const step of stepsOf(pass)) {
          expect(['drainNode', 'rollbackKubelet', 'uncordonNode']).toContain(step.kind);
          expect('node' in step && step.node.startsWith('w-')).toBe(true);
        }
      },
      60,
      burning,
    );
    expect(began).toBeGreaterThan(10);
  });

  it('I16 after a withdrawal no further node is touched, and a node half-way is finished', () => {
    const stopped = worlds.chain((world) =>
      fc.integer({ min: 4, max: 45 }).map((withdrawAtPass) => ({ ...world, reverts: false, withdrawAtPass })),
    );
    let withdrawn = 0;
    always(
      (pass, _world, cluster) => {
        if (!pass.journal.withdrawal) return;
        withdrawn += 1;
        for (const step of stepsOf(pass)) {
          const node = 'node' in step ? step.node : '';
          const touched = cluster.effects.some((effect) => effect.split('/')[1] === node);
          const begun = Object.values(pass.journal.steps).some((run) => 'node' in run.step && run.step.node === node);
          expect(touched || begun).toBe(true);
        }
        if (pass.decision.kind !== 'done' || pass.decision.outcome.kind !== 'halted') return;
        for (const { name, kubelet, cordoned } of pass.observed.nodes) {
          if (kubelet === TO && cordoned) expect(pass.decision.outcome.cordoned).toContain(name);
        }
      },
      60,
      stopped,
    );
    expect(withdrawn).toBeGreaterThan(30);
  });

  it('no node beyond maxUnavailable is out at once, and never of two zones', () => {
    always((pass, world) => {
      const out = new Set(
        pass.observed.nodes.filter(({ cordoned, ready }) => cordoned || !ready).map(({ name }) => name),
      );
      for (const step of stepsOf(pass)) if (step.kind === 'drainNode') out.add(step.node);
      const workers = pass.observed.nodes.filter(({ name, role }) => role === 'worker' && out.has(name));
      const limit =
        world.maxUnavailable === '50%' ? Math.max(1, Math.floor(world.workers / 2)) : Number(world.maxUnavailable);
      expect(workers.length).toBeLessThanOrEqual(limit);
      expect(new Set(workers.map(({ zone }) => zone)).size).toBeLessThanOrEqual(1);
    }, 90);
  });

  it('no silent waiting: every wait has a reason and a wake-up ahead, and every order ends in a named state', () => {
    always((pass) => {
      if (pass.decision.kind === 'wait') {
        expect(pass.decision.until).toBeGreaterThan(pass.at);
        expect(pass.decision.until).toBeLessThanOrEqual(Math.max(pass.journal.order.deadline, pass.at + 30 * 60_000));
      }
      if (pass.decision.kind === 'steps') expect(pass.decision.steps.length).toBeGreaterThan(0);
      if (pass.decision.kind === 'done') expect(pass.decision.outcome.kind).not.toBe('lost');
    }, 90);
  });

  it('I3 the agent dies after any journal write → the same effects, each step once, the same outcome', () => {
    for (const controlPlanes of [1, 3]) {
      const make = () => new TinyCluster({ from: FROM, controlPlanes, workers: 3 });
      const judge: Judge = (phase, elapsed) =>
        elapsed < 60_000 ? 'hold' : phase === 'judgeFinal' ? 'rollback' : 'promote';
      const calm = { cluster: make(), judge };
      const told = tell(calm);
      expect(told.outcome.kind).toBe('rolledBack');
      for (let dieAfterWrite = 1; dieAfterWrite <= told.writes; dieAfterWrite++) {
        const cluster = make();
        const again = tell({ cluster, judge, dieAfterWrite });
        expect(cluster.effects).toEqual(calm.cluster.effects);
        expect(new Set(cluster.effects).size).toBe(cluster.effects.length);
        expect(again.outcome).toEqual(told.outcome);
      }
    }
  });
});
