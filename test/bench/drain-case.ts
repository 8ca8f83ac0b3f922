import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { BenchCase, BenchWorld, CaseResult, Target } from './bench-case.js';
import { bundleChild } from './child-bundles.js';
import type { DrainRun, DrainRunsDone, DrainRunsStart } from './drain-runs.js';
import { MeasuredProgram } from './measured-program.js';
import { medianAndRange, short, spreadOf } from './spread.js';

const VERSION = '1.35.4';
const CROWDS = [
  [30, 2],
  [110, 2],
  [250, 1],
] as const;
const TAKES_MS = 1_800_000;
const NAMES = { kubectl: 'kubectl drain', paced: 'ours, at 5/s', lifted: 'ours, unlimited' } as const;

/** `kubectl drain` and our own program on the same real API server, one after the other. */
export const drainCase: BenchCase = {
  name: 'drain',
  title: 'draining a node, beside kubectl drain',
  run: async (world) => {
    const missing = missingPrograms(world.root);
    if (missing.length > 0) throw new Error(`${missing.join(', ')} not in the cache (node test/kube/world/obtain.mjs)`);
    const { runs, blockerNamedMs } = await measure(world);
    const scenes = [...new Set(runs.map(({ scene }) => scene))];
    return { ...tableOf(runs, scenes), targets: targetsOf(runs, scenes, blockerNamedMs), ...notes(), raw: runs };
  },
};

function tableOf(runs: readonly DrainRun[], scenes: readonly string[]): Pick<CaseResult, 'columns' | 'rows'> {
  const rows = scenes.flatMap((scene) =>
    (['kubectl', 'paced', 'lifted'] as const).map((tool) => {
      const own = runs.filter((run) => run.scene === scene && run.tool === tool);
      const seconds = own.map(({ wallMs }) => wallMs / 1000);
      const requests = medianAndRange(own.map((run) => run.requests));
      return [scene, NAMES[tool], medianAndRange(seconds), requests, medianAndRange(own.map(({ refused }) => refused))];
    }),
  );
  return { columns: ['', 'program', 'from start to end, s', 'API requests', 'refused by a budget'], rows };
}

function targetsOf(runs: readonly DrainRun[], scenes: readonly string[], blockerNamedMs: number): Target[] {
  const median = (scene: string, tool: DrainRun['tool'], of: (run: DrainRun) => number): number =>
    spreadOf(runs.filter((run) => run.scene === scene && run.tool === tool).map(of)).p50;
  const share = (scene: string, tool: DrainRun['tool'], of: (run: DrainRun) => number): number =>
    median(scene, tool, of) / median(scene, 'kubectl', of);
  const wall = ({ wallMs }: DrainRun): number => wallMs;
  const perPod = ({ requests }: DrainRun): number => requests;
  const crowds = scenes.filter((scene) => !scene.includes('maxUnavailable'));
  const broken = runs
    .filter(({ tool }) => tool !== 'kubectl')
    .reduce((sum, { budget }) => sum + (budget?.broken ?? 0), 0);
  return [
    ...crowds.flatMap((scene) => [
      { what: `${scene}, kubectl's pace: time`, measured: share(scene, 'paced', wall), unit: '× kubectl', atMost: 1 },
      { what: `${scene}, pace lifted: time`, measured: share(scene, 'lifted', wall), unit: '× kubectl', atMost: 0.5 },
      { what: `${scene}: API requests`, measured: share(scene, 'paced', perPod), unit: '× kubectl', atMost: 0.6 },
    ]),
    { what: 'budget broken, of all looks at it', measured: broken, unit: 'times', atMost: 0 },
    { what: 'a blocker named after its first refusal', measured: blockerNamedMs / 1000, unit: 's', atMost: 5 },
  ];
}

function notes(): Pick<CaseResult, 'notes'> {
  return {
    notes: [
      `The API server, its controllers and its scheduler are real (${VERSION}); pods are played by kwok: ready after 0.3 s, gone after 0.5 s.`,
      'Whole programs, Node’s start included; requests by the audit log. Raw output of every drain: .bench/drain/.',
    ],
  };
}

async function measure(world: BenchWorld): Promise<DrainRunsDone> {
  world.say('a real control plane, drained by both programs in turn; some minutes');
  const dir = path.join(world.folder, 'drain');
  await mkdir(dir, { recursive: true });
  const program = new MeasuredProgram([process.execPath, await bundleChild(world.root, 'drain-runs')], {
    logFile: `${dir}.log`,
    channel: true,
  });
  try {
    let done: DrainRunsDone | null = null;
    program.child.on('message', (message) => (done = message as DrainRunsDone));
    const start: DrainRunsStart = {
      ...{ version: VERSION, root: world.root, logs: path.join(world.root, '.bench', 'drain'), crowds: CROWDS },
    };
    program.child.send(start);
    const found = await program.until('the drains', () => Promise.resolve(done), 500, TAKES_MS);
    world.say(`blocker named after ${short(found.blockerNamedMs / 1000)} s`);
    return found;
  } finally {
    await program.stop();
  }
}

/** Only from the cache: building takes longer than all of the bench. */
function missingPrograms(root: string): string[] {
  const { stdout } = spawnSync(process.execPath, [path.join(root, 'test/kube/world/obtain.mjs'), '--check']);
  const there = Object.keys(JSON.parse(String(stdout) || '{}') as Record<string, string>);
  const needed = ['etcd', 'kwok', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'];
  return needed.filter((name) => !there.some((one) => one.startsWith(`${name}@`)));
}
