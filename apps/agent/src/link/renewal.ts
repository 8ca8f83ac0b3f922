import type { AgentClock, AgentRandom } from '@wavegate/runtime/agent';
import { renew } from './enrol.js';
import { EnrolmentRefused } from './enrolment-refused.js';
import { lifeOf, type AgentIdentity, type IdentityStore } from './identity.js';

export interface RenewalOptions {
  /** host:port of the hub's enrolment listener. */
  readonly address: string;
  readonly store: IdentityStore;
  readonly clock: Pick<AgentClock, 'now'>;
  readonly random: AgentRandom;
}

const TRY_AGAIN_MS = 60_000;

/**
 * Keeps the certificate young: renewed at two thirds of its life, drawn ±10 % per certificate so that a fleet that was
 * enrolled in one hour does not renew in one minute. An expired one is renewed in the same way, for 30 days.
 */
export class Renewal {
  #dueOf: { readonly chainPem: string; readonly at: number } | null = null;
  #notBefore = 0;
  #running: Promise<boolean> | null = null;
  #refused: EnrolmentRefused | null = null;

  constructor(private readonly options: RenewalOptions) {}

  /** Why the last attempt failed; null after one that did not. */
  get refused(): EnrolmentRefused | null {
    return this.#refused;
  }

  /** True when a new certificate is in use. Never throws for the hub's refusals: the link says them when it connects. */
  renewIfDue(clusterUid: string): Promise<boolean> {
    this.#running ??= this.#renewIfDue(clusterUid).finally(() => (this.#running = null));
    return this.#running;
  }

  async #renewIfDue(clusterUid: string): Promise<boolean> {
    const { store, clock, address, random } = this.options;
    const at = clock.now();
    const identity = await store.load();
    if (!identity || at < this.#dueAt(identity) || at < this.#notBefore) return false;
    try {
      await store.save(await renew({ address, identity, clusterUid, at }));
      this.#refused = null;
      return true;
    } catch (error) {
      if (!(error instanceof EnrolmentRefused)) throw error;
      this.#refused = error;
      // Full jitter: after a long outage the whole fleet is due at once.
      const retryMs = error.retryAfterMs === null ? TRY_AGAIN_MS : Math.min(error.retryAfterMs * 4, TRY_AGAIN_MS);
      this.#notBefore = at + (error.retryAfterMs ?? 0) + random.next() * retryMs;
      return false;
    }
  }

  #dueAt(identity: AgentIdentity): number {
    if (this.#dueOf?.chainPem === identity.chainPem) return this.#dueOf.at;
    const { notBefore, notAfter } = lifeOf(identity);
    const share = 2 / 3 + (this.options.random.next() * 2 - 1) * 0.1;
    this.#dueOf = { chainPem: identity.chainPem, at: notBefore + (notAfter - notBefore) * share };
    return this.#dueOf.at;
  }
}
