import type { Reason } from '@wavegate/fleet';
import { reason } from '@wavegate/fleet';
import type { LoopPorts } from './hub-loop.js';
import { runLoop } from './hub-loop.js';
import type { SessionRef, SessionStore, WakeBell } from './ports.js';
import type { SessionRegistry } from './session-registry.js';

export interface SessionKeeping extends LoopPorts {
  readonly store: SessionStore;
  readonly registry: SessionRegistry;
  /** Rung when sessions were told lost or returned: there are inbox rows. */
  readonly rolloutBell: WakeBell;
  readonly tickMs?: number;
  readonly beatMs?: number;
  readonly lostAfterMs?: number;
}

/**
 * Keeps this replica's sessions alive in the store (one batched beat), ends streams that are superseded, revoked or
 * silent, and tells the rollouts of clusters that fell silent anywhere.
 *
 * `lost` counts against a rollout's budget, so it must mean that the *agent* is silent, not that the hub was: after a
 * start, a failed pass or a pause of this process (a stopped virtual machine), no cluster is called lost until this
 * replica has been steady for the whole time that an agent may be silent. By then agents have come back.
 */
export function keepSessions(keeping: SessionKeeping): Promise<void> {
  const keeper = new SessionKeeper(keeping);
  return runLoop(
    {
      name: 'session keeper',
      pass: () => keeper.tick(),
      forget: () => keeper.forget(),
      pollMs: keeper.tickMs,
      bell: null,
    },
    keeping,
  );
}

class SessionKeeper {
  readonly tickMs: number;
  private readonly beatMs: number;
  private readonly lostAfterMs: number;
  private steadySince: number | null = null;
  private tickedAt: number | null = null;
  private beatenAt = -Infinity;

  constructor(private readonly keeping: SessionKeeping) {
    this.tickMs = keeping.tickMs ?? 5_000;
    this.beatMs = keeping.beatMs ?? 15_000;
    this.lostAfterMs = keeping.lostAfterMs ?? 60_000;
  }

  forget(): void {
    this.steadySince = null;
    this.tickedAt = null;
  }

  async tick(): Promise<boolean> {
    const { clock, store, registry, rolloutBell } = this.keeping;
    const at = clock.now();
    this.noteSteadiness(at);
    if (at - this.beatenAt >= this.beatMs) await this.beat(at);
    const revoked = await store.revoked(registry.sessions());
    for (const session of revoked) this.end(session, reason('certificate_revoked'));
    for (const session of registry.silentSince(at - this.lostAfterMs)) {
      this.end(session, reason('agent_lost', { since: at - this.lostAfterMs }));
    }
    if (this.steadySince !== null && at - this.steadySince >= this.lostAfterMs) {
      if ((await store.expire(this.lostAfterMs)) > 0) rolloutBell.ring();
    }
    return false;
  }

  private noteSteadiness(at: number): void {
    const paused = this.tickedAt === null || at - this.tickedAt > 3 * this.tickMs;
    if (paused || this.steadySince === null) this.steadySince = at;
    this.tickedAt = at;
  }

  private async beat(at: number): Promise<void> {
    const { store, registry, rolloutBell } = this.keeping;
    const sessions = registry.toBeat();
    const superseded = sessions.length > 0 ? await store.beat(sessions) : [];
    this.beatenAt = at;
    registry.beaten(sessions);
    for (const session of superseded) {
      this.end(session, reason('newer_generation', { generation: session.generation + 1 }));
    }
    // A beat may have brought a lost cluster back; the row is there, and a ring costs one look.
    if (sessions.length > 0) rolloutBell.ring();
  }

  private end(session: SessionRef, why: Reason): void {
    const { registry, log } = this.keeping;
    const stream = registry.find(session);
    if (!stream) return;
    const { clusterId, generation } = session;
    log.info('stream ended by the hub', { cluster: clusterId, generation, reason: why.code, params: why.params });
    registry.unregister(session);
    stream.end(why, 0);
  }
}
