import 'reflect-metadata';
import { X509CertificateGenerator, BasicConstraintsExtension, KeyUsagesExtension, KeyUsageFlags } from '@peculiar/x509';
import { ExtendedKeyUsageExtension, ExtendedKeyUsage, SubjectAlternativeNameExtension } from '@peculiar/x509';
import type { Extension, JsonName, X509Certificate } from '@peculiar/x509';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
type Keys = Awaited<ReturnType<typeof makeKeys>>;

/** A certificate and its key as files, the way every Kubernetes program takes them. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

function makeKeys() {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function pem(key: Parameters<typeof crypto.subtle.exportKey>[1], kind: 'pkcs8' | 'spki'): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey(kind, key)).toString('base64');
  const label = kind === 'pkcs8' ? 'PRIVATE KEY' : 'PUBLIC KEY';
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}

/** One authority for a whole cluster of the test world: EC P-256, a fraction of a second for all of it. */
export class ClusterPki {
  readonly #dir: string;
  readonly #keys: Keys;
  readonly #ca: X509Certificate;
  #serial = 1;

  private constructor(dir: string, keys: Keys, ca: X509Certificate) {
    this.#dir = dir;
    this.#keys = keys;
    this.#ca = ca;
  }

  static async create(dir: string, name: string): Promise<ClusterPki> {
    await mkdir(dir, { recursive: true });
    const keys = await makeKeys();
    const ca = await X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: [{ CN: [`wavegate-test-${name}`] }],
      // An hour back: the machine's clock may be set while a test runs.
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + DAY_MS * 30),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(
          KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature,
          true,
        ),
      ],
    });
    const pki = new ClusterPki(dir, keys, ca);
    await writeFile(pki.caFile, `${ca.toString('pem')}\n`);
    return pki;
  }

  get caFile(): string {
    return join(this.#dir, 'ca.crt');
  }

  /** Good for both ends of a connection on 127.0.0.1. */
  server(name: string): Promise<CertificateFiles> {
    const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
    const alternative = new SubjectAlternativeNameExtension([
      ...names.map((value) => ({ type: 'dns' as const, value })),
      ...['127.0.0.1', '10.96.0.1'].map((value) => ({ type: 'ip' as const, value })),
    ]);
    const usage = new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]);
    return this.#issue(name, [{ CN: [name] }], [usage, alternative]);
  }

  /** Who a client is to the API server: the user is the common name, the groups are the organisations. */
  client(file: string, user: string, groups: readonly string[] = [], days = 30): Promise<CertificateFiles> {
    const subject: JsonName = [{ CN: [user] }, ...groups.map((group) => ({ O: [group] }))];
    return this.#issue(file, subject, [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])], days);
  }

  /** The pair that signs ServiceAccount tokens. */
  async tokenKeys(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
    const keys = await makeKeys();
    const files = { publicKey: join(this.#dir, 'sa.pub'), privateKey: join(this.#dir, 'sa.key') };
    await writeFile(files.publicKey, await pem(keys.publicKey, 'spki'));
    await writeFile(files.privateKey, await pem(keys.privateKey, 'pkcs8'), { mode: 0o600 });
    return files;
  }

  async #issue(file: string, subject: JsonName, extensions: Extension[], days = 30): Promise<CertificateFiles> {
    const keys = await makeKeys();
    this.#serial += 1;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: this.#serial.toString(16).padStart(4, '0'),
      subject,
      issuer: this.#ca.subject,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + DAY_MS * days),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true), ...extensions],
    });
    const files = { cert: join(this.#dir, `${file}.crt`), key: join(this.#dir, `${file}.key`) };
    await writeFile(files.cert, `${certificate.toString('pem')}\n`);
    await writeFile(files.key, await pem(keys.privateKey, 'pkcs8'), { mode: 0o600 });
    return files;
  }
}
