import { create } from '@bufbuild/protobuf';
import { Server, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { reason, type Reason } from '@wavegate/fleet';
import {
  EnrolResponseSchema,
  enrolmentDefinition,
  fromWireFacts,
  MESSAGE_LIMIT,
  PROOF_TOLERANCE_MS,
  RENEWAL_GRACE_MS,
  renewalProofText,
  RenewResponseSchema,
  safeNumber,
  toStatus,
  WireProblem,
  type EnrolRequest,
  type EnrolResponse,
  type Refusal,
  type RenewRequest,
  type RenewResponse,
} from '@wavegate/protocol';
import { createHash, verify } from 'node:crypto';
import {
  assertCertificateRequest,
  BadCertificateRequest,
  type AgentCertificate,
  type CertificateAuthority,
} from './certificate-authority.js';
import { bindServer, stopServer } from './grpc-listener.js';
import type {
  CertificateDesk,
  CertificateRecord,
  IssuedCertificate,
  TokenDesk,
  WireCounters,
  WireLog,
} from './ports.js';
import { RateLimit } from './rate-limit.js';
import type { ServerCertificate } from './server-certificate.js';

export interface EnrolmentServerOptions {
  readonly authority: CertificateAuthority;
  readonly certificate: ServerCertificate;
  readonly tokens: TokenDesk;
  readonly certificates: CertificateDesk;
  readonly counters: WireCounters;
  readonly log: WireLog;
  readonly clock: { now(): number };
  readonly lifetimeMs: number;
  /** Enrolments and, apart from them, renewals: signing is the scarce resource after an outage. */
  readonly perSecond: number;
}

class Refused extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.text);
  }
}

type LogFields = Readonly<Record<string, unknown>>;
/** What a line of the log can say about who asked, as far as the request tells. */
type Named<Request> = (request: Request) => LogFields;

/** Nothing is wrong with the request; there are only too many of them. */
class TooMany extends Error {
  constructor(readonly waitMs: number) {
    super('too many agents enrol or renew at once');
  }
}

function refuse(why: Reason, text: string): never {
  throw new Refused({ reason: why, text, retryAfterMs: null });
}

