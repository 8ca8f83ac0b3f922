import type { AgentReport, MeasuredSamples } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type {
  AgentStream,
  ControlStore,
  CrashPoints,
  HubClock,
  HubLog,
  HubRandom,
  OrderStore,
  SessionRef,
  StoredReport,
  WakeBell,
} from './ports.js';
import { orderIdOf } from './order-answer.js';
import type { OrderDispatcher } from './order-dispatcher.js';
import type { SessionRegistry } from './session-registry.js';
import { Turnstile } from '../turnstile.js';

export interface ReportTaking {
  readonly store: OrderStore;
  readonly registry: SessionRegistry;
  readonly dispatcher: OrderDispatcher;
  /** The rollout runner's bell. */
  readonly rolloutBell: WakeBell;
  readonly clock: HubClock;
  readonly random: HubRandom;
  readonly log: HubLog;
  readonly crashPoints?: CrashPoints;
  /** Where counts for others go; absent: nobody asked for them. */
  readonly controls?: ControlStore;
  /** Reports given to the store at once, over all streams: fewer than it has connections, or many if it groups them. */
  readonly mostAtOnce?: number;
}

/** Of ten connections, the hub's default: the loops always find one. */
const MOST_AT_ONCE = 6;

/** Reports that may have left an inbox row. */
const MOVES_ROLLOUTS: ReadonlySet<AgentReport['kind']> = new Set([
  'orderAccepted',
  'orderRefused',
  'orderWithdrawn',
  'outcome',
]);
const STORE_AWAY_MS = 2_000;

/**
 * Takes the reports of streams. The gateway calls it for one report of a stream after the other and waits for the
 * answer before it reads on: that is the order of events, and the backpressure.
 */
export class ReportTaker {
  private readonly turnstile: Turnstile;

  constructor(private readonly ports: ReportTaking) {
    this.turnstile = new Turnstile(ports.mostAtOnce ?? MOST_AT_ONCE);
  }

  /**
   * `acknowledge`: committed (or known already); the caller may acknowledge it. `ended`: nothing was committed or
   * nobody can know; the stream was ended, the report must not be acknowledged, and the agent sends it again.
   */
  async take(stream: AgentStream, report: AgentReport): Promise<'acknowledge' | 'ended'> {
    const { store, registry, dispatcher, rolloutBell, clock, crashPoints, log } = this.ports;
    const { session } = stream;
    registry.heard(session, clock.now());
    if (report.kind === 'samples') return this.takeSamples(session, report.samples);
    try {
      await crashPoints?.reach('take.beforeCommit');
      const taken = await this.turnstile.through(() => store.take(session, report));
      if (taken.kind === 'fenced') {
        const { code, params } = taken.reason;
        log.info('report of a superseded session', { ...fieldsOf(session, report), reason: code, params });
        return this.end(stream, () => stream.end(taken.reason, 0));
      }
      await crashPoints?.reach('take.afterCommit');
      dispatcher.answer(session, taken.commands);
      if (taken.kind === 'taken' && MOVES_ROLLOUTS.has(report.kind)) rolloutBell.ring();
      return 'acknowledge';
    } catch (error) {
      log.warn('report not committed', { ...fieldsOf(session, report), error });
      const retryAfterMs = Math.round(STORE_AWAY_MS * (0.5 + this.ports.random.next()));
      return this.end(stream, () => stream.end(reason('store_unavailable', { retryAfterMs }), retryAfterMs));
    }
  }

  /** Lossy: what could not be kept is asked for again, and is no reason to end a stream. */
  private async takeSamples(session: SessionRef, samples: MeasuredSamples): Promise<'acknowledge'> {
    try {
      await this.ports.controls?.saveControl(session.clusterId, samples);
    } catch (error) {
      this.ports.log.warn('counts for others not kept', { cluster: session.clusterId, error });
    }
    return 'acknowledge';
  }

  private end(stream: AgentStream, end: () => void): 'ended' {
    this.ports.registry.unregister(stream.session);
    end();
    return 'ended';
  }
}

/** Rollout and attempt are in the order's row, which may be what could not be read: the order's id leads to both. */
function fieldsOf({ clusterId, generation }: SessionRef, report: StoredReport): Readonly<Record<string, unknown>> {
  const order = report.kind === 'facts' ? {} : { order: orderIdOf(report) };
  return { cluster: clusterId, generation, report: report.kind, ...order };
}
