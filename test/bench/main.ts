import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentIdleCase } from './agent-idle-case.js';
import { agentSoakCase } from './agent-soak-case.js';
import { agentsCase } from './agents-case.js';
import { backupCase } from './backup-case.js';
import { isMet, type BenchCase, type BenchWorld, type CaseResult } from './bench-case.js';
import { decideCase } from './decide-case.js';
import { drainCase } from './drain-case.js';
import { FleetStage } from './fleet-stage.js';
import { hubStartCase } from './hub-start-case.js';
import { machineClass } from './machine-class.js';
import { ordersCase } from './orders-case.js';
import { preflightCase } from './preflight-case.js';
import { short } from './spread.js';
import { storageCase } from './storage-case.js';
import { textTable } from './text-table.js';
import { verdictCase } from './verdict-case.js';

/**
 * `make bench [ARGS="decide storage"]`: measures, prints a table per case, writes `.bench/<case>.json` and
 * `.bench/results.json`. Exit code 1 only where a case could not be measured: a missed target is a finding about this
 * machine at this moment, and is printed as one.
 */
const CASES: readonly BenchCase[] = [
  decideCase,
  storageCase,
  hubStartCase,
  agentsCase,
  ordersCase,
  agentIdleCase,
  agentSoakCase,
  preflightCase,
  backupCase,
  drainCase,
  verdictCase,
];

async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !CASES.some((one) => one.name === name));
  if (unknown.length > 0) {
    console.error(`bench: no case "${unknown.join('", "')}"; there are ${CASES.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const root = process.cwd();
  const machine = machineClass(root);
  const results = path.join(root, '.bench');
  await mkdir(results, { recursive: true });
  const folder = await mkdtemp(path.join(tmpdir(), 'wavegate-bench-'));
  // PostgreSQL runs as another user when the bench runs as root, and must be able to pass.
  await chmod(folder, 0o755);
  const say = (line: string): void => console.error(`  · ${line}`);
  const world: BenchWorld = { root, folder, say, stage: new FleetStage(root, folder, say) };
  const end = stopOnce(world);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void end().then(() => process.exit(130)));
  const { cores, memoryGiB, kernel, node, commit, loadBefore } = machine;
  console.log(
    `${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, commit ${commit}, load ${short(loadBefore)}`,
  );
  const measured: Record<string, CaseResult & { readonly seconds: number }> = {};
  let failed = 0;
  try {
    for (const one of CASES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
      const result = await runCase(one, world);
      if (!result) {
        failed += 1;
        continue;
      }
      measured[one.name] = result;
      await writeJson(path.join(results, `${one.name}.json`), { machine, case: one.name, title: one.title, ...result });
    }
    await writeJson(path.join(results, 'results.json'), { machine, cases: measured });
  } finally {
    await end();
  }
  console.log(`\nJSON: ${path.relative(root, results)}/`);
  return failed === 0 ? 0 : 1;
}

async function runCase(one: BenchCase, world: BenchWorld): Promise<(CaseResult & { readonly seconds: number }) | null> {
  console.log(`\n${one.name}: ${one.title}`);
  const startedAt = performance.now();
  try {
    const result = await one.run(world);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`${textTable(result.columns, result.rows)}\n`);
    for (const note of result.notes) console.log(`  ${note}`);
    for (const target of result.targets) {
      const { what, measured, unit, atMost } = target;
      console.log(`  ${isMet(target) ? '✔' : '✘'} ${what}: ${short(measured)} ${unit} (target ≤ ${atMost} ${unit})`);
    }
    console.log(`  ${seconds} s`);
    return { ...result, seconds };
  } catch (error) {
    console.log(`  could not be measured: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return null;
  }
}

function stopOnce({ stage, folder }: BenchWorld): () => Promise<void> {
  let ending: Promise<void> | null = null;
  const keep = process.env['WAVEGATE_KEEP_RUN'];
  return () =>
    (ending ??= stage
      .close()
      .then(() => (keep ? console.error(`kept: ${folder}`) : rm(folder, { recursive: true, force: true }))));
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

process.exitCode = await main();
