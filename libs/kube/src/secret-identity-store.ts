import type { V1Secret } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';
import { isConflict, isGone } from './kube-error.js';

const KEY = 'identity.json';

/** The agent's key and certificate, and whom it trusts, all PEM: the shape that the wire's side of the agent keeps. */
export interface KeptIdentity {
  readonly clusterId: string;
  readonly keyPem: string;
  readonly chainPem: string;
  readonly rootsPem: string;
}

/** Keeps the identity in one Secret of the agent's namespace, so that a pod on another node is the same agent. */
export class SecretIdentityStore {
  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
    private readonly name = 'wavegate-agent-identity',
  ) {}

  /** Null before enrolment. */
  async load(): Promise<KeptIdentity | null> {
    const secret = await this.read();
    const encoded = secret?.data?.[KEY];
    if (!encoded) return null;
    const found: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    if (isIdentity(found)) return found;
    throw new Error(`Secret ${this.namespace}/${this.name} holds no agent identity under ${KEY}`);
  }

  /** Whole or not at all: one key of one Secret. */
  async save(identity: KeptIdentity): Promise<void> {
    const { name, namespace } = this;
    const data = { [KEY]: Buffer.from(JSON.stringify(identity)).toString('base64') };
    const body: V1Secret = { metadata: { name, namespace }, type: 'Opaque', data };
    try {
      await this.kube.core.replaceNamespacedSecret({ name, namespace, body });
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.kube.core.createNamespacedSecret({ namespace, body }).catch((created: unknown) => {
        if (!isConflict(created)) throw created;
        return this.kube.core.replaceNamespacedSecret({ name, namespace, body });
      });
    }
  }

  private async read(): Promise<V1Secret | null> {
    try {
      return await this.kube.core.readNamespacedSecret({ name: this.name, namespace: this.namespace });
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

function isIdentity(value: unknown): value is KeptIdentity {
  const fields = value as Partial<Record<keyof KeptIdentity, unknown>> | null;
  return [fields?.clusterId, fields?.keyPem, fields?.chainPem, fields?.rootsPem].every(
    (field) => typeof field === 'string' && field !== '',
  );
}
