import { BackupFailed } from '../backup-failed.js';
import type { ApiStream } from './api-stream.js';
import type { ApiKind } from './kinds.js';

interface GroupDiscovery {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly freshness?: string;
    readonly resources?: readonly {
      readonly resource: string;
      readonly responseKind?: { readonly kind: string };
      readonly scope: string;
      readonly verbs: readonly string[];
    }[];
  }[];
}

/** Aggregated discovery, two requests for all groups: stable since 1.30, and beta (the same shape) since 1.27. */
const ACCEPT = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

/** Every kind that can be listed, in the version its group prefers. `skipped`: names of groups that nobody misses. */
export async function discoverKinds(api: ApiStream, skipped: (kind: ApiKind) => boolean): Promise<readonly ApiKind[]> {
  const kinds: ApiKind[] = [];
  for (const root of ['/api', '/apis']) {
    const { kind, items } = await api.json<{ kind: string; items: readonly GroupDiscovery[] }>(root, ACCEPT);
    if (kind !== 'APIGroupDiscoveryList') throw new BackupFailed('invalid', 'this API server is older than 1.27');
    for (const group of items) kinds.push(...kindsOf(group, skipped));
  }
  return kinds;
}

function kindsOf({ metadata, versions }: GroupDiscovery, skipped: (kind: ApiKind) => boolean): readonly ApiKind[] {
  const group = metadata.name ?? '';
  const seen = new Set<string>();
  return versions.flatMap(({ version, freshness, resources = [] }) => {
    const found = resources.flatMap(({ resource, responseKind, scope, verbs }): ApiKind[] => {
      // A newer version may not have all kinds of an older one: the first that has it is the preferred one.
      if (!verbs.includes('list') || seen.has(resource)) return [];
      seen.add(resource);
      return [{ group, version, resource, kind: responseKind?.kind ?? '', namespaced: scope === 'Namespaced' }];
    });
    const wanted = found.filter((kind) => !skipped(kind));
    const stale = freshness === 'Stale' && !skipped({ group, version, resource: '*', kind: '', namespaced: false });
    if (!stale) return wanted;
    const cure = `mend its APIService, or leave it out by --skip '*.${group}'`;
    throw new BackupFailed('incomplete', `the API group ${group}/${version} does not answer: ${cure}`);
  });
}
