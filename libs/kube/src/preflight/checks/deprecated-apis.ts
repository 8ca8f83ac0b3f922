import { isReached, isoMinute, removedApi } from '@wavegate/fleet';
import { BEFORE, count, named, type Check, type Found } from '../check.js';
import type { DeprecatedRequest, OldWriter } from '../picture.js';

/** Deprecated versions that are still asked for, or that objects were written by, and who did it as far as that is told. */
export const deprecatedApis: Check = {
  id: 'deprecated-apis',
  phases: BEFORE,
  needs: ['metrics'],
  codes: [
    {
      code: 'removed_api_requested',
      title: 'Somebody uses an API version that the target no longer serves',
      meaning:
        "The API server counts requests for versions that it will stop serving (`apiserver_requested_deprecated_apis`). The counter names no client and begins at the API server's start. Every API server that can be reached is asked, and the message says since when each counts; one that was not reached is named by `not_checked`. After the upgrade these requests get 404.",
      remedy:
        'Find the client (the writers named here come from managedFields; the audit log has the annotation `k8s.io/deprecated`) and move it to the replacement.',
    },
    {
      code: 'deprecated_api_requested',
      title: 'Somebody uses a deprecated API version that the target still serves',
      meaning: 'As above, but the version outlives this upgrade.',
      remedy: 'Move the client before the minor that ends it.',
    },
    {
      code: 'removed_api_written',
      title: 'Objects were last written by an API version that ends',
      meaning:
        'managedFields of stored objects name a manager that speaks a version which the target no longer serves. The objects themselves survive: they are stored and served by other versions. Whoever applies them again by the old version will fail.',
      remedy:
        'Convert the manifests where they are kept (`kubectl convert`), and move the named managers to the replacement.',
    },
  ],
  run({ metrics, writers }, { target }) {
    const requested = metrics.deprecated.map((one) => asked(one, { target, writers }));
    return [...requested, ...writers.flatMap((writer) => written(writer, target))];
  },
};

interface Asked {
  readonly target: string;
  readonly writers: readonly OldWriter[];
}

function asked(one: DeprecatedRequest, { target, writers }: Asked): Found {
  const { group, version, resource, subresource, removedIn } = one;
  const known = removedApi(group, version, resource);
  const ends = removedIn || (known ? known.removedIn : '');
  const name = `${group === '' ? version : `${group}/${version}`} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
  const message = `${name}: ${timesOf(one)}; ${endOf(ends, target)}${writtenBy(one, writers)}`;
  const code = ends !== '' && isReached(ends, target) ? 'removed_api_requested' : 'deprecated_api_requested';
  return { code, object: name, message, remedy: moveTo(known ? known.replacement : '') };
}

/** The counters begin anew with each server: a number without its beginning says nothing. */
function timesOf({ requests, at }: DeprecatedRequest): string {
  const [only, ...more] = at;
  const times = requests > 0 ? count(requests, 'request') : 'requested';
  if (more.length === 0) return `${times} since the API server started ${isoMinute(only?.since ?? 0)}`;
  const each = at.map(({ server, since, requests: own }) => {
    return `${own > 0 ? `${own} ` : ''}at ${server} since it started ${isoMinute(since)}`;
  });
  return `${times}: ${named(each, 5)}`;
}

function endOf(ends: string, target: string): string {
  if (ends === '') return 'no removal is announced';
  return isReached(ends, target) ? `not served from ${ends} on` : `served until ${ends}`;
}

function writtenBy(one: DeprecatedRequest, writers: readonly OldWriter[]): string {
  const same = ({ group, version, resource }: OldWriter): boolean =>
    group === one.group && version === one.version && resource === one.resource;
  const writer = writers.find(same);
  return writer ? `; last writers by managedFields: ${named(writer.managers, 3)}` : '';
}

function moveTo(replacement: string): string {
  if (replacement === '') return 'find the client in the audit log (annotation k8s.io/deprecated) and move it';
  return `move the client to ${replacement}; manifests: kubectl convert -f FILE --output-version ${replacement}`;
}

function written({ group, version, resource, objects, example, managers }: OldWriter, target: string): Found[] {
  const api = removedApi(group, version, resource);
  if (!api || !isReached(api.removedIn, target)) return [];
  const message = `${count(objects, 'object')} of ${resource} (such as ${example}) last written as ${group}/${version}, which ${api.removedIn} ends, by ${named(managers, 3)}`;
  const remedy = `move them to ${api.replacement}; manifests: kubectl convert -f FILE --output-version ${api.replacement}`;
  return [{ code: 'removed_api_written', object: `${group}/${version} ${resource}`, message, remedy }];
}
