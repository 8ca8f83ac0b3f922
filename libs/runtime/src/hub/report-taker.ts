import type { AgentReport } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { AgentStream, CrashPoints, HubClock, HubLog, HubRandom, OrderStore, WakeBell } from './ports.js';
import type { OrderDispatcher } from './order-dispatcher.js';
import type { SessionRegistry } from './session-registry.js';
import { Turnstile } from './turnstile.js';

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
  /** Reports committed at once, over all streams; fewer than the store has connections. */
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
    try {
      await crashPoints?.reach('take.beforeCommit');
      const taken = await this.turnstile.through(() => store.take(session, report));
      if (taken.kind === 'fenced') {
        log.info('report of a superseded session', { cluster: session.clusterId, reason: taken.reason });
        return this.end(stream, () => stream.end(taken.reason, 0));
      }
      await crashPoints?.reach('take.afterCommit');
      dispatcher.answer(session, taken.commands);
      if (taken.kind === 'taken' && MOVES_ROLLOUTS.has(report.kind)) rolloutBell.ring();
      return 'acknowledge';
    } catch (error) {
      log.warn('report not committed', { cluster: session.clusterId, report: report.kind, error });
      const retryAfterMs = Math.round(STORE_AWAY_MS * (0.5 + this.ports.random.next()));
      return this.end(stream, () => stream.end(reason('hub_draining', { retryAfterMs }), retryAfterMs));
    }
  }

  private end(stream: AgentStream, end: () => void): 'ended' {
    this.ports.registry.unregister(stream.session);
    end();
    return 'ended';
  }
}
