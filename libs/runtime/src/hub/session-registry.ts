import { reason } from '@wavegate/fleet';
import type { AgentStream, SessionRef } from './ports.js';

interface LiveSession {
  readonly stream: AgentStream;
  heardAt: number;
  /** Heard of since the last beat that the store took. */
  unbeaten: boolean;
}

/** The streams that end in this replica: what the dispatcher sends to and the keeper keeps alive. In memory only. */
export class SessionRegistry {
  private readonly live = new Map<string, LiveSession>();

  /** The newest generation of a cluster wins; an older stream in this replica is ended at once and told why. */
  register(stream: AgentStream, at: number): void {
    const { clusterId, generation } = stream.session;
    const other = this.live.get(clusterId);
    if (other && other.stream.session.generation > generation) return endSuperseded(stream, other.stream.session);
    if (other) endSuperseded(other.stream, stream.session);
    this.live.set(clusterId, { stream, heardAt: at, unbeaten: true });
  }

  unregister(session: SessionRef): void {
    if (this.find(session)) this.live.delete(session.clusterId);
  }

  /** The stream of exactly this generation, or null. */
  find(session: SessionRef): AgentStream | null {
    const entry = this.live.get(session.clusterId);
    return entry?.stream.session.generation === session.generation ? entry.stream : null;
  }

  /** The stream of whichever generation is live here, or null: for what may be lost. */
  ofCluster(clusterId: string): AgentStream | null {
    return this.live.get(clusterId)?.stream ?? null;
  }

  /** Any message of the agent counts as a sign of life. */
  heard(session: SessionRef, at: number): void {
    const entry = this.live.get(session.clusterId);
    if (entry?.stream.session.generation !== session.generation) return;
    entry.heardAt = at;
    entry.unbeaten = true;
  }

  sessions(): readonly SessionRef[] {
    return [...this.live.values()].map(({ stream }) => stream.session);
  }

  /** Sessions heard of since they were last beaten. */
  toBeat(): readonly SessionRef[] {
    return [...this.live.values()].filter(({ unbeaten }) => unbeaten).map(({ stream }) => stream.session);
  }

  beaten(sessions: readonly SessionRef[]): void {
    for (const session of sessions) {
      const entry = this.live.get(session.clusterId);
      if (entry?.stream.session.generation === session.generation) entry.unbeaten = false;
    }
  }

  /** Sessions not heard of since `before`: half-open streams that TCP has not noticed yet. */
  silentSince(before: number): readonly SessionRef[] {
    return [...this.live.values()].filter(({ heardAt }) => heardAt <= before).map(({ stream }) => stream.session);
  }
}

function endSuperseded(stream: AgentStream, by: SessionRef): void {
  stream.end(reason('newer_generation', { generation: by.generation }), 0);
}
