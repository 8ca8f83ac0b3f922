import type { CertificateAuthority, ServerIdentity } from './certificate-authority.js';
import { RotatingServerCredentials } from './rotating-server-credentials.js';

const LOOK_EVERY_MS = 3_600_000;

export interface ServerCertificateOptions {
  readonly authority: CertificateAuthority;
  readonly clock: { now(): number };
  /** DNS names and IP addresses by which agents reach this hub. */
  readonly names: readonly string[];
}

/**
 * The certificate of both listeners, renewed at two thirds of its life without a restart: a hub that runs longer than
 * its own certificate would otherwise shut out the whole fleet at once.
 */
export class ServerCertificate {
  readonly #credentials: RotatingServerCredentials[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(
    private readonly options: ServerCertificateOptions,
    private identity: ServerIdentity,
  ) {
    this.#timer = setInterval(() => void this.renewIfDue().catch(() => undefined), LOOK_EVERY_MS).unref();
  }

  static async make(options: ServerCertificateOptions): Promise<ServerCertificate> {
    return new ServerCertificate(options, await options.authority.serverIdentity(options.names, options.clock.now()));
  }

  get notAfter(): number {
    return this.identity.notAfter;
  }

  credentials(clientCertificates: 'required' | 'none'): RotatingServerCredentials {
    const made = new RotatingServerCredentials(this.options.authority, this.identity, clientCertificates);
    this.#credentials.push(made);
    return made;
  }

  /** True when new handshakes get a new certificate from now on. A failure is tried again an hour later. */
  async renewIfDue(): Promise<boolean> {
    const { authority, clock, names } = this.options;
    const { notBefore, notAfter } = this.identity;
    if (clock.now() < notBefore + ((notAfter - notBefore) * 2) / 3) return false;
    this.identity = await authority.serverIdentity(names, clock.now());
    for (const credentials of this.#credentials) credentials.rotate(authority, this.identity);
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
