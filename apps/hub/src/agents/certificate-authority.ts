import { createHash, createPrivateKey, createPublicKey, X509Certificate, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { CLOCK_SKEW_MS, keyPem, openAuthorityFiles, randomSerial, type AuthorityFiles } from './authority-files.js';
import { clusterOf, clusterUri, normalSerial, serialOf } from './cluster-identity.js';
import type { IssuedCertificate } from './ports.js';
import { P256, x509, type CryptoKey } from './x509.js';

const DAY_MS = 24 * 3_600_000;
export const AGENT_LIFETIME_MS = DAY_MS;
export const SERVER_LIFETIME_MS = 90 * DAY_MS;

/** A certificate request that is not one, is not signed by its own key, or is for another kind of key than P-256. */
export class BadCertificateRequest extends Error {
  override readonly name = 'BadCertificateRequest';
}

export interface IssueRequest {
  readonly csr: Uint8Array;
  readonly clusterId: string;
  readonly at: number;
  readonly lifetimeMs: number;
}

export interface AgentCertificate extends Omit<IssuedCertificate, 'how' | 'evidence'> {
  /** Leaf first, then the intermediate, DER. */
  readonly chain: readonly Uint8Array[];
}

export interface ServerIdentity {
  readonly keyPem: string;
  /** Leaf, intermediate and root: an agent that knows only the root's hash finds the root here. */
  readonly chainPem: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A certificate of ours, whatever its age. */
export interface OwnCertificate {
  readonly clusterId: string;
  readonly serial: string;
  readonly notAfter: number;
  readonly certificate: X509Certificate;
}

/** The hub's CA: an online intermediate under a root that can be kept off the machine. */
export class CertificateAuthority {
  private constructor(
    private readonly files: AuthorityFiles,
    private readonly signer: CryptoKey,
    private readonly intermediate: x509.X509Certificate,
  ) {}

  static async open(directory: string, at: number): Promise<CertificateAuthority> {
    const files = await openAuthorityFiles(directory, at);
    const der = createPrivateKey(files.intermediateKeyPem).export({ type: 'pkcs8', format: 'der' });
    const signer = await crypto.subtle.importKey('pkcs8', new Uint8Array(der), P256, false, ['sign']);
    return new CertificateAuthority(files, signer, new x509.X509Certificate(files.intermediatePem));
  }

  get rootPem(): string {
    return this.files.rootPem;
  }

  /** The pin that goes into the install command: SHA-256 of the root, hex. */
  get caSha256(): string {
    return createHash('sha256')
      .update(this.roots[0] ?? '')
      .digest('hex');
  }

  get roots(): readonly Uint8Array[] {
    return [new X509Certificate(this.files.rootPem).raw];
  }

  /**
   * A client certificate for the request's key. The request's subject and extensions are ignored: who the key belongs
   * to is the token's word, not the agent's. Throws BadCertificateRequest.
   */
  async issue(request: IssueRequest): Promise<AgentCertificate> {
    const publicKey = await requestedKey(request.csr);
    const notBefore = request.at - CLOCK_SKEW_MS;
    const notAfter = request.at + request.lifetimeMs;
    const leaf = await this.#sign({
      commonName: 'wavegate agent',
      publicKey,
      notBefore,
      notAfter,
      names: [{ type: 'url', value: clusterUri(request.clusterId) }],
      usage: x509.ExtendedKeyUsage.clientAuth,
    });
    return {
      serial: normalSerial(leaf.serialNumber),
      clusterId: request.clusterId,
      notBefore,
      // X.509 counts seconds: the row must not say a later end than the certificate.
      notAfter: leaf.notAfter.getTime(),
      publicKeySha256: createHash('sha256').update(new Uint8Array(leaf.publicKey.rawData)).digest('hex'),
      chain: [new Uint8Array(leaf.rawData), new Uint8Array(this.intermediate.rawData)],
    };
  }

  /** A certificate for the hub's own listeners; `names` are DNS names and IP addresses that agents dial. */
  async serverIdentity(names: readonly string[], at: number, lifetimeMs = SERVER_LIFETIME_MS): Promise<ServerIdentity> {
    const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const leaf = await this.#sign({
      commonName: 'wavegate hub',
      publicKey: keys.publicKey,
      notBefore: at - CLOCK_SKEW_MS,
      notAfter: at + lifetimeMs,
      names: names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
      usage: x509.ExtendedKeyUsage.serverAuth,
    });
    return {
      keyPem: await keyPem(keys.privateKey),
      chainPem: [leaf.toString('pem'), this.files.intermediatePem, this.files.rootPem].join('\n'),
      notBefore: at,
      notAfter: leaf.notAfter.getTime(),
    };
  }

  /** Null unless this CA signed it for an agent. Expiry is the caller's question: a renewal may come late. */
  recognise(der: Uint8Array): OwnCertificate | null {
    try {
      const certificate = new X509Certificate(der);
      const issuer = new X509Certificate(this.files.intermediatePem);
      if (!certificate.checkIssued(issuer) || !certificate.verify(createPublicKey(this.files.intermediatePem)))
        return null;
      const clusterId = clusterOf(certificate);
      if (clusterId === null) return null;
      return { clusterId, serial: serialOf(certificate), notAfter: Date.parse(certificate.validTo), certificate };
    } catch {
      return null;
    }
  }

  async #sign(leaf: {
    readonly commonName: string;
    readonly publicKey: CryptoKey;
    readonly notBefore: number;
    readonly notAfter: number;
    readonly names: x509.JsonGeneralNames;
    readonly usage: x509.ExtendedKeyUsage;
  }): Promise<x509.X509Certificate> {
    return x509.X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: [{ CN: [leaf.commonName] }],
      issuer: this.intermediate.subjectName,
      notBefore: new Date(leaf.notBefore),
      notAfter: new Date(leaf.notAfter),
      publicKey: leaf.publicKey,
      signingKey: this.signer,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([leaf.usage], true),
        new x509.SubjectAlternativeNameExtension(leaf.names),
        await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(await this.intermediate.publicKey.export()),
      ],
    });
  }
}

/** The SHA-256 of the key that asks. Throws BadCertificateRequest; signs nothing. */
export async function assertCertificateRequest(csr: Uint8Array): Promise<{ readonly publicKeySha256: string }> {
  await requestedKey(csr);
  const { publicKey } = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
  return { publicKeySha256: createHash('sha256').update(new Uint8Array(publicKey.rawData)).digest('hex') };
}

async function requestedKey(csr: Uint8Array): Promise<CryptoKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
    const key = await request.publicKey.export();
    const { name, namedCurve } = key.algorithm as webcrypto.EcKeyAlgorithm;
    if (name !== 'ECDSA' || namedCurve !== 'P-256') throw new BadCertificateRequest('the key is not ECDSA P-256');
    if (!(await request.verify())) throw new BadCertificateRequest('the request is not signed by its own key');
    return key;
  } catch (error) {
    if (error instanceof BadCertificateRequest) throw error;
    throw new BadCertificateRequest('the certificate request cannot be read');
  }
}
