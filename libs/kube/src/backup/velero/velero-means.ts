import type { AgentClock, Cancel } from '@wavegate/runtime/agent';
import type { Reason } from '@wavegate/fleet';
import type { RawApi } from './raw-api.js';

/** What every act on Velero needs. */
export interface VeleroMeans {
  readonly api: RawApi;
  readonly clock: AgentClock;
}

/** Who waits: told the newest reason, and may ask to stop. */
export interface VeleroWatcher {
  report(reason: Reason): void;
  readonly cancel: Cancel;
}

/** An act that did not come about, in one sentence for a person. */
export class VeleroFailure extends Error {
  override readonly name = 'VeleroFailure';
}

/** How long an API server may be away while we wait for Velero; after that the waiting itself is given up. */
export const API_PATIENCE_MS = 120_000;
