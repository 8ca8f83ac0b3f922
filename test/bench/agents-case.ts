import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CertificateAuthority } from '../../apps/hub/src/agents/certificate-authority.js';
import type { BareServerStart } from './bare-server.js';
import type { BenchCase, BenchWorld, CaseResult } from './bench-case.js';
import { bundleChild } from './child-bundles.js';
import { AGENTS, SERVER_CORE, type FleetStage } from './fleet-stage.js';
import { canPin, MeasuredProgram } from './measured-program.js';
import { cpuSeconds, familyCpuSeconds, settledRssKiB } from './process-meter.js';
import { short, spreadOf } from './spread.js';

/** After the last connect: acknowledgements, caches and the first heartbeats are through. */
const SETTLE_MS = 5_000;
const IDLE_MS = 20_000;

interface Contender {
  readonly name: string;
  readonly emptyMiB: number;
  readonly fullMiB: number;
  readonly kibPerAgent: number;
  readonly connectsPerSecond: number;
  readonly handshakeP99Ms: number;
  readonly cpuMsPerConnect: number;
  readonly idleCpuPercent: number;
  readonly postgresIdleCpuPercent: number | null;
  /** Streams that did not last. */
  readonly ended: number;
}

/**
 * One after the other, in the same run, over the same certificates: a bare grpc-js server, then the hub, each started
 * anew, measured empty, then with a thousand agents. What the second weighs over the first is Wavegate's own.
 */
export const agentsCase: BenchCase = {
  name: 'agents',
  title: `hub with ${AGENTS} idle mTLS agents, against a bare grpc-js server`,
  run: async (world) => {
    const { stage, say } = world;
    await stage.enrolled();
    say('bare grpc-js server');
    const bare = await measureBare(world);
    say('hub');
    const hub = await measureHub(stage);
    return toResult(bare, hub, stage.enrolmentSeconds);
  },
};

async function measureBare({ root, folder, stage }: BenchWorld): Promise<Contender> {
  const program = new MeasuredProgram(
    [process.execPath, '--max-semi-space-size=4', await bundleChild(root, 'bare-server')],
    {
      logFile: path.join(folder, 'bare-server.log'),
      core: SERVER_CORE,
      channel: true,
    },
  );
  try {
    const authority = await CertificateAuthority.open(stage.caDir, Date.now());
    const { keyPem, chainPem } = await authority.serverIdentity(['localhost', '127.0.0.1'], Date.now());
    const port = new Promise<number>((resolve) =>
      program.child.once('message', (message) => resolve((message as { port: number }).port)),
    );
    program.child.send({ rootPem: authority.rootPem, keyPem, chainPem } satisfies BareServerStart);
    const gateway = `127.0.0.1:${await port}`;
    const measured = await measure('bare grpc-js', program.pid, null, () => stage.connect('bare', gateway));
    return { ...measured, ended: await stage.disconnect() };
  } finally {
    await program.stop();
  }
}

/** The hub stays, and so do its agents: the case `orders` goes on with them. */
async function measureHub(stage: FleetStage): Promise<Contender> {
  const hub = await stage.startHub(SERVER_CORE);
  const postmaster = Number(
    readFileSync(path.join(stage.postgres?.dir ?? '', 'postmaster.pid'), 'utf8').split('\n')[0],
  );
  const measured = await measure('wavegate-hub', hub.pid, postmaster, () => stage.connectToHub());
  return { ...measured, ended: (await stage.finishOrders()).ended };
}

async function measure(
  name: string,
  pid: number,
  postmaster: number | null,
  connect: () => Promise<{ readonly ms: number; readonly handshakesMs: readonly number[] }>,
): Promise<Omit<Contender, 'ended'>> {
  await sleep(SETTLE_MS);
  const empty = await settledRssKiB(pid);
  const cpuBefore = cpuSeconds([pid]);
  const { ms, handshakesMs } = await connect();
  const connectCpu = cpuSeconds([pid]) - cpuBefore;
  await sleep(SETTLE_MS);
  const postgresCpu = (): number => (postmaster === null ? 0 : familyCpuSeconds(postmaster));
  const [idleBefore, postgresBefore] = [cpuSeconds([pid]), postgresCpu()];
  await sleep(IDLE_MS);
  const percent = (seconds: number): number => (seconds * 100_000) / IDLE_MS;
  const idle = percent(cpuSeconds([pid]) - idleBefore);
  const postgresIdle = percent(postgresCpu() - postgresBefore);
  const full = await settledRssKiB(pid);
  return {
    name,
    emptyMiB: empty / 1024,
    fullMiB: full / 1024,
    kibPerAgent: (full - empty) / AGENTS,
    connectsPerSecond: AGENTS / (ms / 1000),
    handshakeP99Ms: spreadOf(handshakesMs).p99,
    cpuMsPerConnect: (connectCpu * 1000) / AGENTS,
    idleCpuPercent: idle,
    postgresIdleCpuPercent: postmaster === null ? null : postgresIdle,
  };
}

function toResult(bare: Contender, hub: Contender, enrolmentSeconds: number): CaseResult {
  const row = (one: Contender) => [
    one.name,
    short(one.emptyMiB),
    short(one.fullMiB),
    short(one.kibPerAgent),
    short(one.connectsPerSecond),
    short(one.cpuMsPerConnect),
    short(one.idleCpuPercent),
    one.postgresIdleCpuPercent === null ? '' : short(one.postgresIdleCpuPercent),
    one.ended,
  ];
  return {
    columns: [
      'server',
      'empty MiB',
      'full MiB',
      'KiB/agent',
      'connects/s',
      'CPU ms/connect',
      'idle CPU %',
      'PostgreSQL %',
      'streams lost',
    ],
    rows: [row(bare), row(hub)],
    targets: [
      { what: 'hub memory per idle agent', measured: hub.kibPerAgent, unit: 'KiB', atMost: 160 },
      {
        what: 'hub against bare grpc-js, per agent',
        measured: hub.kibPerAgent / bare.kibPerAgent,
        unit: '×',
        atMost: 1.6,
      },
    ],
    notes: [
      canPin ? 'Server on core 0, agents on core 1; PostgreSQL anywhere.' : 'No taskset here: nothing was pinned.',
      `A connect of the hub is TLS, certificate check, a generation from PostgreSQL and the facts stored; enrolment before took ${short(enrolmentSeconds)} s.`,
    ],
    raw: { agents: AGENTS, enrolmentSeconds, bare, hub },
  };
}