/** Gives agents their identity, on a listener with server-authenticated TLS: who calls here has no certificate yet. */
export class EnrolmentServer {
  readonly #server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': MESSAGE_LIMIT,
    'grpc.max_concurrent_streams': 16,
  });
  readonly #enrolments: RateLimit;
  readonly #renewals: RateLimit;

  constructor(private readonly options: EnrolmentServerOptions) {
    this.#enrolments = new RateLimit(options.perSecond, options.clock);
    this.#renewals = new RateLimit(options.perSecond, options.clock);
    this.#server.addService(enrolmentDefinition, {
      enrol: this.#answer(
        'enrolment',
        (request: EnrolRequest) => this.#enrol(request),
        ({ facts }) => ({ uid: facts?.uid }),
      ),
      renew: this.#answer(
        'renewal',
        (request: RenewRequest) => this.#renew(request),
        ({ certificate, clusterUid }) => ({
          cluster: this.options.authority.recognise(certificate)?.clusterId,
          uid: clusterUid,
        }),
      ),
    });
  }

  /** Resolves with the bound port. */
  listen(address: string): Promise<number> {
    return bindServer(this.#server, address, this.options.certificate.credentials('none'));
  }

  close(): Promise<void> {
    return stopServer(this.#server);
  }

  async #enrol(request: EnrolRequest): Promise<EnrolResponse> {
    const { tokens, clock, counters, log } = this.options;
    assertRoom(this.#enrolments);
    const facts = fromWireFacts(request.facts);
    // The request is tried before the token is spent: an agent with a broken request must be able to come again.
    const { publicKeySha256 } = await assertCertificateRequest(request.csr);
    const redeemed = await tokens.redeem(request.token, facts, clock.now(), publicKeySha256);
    if ('refused' in redeemed) refuse(redeemed.refused, tokenText(redeemed.refused));
    const issued = await this.#issue(request.csr, redeemed.clusterId);
    await this.#keep(issued, 'enrolled', {});
    counters.issued('enrol');
    log.info('cluster enrolled', { cluster: redeemed.clusterId, serial: issued.serial });
    return create(EnrolResponseSchema, {
      certificates: this.#chain(issued),
      clusterId: redeemed.clusterId,
      approved: redeemed.approved,
    });
  }

  async #renew(request: RenewRequest): Promise<RenewResponse> {
    const { authority, certificates, counters, log } = this.options;
    const own = authority.recognise(request.certificate);
    if (!own) refuse(reason('certificate_unknown'), 'the certificate does not come from this hub’s CA: enrol again');
    if (!this.#proven(request, own.certificate.publicKey)) {
      refuse(
        reason('certificate_unknown'),
        'the proof was not made by the certificate’s key within the last five minutes',
      );
    }
    // After the proof, so that strangers cannot use up what a returning fleet needs.
    assertRoom(this.#renewals);
    const record = await certificates.find(own.serial);
    this.#assertRenewable(record, own.notAfter, request.clusterUid);
    const issued = await this.#issue(request.csr, own.clusterId);
    const late = own.notAfter < this.options.clock.now();
    await this.#keep(issued, 'renewed', { replaces: own.serial, afterExpiry: late });
    counters.issued('renew');
    log.info('certificate renewed', { cluster: own.clusterId, serial: issued.serial, afterExpiry: late });
    return create(RenewResponseSchema, { certificates: this.#chain(issued) });
  }

  #assertRenewable(record: CertificateRecord | null, notAfter: number, clusterUid: string): void {
    if (!record) refuse(reason('certificate_unknown'), 'this hub has no record of the certificate: enrol again');
    if (record.revokedAt !== null) refuse(reason('certificate_revoked'), 'the certificate was revoked: enrol again');
    if (record.clusterUid !== clusterUid) {
      refuse(
        reason('cluster_uid_mismatch', { expected: record.clusterUid, found: clusterUid }),
        'this is another cluster than the one that was enrolled (a clone or a restore?): enrol it by itself',
      );
    }
    if (notAfter + RENEWAL_GRACE_MS < this.options.clock.now()) {
      refuse(
        reason('certificate_expired', { expiredAt: notAfter }),
        'the certificate expired over 30 days ago: enrol again',
      );
    }
  }

  #proven(request: RenewRequest, key: Parameters<typeof verify>[2]): boolean {
    const proofAt = safeNumber(request.proofAtUnixMs, 'proof_at');
    if (Math.abs(this.options.clock.now() - proofAt) > PROOF_TOLERANCE_MS) return false;
    const csrSha256 = createHash('sha256').update(request.csr).digest('hex');
    return verify('sha256', Buffer.from(renewalProofText(proofAt, csrSha256)), key, request.proof);
  }

  #issue(csr: Uint8Array, clusterId: string): Promise<AgentCertificate> {
    const { authority, clock, lifetimeMs } = this.options;
    return authority.issue({ csr, clusterId, at: clock.now(), lifetimeMs });
  }

  async #keep(
    issued: AgentCertificate,
    how: IssuedCertificate['how'],
    evidence: Record<string, unknown>,
  ): Promise<void> {
    const { serial, clusterId, notBefore, notAfter, publicKeySha256 } = issued;
    const certificate = { serial, clusterId, notBefore, notAfter, publicKeySha256, how, evidence };
    await this.options.certificates.record(certificate);
  }

  #chain(issued: AgentCertificate): { chain: Uint8Array[]; roots: Uint8Array[]; notAfterUnixMs: bigint } {
    return {
      chain: [...issued.chain],
      roots: [...this.options.authority.roots],
      notAfterUnixMs: BigInt(issued.notAfter),
    };
  }

  /** One place that turns whatever was thrown into a status that the agent can read. */
  #answer<Request, Response>(what: string, answer: (request: Request) => Promise<Response>, name: Named<Request>) {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      answer(call.request).then(
        (response) => callback(null, response),
        (error: unknown) => callback(this.#toStatus(error, what, name(call.request))),
      );
    };
  }

  #toStatus(error: unknown, what: string, named: LogFields): ReturnType<typeof toStatus> {
    const { counters, log } = this.options;
    const refusal = refusalOf(error);
    const { reason: why, text } = refusal;
    counters.refused(why.code);
    // A fleet that returns is told to wait a thousand times in a second: the metric counts that, the log does not.
    if (error instanceof TooMany) return toStatus(refusal);
    const said = error instanceof Refused ? {} : { error };
    log.warn(`${what} refused: ${text}`, { ...named, reason: why.code, params: why.params, ...said });
    return toStatus(refusal);
  }
}

function assertRoom(limit: RateLimit): void {
  const waitMs = limit.waitMs();
  if (waitMs > 0) throw new TooMany(waitMs);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  if (error instanceof TooMany) {
    const retryAfterMs = error.waitMs;
    return { reason: reason('rate_limited', { retryAfterMs }), text: error.message, retryAfterMs };
  }
  if (error instanceof WireProblem) return { reason: error.reason, text: error.message, retryAfterMs: null };
  if (error instanceof BadCertificateRequest) {
    return { reason: reason('message_unknown'), text: error.message, retryAfterMs: null };
  }
  // The store is away: nothing is wrong with the agent, and its token is not spent unless the store says so.
  const retryAfterMs = 5_000;
  return {
    reason: reason('store_unavailable', { retryAfterMs }),
    text: 'the hub cannot use its database',
    retryAfterMs,
  };
}

function tokenText(why: Reason): string {
  switch (why.code) {
    case 'token_used':
      return 'the join token was used before: make a new one for this cluster';
    case 'token_expired':
      return 'the join token has expired: make a new one for this cluster';
    case 'token_unknown':
      return 'the hub does not know this join token';
    case 'cluster_name_taken':
      return 'another cluster has this name already';
    case 'cluster_uid_known':
    case 'cluster_uid_mismatch':
      return 'this cluster is enrolled under another name, or is the clone of one that is';
    default:
      return `enrolment refused: ${why.code}`;
  }
}
