import { X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The agent's key and certificate, and whom it trusts. All PEM; the key never leaves the agent. */
export interface AgentIdentity {
  readonly clusterId: string;
  readonly keyPem: string;
  /** Leaf first, then the hub's intermediate. */
  readonly chainPem: string;
  readonly rootsPem: string;
}

/** Where an identity is kept: a directory, or a Secret in the agent's namespace. */
export interface IdentityStore {
  /** Null before enrolment. */
  load(): Promise<AgentIdentity | null>;
  /** Replaces the whole identity or nothing: a key without its certificate would lock the agent out. */
  save(identity: AgentIdentity): Promise<void>;
}

/** One file, readable by its owner only, replaced by rename. */
export class FileIdentityStore implements IdentityStore {
  readonly #path: string;

  constructor(private readonly directory: string) {
    this.#path = join(directory, 'identity.json');
  }

  async load(): Promise<AgentIdentity | null> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text === null) return null;
    const found: unknown = JSON.parse(text);
    if (!isIdentity(found)) throw new Error(`${this.#path} holds no agent identity`);
    return found;
  }

  async save(identity: AgentIdentity): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const draft = `${this.#path}.${process.pid}`;
    await rm(draft, { force: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(identity));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path);
  }
}

function isIdentity(value: unknown): value is AgentIdentity {
  const fields = value as Partial<Record<keyof AgentIdentity, unknown>> | null;
  return [fields?.clusterId, fields?.keyPem, fields?.chainPem, fields?.rootsPem].every(
    (field) => typeof field === 'string' && field !== '',
  );
}

/** The leaf's life, epoch ms. */
export function lifeOf(identity: AgentIdentity): { readonly notBefore: number; readonly notAfter: number } {
  const leaf = new X509Certificate(identity.chainPem);
  return { notBefore: Date.parse(leaf.validFrom), notAfter: Date.parse(leaf.validTo) };
}
