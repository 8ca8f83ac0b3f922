import { gunzipSync } from 'node:zlib';
import type { StepMessage } from './step-message.js';

/** What a host told of itself beside what is the matter with it (deploy/images/node/step/facts.sh). */
export interface HostFacts {
  readonly node: string;
  /** Null: not told. */
  readonly cgroup: 'v1' | 'v2' | null;
  /** Certificates as the components of the host serve them; null: no program there could look. */
  readonly served: readonly ServedCertificate[] | null;
  /** /var/lib/kubelet/config.yaml; null where it was not told. */
  readonly kubeletConfig: string | null;
  /** It is there and was too large for the message of a Job. */
  readonly kubeletConfigTooLarge: boolean;
}

export interface ServedCertificate {
  /** "kubelet", "etcd", "kube-scheduler" … */
  readonly of: string;
  /** host:port on the node itself. */
  readonly at: string;
  /** Epoch ms. */
  readonly until: number;
}

/** A real one has two or three KiB. */
const CONFIG_LIMIT = 64 * 1024;

/** What the message of an `inspect` Job says; an older image tells less. */
export function toHostFacts(node: string, { cgroup, served, kubeletConfig }: StepMessage): HostFacts {
  return {
    node,
    cgroup: typeof cgroup !== 'string' || cgroup === '' ? null : cgroup === 'cgroup2fs' ? 'v2' : 'v1',
    served: served === null ? null : Array.isArray(served) ? served.flatMap(toServed) : [],
    kubeletConfig: typeof kubeletConfig === 'string' ? unpacked(kubeletConfig) : null,
    kubeletConfigTooLarge: kubeletConfig === null,
  };
}

function toServed(one: unknown): ServedCertificate[] {
  const { of, at, until } = (one ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof of !== 'string' || typeof at !== 'string' || typeof until !== 'string') return [];
  const ends = Date.parse(until);
  return Number.isNaN(ends) ? [] : [{ of, at, until: ends }];
}

function unpacked(packed: string): string | null {
  try {
    return gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: CONFIG_LIMIT }).toString();
  } catch {
    // Cut off, or none of ours: not told.
    return null;
  }
}
