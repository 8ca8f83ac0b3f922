import type { AgentIdentity } from '../../apps/agent/src/link/identity.js';

/** What the bench says to a crowd of agents in another process, and what it answers. One answer per order. */
export type CrowdOrder =
  | {
      readonly kind: 'enrol';
      readonly enrolment: string;
      readonly caSha256: string;
      readonly members: readonly { readonly uid: string; readonly token: string }[];
    }
  | {
      readonly kind: 'connect';
      /** `hub`: the agent's own link. `bare`: nothing but grpc-js, the same messages and heartbeat. */
      readonly to: 'hub' | 'bare';
      readonly gateway: string;
      readonly enrolment: string;
      readonly parallel: number;
      readonly members: readonly CrowdMember[];
    }
  /** Every order that was confirmed ends well now. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'close' };

export interface CrowdMember {
  readonly uid: string;
  readonly identity: AgentIdentity;
}

export type CrowdAnswer =
  | { readonly kind: 'enrolled'; readonly members: readonly CrowdMember[] }
  | { readonly kind: 'connected'; readonly ms: number; readonly handshakesMs: readonly number[] }
  /** `again`: confirmations that came twice. `ended`: streams that ended by themselves since the connect; must be none. */
  | { readonly kind: 'finished'; readonly orders: number; readonly again: number; readonly ended: number }
  | { readonly kind: 'closed'; readonly ended: number }
  | { readonly kind: 'failed'; readonly message: string };

/** Agents dialling at once, over all processes: as many as the reference figures were taken with. */
export const PARALLEL = 50;
