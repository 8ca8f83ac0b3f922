import path from 'node:path';
import { describeReason } from '@wavegate/fleet';
import type { HubLog, Notifier } from '@wavegate/runtime/hub';
import { HEARTBEAT_MS } from '@wavegate/protocol';
import type { Storage } from '@wavegate/storage';
import type { Logger } from 'pino';
import { CertificateAuthority, EnrolmentServer, GatewayServer, ServerCertificate } from '../agents/index.js';
import type { EmbeddedPostgres } from '../database/embedded-postgres.js';
import { AccessDesk } from '../desks/access-desk.js';
import { ClusterDesk } from '../desks/cluster-desk.js';
import { EventDesk } from '../desks/event-desk.js';
import { FleetPreflight } from '../desks/fleet-preflight.js';
import { ObjectiveCheck } from '../desks/objective-check.js';
import { OrderDesk } from '../desks/order-desk.js';
import { PlanDesk } from '../desks/plan-desk.js';
import { RolloutDesk } from '../desks/rollout-desk.js';
import { RecoveryDesk } from '../desks/recovery-desk.js';
import { ScheduleDesk } from '../desks/schedule-desk.js';
import type { Desks } from '../rest/hub-module.js';
import { makeRestApp } from '../rest/rest-app.js';
import { certificateDesk, tokenDesk, wireCounters } from './agent-desks.js';
import type { BannerFacts } from './banner.js';
import type { HostPort, HubConfig } from './config.js';
import { armCrashPoint } from './crash-points.js';
import { openDatabase } from './hub-database.js';
import { ProcessCancel, systemClock, systemRandom, toHubLog } from './hub-world.js';
import { openLoops } from './loops.js';
import { openMetrics, type HubMetrics } from './metrics.js';
import { metricsPage } from './metrics-page.js';
import { Readiness } from './readiness.js';

/** Enrolments per second: handshakes and signatures are the scarce resource after an outage. */
const ENROLMENTS_PER_SECOND = 50;

export interface RunningHub {
  readonly facts: Omit<BannerFacts, 'startedInMs'>;
  /** Readiness goes, agents are told to come back, leases end, the database last. */
  close(): Promise<void>;
}

/** What was opened on the way, newest last: a start that fails half-way closes it again. */
type Opened = (() => Promise<void>)[];

/** Rejects with what to do about it where that is known (a port that is taken); nothing stays open then. */
export async function startHub(config: HubConfig, log: Logger): Promise<RunningHub> {
  const opened: Opened = [];
  try {
    return await compose(config, log, opened);
  } catch (error) {
    for (const close of opened.reverse()) await close().catch(() => undefined);
    throw error;
  }
}

/** The composition root: everything is made here, once, and handed to what needs it. */
async function compose(config: HubConfig, log: Logger, opened: Opened): Promise<RunningHub> {
  const hubLog = toHubLog(log);
  const { storage, embedded } = await openDatabase(config, hubLog, opened);
  for (const name of await storage.migrate()) log.info({ migration: name }, 'migrated');
  const authority = await CertificateAuthority.open(path.join(config.dataDir, 'ca'), Date.now());
  const metrics = openMetrics();
  const cancel = new ProcessCancel();
  const loops = openLoops(
    storage,
    config,
    {
      clock: systemClock,
      random: systemRandom,
      log: hubLog,
      cancel,
      notifier: logNotifier(log),
      crashPoints: armCrashPoint(config.crashAt),
      rolloutBell: storage.bell.bell('rollouts'),
      orderBell: storage.bell.bell('orders'),
    },
    metrics,
  );
  const listeners = await openListeners({ config, storage, authority, metrics, log: hubLog, loops });
  opened.push(() => listeners.close());
  let started = false;
  const readiness = readinessOf(storage, () => started);
  const desks = makeDesks({ config, storage, authority, metrics, loops, readiness });
  const app = await makeRestApp({
    desks,
    tokens: storage.apiTokens,
    log,
    observe: (route, status, seconds) => metrics.httpSeconds.observe({ route, status: String(status) }, seconds),
  });
  await orSayPort(app.listen(config.http.port, config.http.host), 'WAVEGATE_HTTP', config.http);
  // Made when nothing more can fail: a token that is made before it can be shown is lost for good.
  const firstToken = await storage.apiTokens.ensureFirstAdmin();
  const running = loops.run();
  started = true;
  return {
    facts: {
      config,
      httpUrl: `http://${textOf(config.http)}`,
      database: databaseWords(config, embedded),
      caSha256: authority.caSha256,
      firstToken,
    },
    close: async () => {
      readiness.drain();
      await listeners.close();
      cancel.cancel();
      await running;
      await app.close();
      await storage.close();
      // Adopted or started by us: nobody else knows this server, and left alone it would run for ever.
      await embedded?.stop();
    },
  };
}

