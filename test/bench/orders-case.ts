import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { BenchCase } from './bench-case.js';
import { benchPlan } from './bench-fleet.js';
import { AGENTS, type FleetStage } from './fleet-stage.js';
import { unpin } from './measured-program.js';
import { cpuSeconds, familyCpuSeconds, familyOf } from './process-meter.js';
import { medianAndRange, spreadOf } from './spread.js';

const RUNS = 5;
const WITHIN_MS = 60_000;

interface OneRun {
  /** Seconds from the moment before POST /rollouts. */
  readonly inserted: number;
  readonly firstSent: number;
  readonly lastAcknowledged: number;
  /** First insert to last acknowledgement. */
  readonly insertToLast: number;
  /** Processor seconds until the last acknowledgement. */
  readonly hubCpu: number;
  readonly postgresCpu: number;
  /** Confirmations sent a second time. */
  readonly confirmedAgain: number;
  /** A thousand outcomes, told at once: until the rollout was finished. */
  readonly outcomes: number;
}

/**
 * A rollout of one wave over the whole fleet, all in flight: the hub inserts a thousand orders, sends them, and each
 * agent's acceptance is committed and confirmed. Times are PostgreSQL's own, from the rows.
 */
export const ordersCase: BenchCase = {
  name: 'orders',
  title: `a durable order to ${AGENTS} connected agents`,
  run: async ({ stage, say }) => {
    await stage.enrolled();
    if (!stage.hub) await stage.startHub(null);
    await stage.connectToHub();
    freeCores(stage);
    const database = new pg.Client({ connectionString: stage.postgres?.url });
    await database.connect();
    const runs: OneRun[] = [];
    try {
      for (let run = 1; run <= RUNS; run += 1) {
        say(`rollout ${run} of ${RUNS}`);
        runs.push(await orderAll(stage, database, run));
      }
    } finally {
      await database.end();
    }
    const { ended } = await stage.finishOrders();
    const cell = (field: keyof OneRun): string => medianAndRange(runs.map((one) => one[field]));
    return {
      columns: [`from POST /rollouts (${RUNS} runs)`, 's, median (min–max)'],
      rows: [
        ['last order inserted', cell('inserted')],
        ['first order written to a stream', cell('firstSent')],
        ['last acceptance committed', cell('lastAcknowledged')],
        ['… counted from the first insert', cell('insertToLast')],
        ['processor seconds of the hub', cell('hubCpu')],
        ['processor seconds of PostgreSQL', cell('postgresCpu')],
        ['then: 1,000 outcomes until the rollout is finished', cell('outcomes')],
      ],
      targets: [
        {
          what: 'POST /rollouts to the last of 1,000 acceptances committed, median',
          measured: spreadOf(runs.map(({ lastAcknowledged }) => lastAcknowledged)).p50,
          unit: 's',
          atMost: 3,
        },
      ],
      notes: [`Nothing pinned: hub, PostgreSQL and agents share all cores. Streams lost: ${ended}.`],
      raw: { agents: AGENTS, runs, ended },
    };
  },
};

/** The case `agents` may have pinned them; here the whole machine is measured. */
function freeCores({ hub, postgres, crowdPids }: FleetStage): void {
  unpin([hub?.pid ?? 0, ...crowdPids, ...familyOf(postmasterOf(postgres))], availableParallelism());
}

function postmasterOf(postgres: FleetStage['postgres']): number {
  return Number(readFileSync(path.join(postgres?.dir ?? '', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

interface Standing {
  readonly confirmed: number;
  readonly first_insert: number;
  readonly last_insert: number;
  readonly first_sent: number;
  readonly last_confirmed: number;
}

const STANDING = `
  SELECT count(confirmed_at)::int AS confirmed, min(created_at)::float8 AS first_insert, max(created_at)::float8 AS last_insert,
    min(sent_at)::float8 AS first_sent, max(confirmed_at)::float8 AS last_confirmed
  FROM orders WHERE rollout_id = $1`;

async function orderAll(stage: FleetStage, database: pg.Client, run: number): Promise<OneRun> {
  const plan = benchPlan(`bench-${run}`, {
    strategy: { waves: ['100%'], maxInFlight: AGENTS, budget: { firstWave: 0, laterWaves: 0 } },
    gates: { soak: { default: '0s' } },
  });
  const { digest } = await stage.client.post<{ digest: string }>('/plans', plan);
  const [clock] = (await database.query<{ at: number }>('SELECT now_ms()::float8 AS at')).rows;
  const from = clock?.at ?? Number.NaN;
  const cpu = (): readonly [number, number] => [
    cpuSeconds([stage.hub?.pid ?? 0]),
    familyCpuSeconds(postmasterOf(stage.postgres)),
  ];
  const [hubBefore, postgresBefore] = cpu();
  const { id } = await stage.client.post<{ id: string }>('/rollouts', { plan: digest });
  const all = await poll(`${AGENTS} acceptances`, async () => {
    const [row] = (await database.query<Standing>(STANDING, [id])).rows;
    return row && row.confirmed >= AGENTS ? row : null;
  });
  const [hubAfter, postgresAfter] = cpu();
  const again = await endAll(stage);
  const finished = 'SELECT finished_at::float8 AS at FROM rollouts WHERE id = $1 AND finished_at IS NOT NULL';
  const firstOutcome = 'SELECT min(ended_at)::float8 AS at FROM orders WHERE rollout_id = $1';
  const end = await poll(
    'the rollout to finish',
    async () => (await database.query<{ at: number }>(finished, [id])).rows[0] ?? null,
  );
  const [begin] = (await database.query<{ at: number }>(firstOutcome, [id])).rows;
  return {
    inserted: (all.last_insert - from) / 1000,
    firstSent: (all.first_sent - from) / 1000,
    lastAcknowledged: (all.last_confirmed - from) / 1000,
    insertToLast: (all.last_confirmed - all.first_insert) / 1000,
    hubCpu: hubAfter - hubBefore,
    postgresCpu: postgresAfter - postgresBefore,
    confirmedAgain: again,
    outcomes: (end.at - (begin?.at ?? Number.NaN)) / 1000,
  };
}

/** The rows say confirmed a moment before the agents hear of it: outcomes are asked for until all have told theirs. */
async function endAll(stage: FleetStage): Promise<number> {
  let told = 0;
  let again = 0;
  await poll(`${AGENTS} outcomes`, async () => {
    const finished = await stage.finishOrders();
    told += finished.orders;
    again += finished.again;
    return told >= AGENTS ? true : null;
  });
  return again;
}

async function poll<T>(what: string, ask: () => Promise<T | null>): Promise<T> {
  for (const until = performance.now() + WITHIN_MS; performance.now() < until; await sleep(100)) {
    const answer = await ask();
    if (answer !== null) return answer;
  }
  throw new Error(`waited ${WITHIN_MS / 1000} s in vain for ${what}`);
}
