// `make simulate SEEDS=n FROM=seed`: runs worlds until they are through, says which of them broke a promise.
import { describeFailure, runSeeds } from './run-seeds.js';

const HOUR = 3_600_000;

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`simulate: --${name} is a whole number from 1, for example --${name} ${otherwise}`);
  process.exit(2);
}

const seeds = option('seeds', 300);
const from = option('from', 1);
const begun = performance.now();
let through = 0;
let virtualMs = 0;

const { failures, sightings } = await runSeeds(from, seeds, ({ seed, complaints, tookMs, world }) => {
  through += 1;
  virtualMs += tookMs;
  if (complaints.length > 0) console.log(`seed ${seed}: ${complaints[0]}`);
  if (seeds === 1) console.log(world.trace.text());
  if (through % 25 === 0) console.log(`${through} of ${seeds} seeds, ${elapsed()} s`);
});

console.log(`\nWhat happened in these worlds:\n${sightings.table()}\n`);
for (const failure of failures) console.log(`${describeFailure(failure)}\n`);
console.log(
  `${seeds} seeds from ${from}: ${failures.length} failed; ${(virtualMs / HOUR).toFixed(0)} virtual hours in ${elapsed()} s`,
);
process.exitCode = failures.length > 0 ? 1 : 0;

function elapsed(): string {
  return ((performance.now() - begun) / 1000).toFixed(1);
}