interface Parts {
  readonly config: HubConfig;
  readonly storage: Storage;
  readonly authority: CertificateAuthority;
  readonly metrics: HubMetrics;
  readonly loops: ReturnType<typeof openLoops>;
}

async function openListeners({ config, storage, authority, metrics, log, loops }: Parts & { readonly log: HubLog }) {
  const certificate = await ServerCertificate.make({ authority, clock: systemClock, names: config.agentNames });
  const certificates = certificateDesk(storage);
  const shared = { certificate, certificates, counters: wireCounters(metrics), log, clock: systemClock };
  const enrolment = new EnrolmentServer({
    ...shared,
    authority,
    tokens: tokenDesk(storage, armCrashPoint(config.crashAt)),
    lifetimeMs: config.certificateMs,
    perSecond: ENROLMENTS_PER_SECOND,
  });
  const gateway = new GatewayServer({
    ...shared,
    replica: config.replica,
    sessions: storage.sessions,
    reports: loops.taker,
    streams: loops.registry,
    // Several heartbeats must fit into the silence that means lost; 15 s of 60 s unless the setting is shorter.
    times: { heartbeatMs: Math.min(HEARTBEAT_MS, config.lostAfterMs / 4) },
  });
  const close = async () => {
    await Promise.all([gateway.close(), enrolment.close()]);
    certificate.close();
  };
  try {
    await orSayPort(enrolment.listen(textOf(config.enrolment)), 'WAVEGATE_ENROLMENT', config.enrolment);
    await orSayPort(gateway.listen(textOf(config.gateway)), 'WAVEGATE_GATEWAY', config.gateway);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function makeDesks({
  config,
  storage,
  authority,
  metrics,
  loops,
  readiness,
}: Parts & { readonly readiness: Readiness }): Desks {
  const target = {
    gateway: config.publicGateway,
    enrolment: config.publicEnrolment,
    caSha256: authority.caSha256,
    chart: config.agentChart,
  };
  const orders = new OrderDesk(storage, loops.orderBell);
  const preflights = new FleetPreflight(storage, loops.orderBell);
  return {
    clusters: new ClusterDesk(storage.clusters, storage.certificates),
    access: new AccessDesk(storage.joinTokens, storage.apiTokens, storage.clusters, target),
    orders,
    recoveries: new RecoveryDesk(storage, orders),
    schedules: new ScheduleDesk(storage),
    plans: new PlanDesk(storage.plans, storage.clusters, () => Date.now(), preflights),
    rollouts: new RolloutDesk(storage, loops.rolloutBell, new ObjectiveCheck(preflights)),
    events: new EventDesk(storage.events, storage),
    readiness,
    metrics: metricsPage(metrics, storage.rolloutReader),
  };
}

function readinessOf(storage: Storage, started: () => boolean): Readiness {
  const readiness = new Readiness();
  readiness.add('start', () => {
    if (!started()) throw new Error('the hub is still starting');
    return Promise.resolve('done');
  });
  readiness.add('database', async () => {
    await storage.ping();
    return 'answers';
  });
  return readiness;
}

/** Notices go to the log; the audit has them too, from the same transaction as what they are about. */
function logNotifier(log: Logger): Notifier {
  return {
    notify: (rollout, action) => {
      if (action.kind === 'notify') {
        log.warn({ rollout, cluster: action.clusterId, reason: action.reason.code }, describeReason(action.reason));
      } else if (action.kind === 'askApproval') {
        log.warn({ rollout, wave: action.wave, have: action.have, need: action.need }, 'a wave waits for approval');
      }
      return Promise.resolve();
    },
  };
}

/** The errors of three libraries for one thing: somebody else listens there. Their own words stay in the cause. */
async function orSayPort<T>(listening: Promise<T>, variable: string, address: HostPort): Promise<T> {
  try {
    return await listening;
  } catch (cause) {
    if (!String(cause).includes('EADDRINUSE')) throw cause;
    const words = `another program listens on ${textOf(address)}: end it, or give the hub another address by ${variable}=HOST:PORT`;
    throw new Error(words, { cause });
  }
}

function textOf({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function databaseWords(config: HubConfig, embedded: EmbeddedPostgres | null): string {
  if (!embedded) return `PostgreSQL at ${new URL(config.databaseUrl ?? '').host} (DATABASE_URL)`;
  return `embedded PostgreSQL in ${embedded.dir}${embedded.adopted ? ' (found running, adopted)' : ''}`;
}
