import { REMOVED_APIS, type RemovedApi } from '@wavegate/fleet';
import { isReached } from '@wavegate/fleet';
import type { Gap, OldWriter } from './picture.js';
import { METADATA_ONLY, ReadRefused, type RawReader } from './raw-reader.js';

interface Metadata {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly managedFields?: readonly {
      readonly manager?: string;
      readonly apiVersion?: string;
      readonly time?: string;
    }[];
  };
}

/** One of Kubernetes' own versions, and who wrote objects by it. */
interface Watched {
  readonly api: Pick<RemovedApi, 'group' | 'version' | 'resource'>;
  /** A version that stays, by which the same objects are read: reading by the old one would count as a use of it. */
  readonly by: string;
}

/**
 * Who wrote objects by versions that the target does not serve, by managedFields. An object lists each manager with the
 * version it spoke; the metric of the API server names no client at all. `Endpoints` is looked at too, because its
 * deprecation has no end and so stands in no table.
 */
export async function readWriters(
  reader: RawReader,
  of: {
    readonly from: string;
    readonly target: string;
    readonly served: ReadonlySet<string>;
    readonly alsoEndpoints: boolean;
  },
): Promise<{ readonly writers: readonly OldWriter[]; readonly refused: readonly Pick<Gap, 'code' | 'why'>[] }> {
  const watched: Watched[] = REMOVED_APIS.filter(
    ({ removedIn, replacement }) =>
      isReached(removedIn, of.target) && !isReached(removedIn, of.from) && of.served.has(replacement),
  ).map((api) => ({ api, by: api.replacement }));
  if (of.alsoEndpoints) watched.push({ api: { group: '', version: 'v1', resource: 'endpoints' }, by: 'v1' });
  const writers: OldWriter[] = [];
  const refused: Pick<Gap, 'code' | 'why'>[] = [];
  for (const one of watched) {
    try {
      const found = await writersOf(reader, one);
      if (found.objects > 0) writers.push(found);
    } catch (error) {
      if (!(error instanceof ReadRefused) || error.code === 0) throw error;
      // 404: the replacement's group is served, this kind of it is not (a feature gate).
      if (error.code !== 404) refused.push({ code: error.code, why: error.message });
    }
  }
  return { writers, refused };
}

async function writersOf(reader: RawReader, { api, by }: Watched): Promise<OldWriter> {
  const old = api.group === '' ? api.version : `${api.group}/${api.version}`;
  const managers = new Map<string, string>();
  let objects = 0;
  let example = '';
  const path = `${by.includes('/') ? `/apis/${by}` : `/api/${by}`}/${api.resource}`;
  await reader.each<Metadata>(
    path,
    ({ metadata }) => {
      const written = (metadata.managedFields ?? []).filter(({ apiVersion }) => apiVersion === old);
      if (written.length === 0) return;
      objects += 1;
      example ||= metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
      for (const { manager = '', time = '' } of written) {
        if (time >= (managers.get(manager) ?? '')) managers.set(manager, time);
      }
    },
    { accept: METADATA_ONLY },
  );
  // The last writer first.
  const names = [...managers].sort(([, a], [, b]) => (a > b ? -1 : 1)).map(([name]) => name);
  return { group: api.group, version: api.version, resource: api.resource, objects, example, managers: names };
}
