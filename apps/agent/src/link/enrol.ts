import { create } from '@bufbuild/protobuf';
import { credentials } from '@grpc/grpc-js';
import { reason, type ClusterFacts } from '@wavegate/fleet';
import {
  EnrolmentClient,
  EnrolRequestSchema,
  MESSAGE_LIMIT,
  RenewRequestSchema,
  renewalProofText,
  toWireFacts,
} from '@wavegate/protocol';
import { createHash, sign, timingSafeEqual, X509Certificate } from 'node:crypto';
import { makeCertificateRequest, toPems, type CertificateRequest } from './certificate-request.js';
import { EnrolmentRefused, toEnrolmentRefused } from './enrolment-refused.js';
import type { AgentIdentity } from './identity.js';
import { presentedChain } from './tls-probe.js';

const CALL_MS = 20_000;
const OPTIONS = {
  'grpc.enable_channelz': 0,
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': MESSAGE_LIMIT,
} as const;

export interface EnrolOptions {
  /** host:port of the hub's enrolment listener. */
  readonly address: string;
  /** "id.secret" as the hub printed it. */
  readonly token: string;
  /** SHA-256 of the hub's root, hex, from the install command. */
  readonly caSha256: string;
  readonly facts: ClusterFacts;
  readonly agentVersion: string;
  /** Kept over retries: a token that was used up by a call whose answer was lost is still good for the same key. */
  readonly request?: CertificateRequest;
}

/**
 * Trades a join token for an identity. The token is sent only to a server whose chain ends in the pinned CA: first the
 * chain is looked at without sending anything, then a second connection trusts that CA and nothing else.
 * Throws EnrolmentRefused.
 */
export async function enrol(options: EnrolOptions): Promise<{ identity: AgentIdentity; approved: boolean }> {
  const rootPem = await pinnedRoot(options.address, options.caSha256);
  const request = options.request ?? (await makeCertificateRequest());
  const client = new EnrolmentClient(options.address, credentials.createSsl(Buffer.from(rootPem)), OPTIONS);
  try {
    const response = await client.enrol(
      create(EnrolRequestSchema, {
        token: options.token,
        csr: request.csr,
        facts: toWireFacts(options.facts),
        agentVersion: options.agentVersion,
      }),
      CALL_MS,
    );
    const pems = toPems(response.certificates);
    return {
      identity: { clusterId: response.clusterId, keyPem: request.keyPem, ...pems },
      approved: response.approved,
    };
  } catch (error) {
    throw toEnrolmentRefused(error);
  } finally {
    client.close();
  }
}

export interface RenewOptions {
  readonly address: string;
  readonly identity: AgentIdentity;
  readonly clusterUid: string;
  /** Epoch ms: when the proof is made. */
  readonly at: number;
}

/** A new key and certificate for the present ones, expired or not. Throws EnrolmentRefused. */
export async function renew(options: RenewOptions): Promise<AgentIdentity> {
  const { identity, at } = options;
  const request = await makeCertificateRequest();
  const client = new EnrolmentClient(options.address, credentials.createSsl(Buffer.from(identity.rootsPem)), OPTIONS);
  try {
    const response = await client.renew(
      create(RenewRequestSchema, {
        certificate: new X509Certificate(identity.chainPem).raw,
        csr: request.csr,
        clusterUid: options.clusterUid,
        proofAtUnixMs: BigInt(at),
        proof: sign('sha256', Buffer.from(renewalProofText(at, sha256(request.csr).toString('hex'))), identity.keyPem),
      }),
      CALL_MS,
    );
    return { clusterId: identity.clusterId, keyPem: request.keyPem, ...toPems(response.certificates) };
  } catch (error) {
    throw toEnrolmentRefused(error);
  } finally {
    client.close();
  }
}

async function pinnedRoot(address: string, caSha256: string): Promise<string> {
  const pin = Buffer.from(caSha256.replace(/^sha256:/i, '').replaceAll(':', ''), 'hex');
  if (pin.length !== 32) throw new EnrolmentRefused('the CA pin is not a SHA-256 (64 hex digits)', null, null);
  const chain = await presentedChain(address).catch((error: NodeJS.ErrnoException) => {
    throw new EnrolmentRefused(`no hub at ${address}: ${error.code ?? error.message}`, null, 5_000);
  });
  const root = chain.find((der) => timingSafeEqual(sha256(der), pin));
  if (!root) {
    throw new EnrolmentRefused(
      `the hub at ${address} does not show the pinned CA: wrong address, wrong pin, or somebody in between`,
      reason('certificate_unknown'),
      null,
    );
  }
  return new X509Certificate(root).toString();
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
