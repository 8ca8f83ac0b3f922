import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { P256, x509, type CryptoKey } from './x509.js';

const DAY_MS = 24 * 3_600_000;
const ROOT_LIFETIME_MS = 3_650 * DAY_MS;
const INTERMEDIATE_LIFETIME_MS = 1_825 * DAY_MS;
/** Clocks differ: a certificate made now must be good for a peer that is a little behind. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export interface AuthorityFiles {
  readonly rootPem: string;
  readonly intermediatePem: string;
  readonly intermediateKeyPem: string;
}

/**
 * Reads the hub's CA, making it at first start. `root.key` signs nothing after that: it may be moved off the machine,
 * and is never read here.
 *
 * Several replicas may start at once on one shared directory: each writes a complete folder beside it and renames it
 * into place; the rename onto a folder with files in it fails, and whoever lost reads the winner's.
 */
export async function openAuthorityFiles(directory: string, at: number): Promise<AuthorityFiles> {
  const found = await read(directory);
  if (found) return found;
  await mkdir(dirname(directory), { recursive: true });
  const draft = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`));
  try {
    await write(draft, await make(at));
    await rename(draft, directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  const made = await read(directory);
  if (!made) throw new Error(`${directory} holds files, but no certificate authority (root.crt is missing)`);
  return made;
}

async function read(directory: string): Promise<AuthorityFiles | null> {
  const file = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  const rootPem = await file('root.crt').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (rootPem === null) return null;
  return {
    rootPem,
    intermediatePem: await file('intermediate.crt'),
    intermediateKeyPem: await file('intermediate.key'),
  };
}

async function write(directory: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const handle = await open(join(directory, name), 'wx', 0o600);
    await handle.writeFile(text);
    // A power cut must not leave a root that agents have pinned without its intermediate key.
    await handle.sync();
    await handle.close();
  }
}

async function make(at: number): Promise<Record<string, string>> {
  const root = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const intermediate = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const notBefore = new Date(at - CLOCK_SKEW_MS);
  const rootCertificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ CN: [`Wavegate hub root ${randomBytes(4).toString('hex')}`] }],
    notBefore,
    notAfter: new Date(at + ROOT_LIFETIME_MS),
    keys: root,
    signingAlgorithm: P256,
    extensions: await authorityExtensions(root.publicKey, root.publicKey, 1),
  });
  const intermediateCertificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [{ CN: [`Wavegate hub intermediate ${randomBytes(4).toString('hex')}`] }],
    issuer: rootCertificate.subjectName,
    notBefore,
    notAfter: new Date(at + INTERMEDIATE_LIFETIME_MS),
    publicKey: intermediate.publicKey,
    signingKey: root.privateKey,
    signingAlgorithm: P256,
    extensions: await authorityExtensions(intermediate.publicKey, root.publicKey, 0),
  });
  return {
    'root.key': await keyPem(root.privateKey),
    'intermediate.key': await keyPem(intermediate.privateKey),
    'intermediate.crt': intermediateCertificate.toString('pem'),
    'root.crt': rootCertificate.toString('pem'),
  };
}

async function authorityExtensions(own: CryptoKey, issuer: CryptoKey, pathLength: number): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, pathLength, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(own),
    await x509.AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

/** 127 random bits, positive and without a leading zero byte, so that every printer shows the same digits. */
export function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export async function keyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
