import type { Storage } from '@wavegate/storage';
import type { CertificateDesk, TokenDesk, WireCounters } from '../agents/index.js';
import type { HubMetrics } from './metrics.js';

/** The listeners' ports over the stores. */

export function tokenDesk(
  { joinTokens }: Pick<Storage, 'joinTokens'>,
  crashPoints: { reach(name: string): void },
): TokenDesk {
  return {
    redeem: async (token, facts, _at, publicKeySha256) => {
      const redeemed = await joinTokens.redeem({ token, clusterUid: facts.uid, publicKeySha256 });
      crashPoints.reach('enrol.afterRedeem');
      return redeemed;
    },
  };
}

export function certificateDesk({ certificates }: Pick<Storage, 'certificates'>): CertificateDesk {
  return {
    record: ({ serial, clusterId, notAfter, publicKeySha256, how, evidence }) =>
      certificates.record({ serial, clusterId, notAfter, publicKeySha256, how, evidence }),
    find: async (serial) => {
      const found = await certificates.find(serial);
      if (!found) return null;
      const { clusterId, clusterUid, notAfter, removed } = found;
      // A removed cluster's certificates were revoked with it; should one have slipped through, it is no good either.
      return { clusterId, clusterUid, notAfter, revokedAt: found.revokedAt ?? (removed ? notAfter : null) };
    },
  };
}

export function wireCounters(metrics: HubMetrics): WireCounters {
  return {
    refused: (reason) => metrics.agentRefusals.inc({ reason }),
    connected: (agents) => metrics.agentsConnected.set(agents),
    issued: (way) => metrics.enrolments.inc({ result: way }),
  };
}
