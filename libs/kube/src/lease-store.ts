import { V1MicroTime, type V1Lease } from '@kubernetes/client-node';
import type { KubeAccess } from './kube-access.js';
import { isGone } from './kube-error.js';

/** A Lease as it was read or written. */
export interface SeenLease {
  /** '' when nobody holds it. */
  readonly holder: string;
  /** Changes with every write, whoever wrote. */
  readonly version: string;
  /** As its holder said it; null: it did not. */
  readonly durationMs: number | null;
  readonly object: V1Lease;
}

/** One Lease of the agent's namespace. Each write is a compare-and-swap; one that lost throws a conflict (`isConflict`). */
export class KubeLeaseStore {
  constructor(
    private readonly kube: KubeAccess,
    private readonly namespace: string,
    private readonly name: string,
    private readonly durationMs: number,
  ) {}

  /** Null where there is none. */
  async read(): Promise<SeenLease | null> {
    try {
      const { name, namespace } = this;
      return seenOf(await this.kube.coordination.readNamespacedLease({ name, namespace }));
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  /** `seen`: what is replaced; null makes a new one. `holder` '' lets it go. `at`: epoch ms, for people who read it. */
  async write(seen: SeenLease | null, holder: string, at: number): Promise<SeenLease> {
    const { name, namespace } = this;
    const spec = seen?.object.spec ?? {};
    const moment = new V1MicroTime(at);
    const isSame = seen !== null && seen.holder === holder;
    const body: V1Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      // What others wrote on it stays: helm knows its own objects by such marks.
      metadata: { ...seen?.object.metadata, name, namespace },
      spec: {
        ...spec,
        holderIdentity: holder,
        // Let go: free at once for whoever reads only the times.
        leaseDurationSeconds: holder === '' ? 1 : this.durationMs / 1000,
        ...(isSame ? {} : { acquireTime: moment, leaseTransitions: (spec.leaseTransitions ?? 0) + (holder ? 1 : 0) }),
        renewTime: moment,
      },
    };
    const written = seen
      ? this.kube.coordination.replaceNamespacedLease({ name, namespace, body })
      : this.kube.coordination.createNamespacedLease({ namespace, body });
    return seenOf(await written);
  }
}

function seenOf(object: V1Lease): SeenLease {
  const seconds = object.spec?.leaseDurationSeconds;
  return {
    holder: object.spec?.holderIdentity ?? '',
    version: object.metadata?.resourceVersion ?? '',
    durationMs: seconds === undefined ? null : seconds * 1000,
    object,
  };
}
