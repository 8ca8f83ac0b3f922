import { describe, expect, it } from '@jest/globals';
import type { DeprecatedRequest, OldWriter } from '../picture.js';
import { CHECKS } from '../registry.js';
import { runChecks } from '../run-checks.js';
import { AT, context, picture } from '../testing/sound-picture.js';

const schema = { group: 'flowcontrol.apiserver.k8s.io', version: 'v1beta3', resource: 'flowschemas' } as const;
const counted = (of: Partial<DeprecatedRequest>): DeprecatedRequest => ({
  ...{ ...schema, subresource: '', removedIn: '1.32', requests: 3 },
  at: [{ server: 'a:6443', since: Date.parse('2026-11-20T08:00:00Z'), requests: 3 }],
  ...of,
});
const found = (deprecated: readonly DeprecatedRequest[], writers: readonly OldWriter[] = []) => {
  const metrics = { since: AT, etcdBytes: 0, shortClientCertificates: 0, deprecated };
  const [check] = CHECKS.filter(({ id }) => id === 'deprecated-apis');
  return check ? runChecks(picture({ metrics, writers }), context(), [check]) : [];
};

describe('deprecated versions that are asked for', () => {
  it('a version that the target does not serve → since when it is counted, and the kubectl convert line', () => {
    expect(found([counted({})])).toMatchObject([
      {
        ...{ code: 'removed_api_requested', severity: 'block' },
        message:
          'flowcontrol.apiserver.k8s.io/v1beta3 flowschemas: 3 requests since the API server started 2026-11-20T08:00Z; not served from 1.32 on',
        remedy:
          'move the client to flowcontrol.apiserver.k8s.io/v1; manifests: kubectl convert -f FILE --output-version flowcontrol.apiserver.k8s.io/v1',
      },
    ]);
  });

  it('two servers count, one of them no request that is left in its counters → each with its own beginning', () => {
    const at = [
      { server: 'a:6443', since: Date.parse('2026-11-20T08:00:00Z'), requests: 3 },
      { server: 'b:6443', since: Date.parse('2026-11-21T09:30:00Z'), requests: 0 },
    ];
    expect(found([counted({ at })])[0]?.message).toContain(
      'flowschemas: 3 requests: 3 at a:6443 since it started 2026-11-20T08:00Z, at b:6443 since it started 2026-11-21T09:30Z; not served',
    );
  });

  it('no replacement is known → no line that would not work; who wrote last is named', () => {
    const unknown = { group: 'example.test', version: 'v1alpha1', resource: 'things' } as const;
    const writer = { ...unknown, objects: 2, example: 'a', managers: ['old-operator'] };
    const [one] = found([counted({ ...unknown, removedIn: '' })], [writer]);
    expect(one).toMatchObject({ code: 'deprecated_api_requested', severity: 'warn' });
    expect(one?.message).toContain('no removal is announced; last writers by managedFields: old-operator');
    expect(one?.remedy).toBe('find the client in the audit log (annotation k8s.io/deprecated) and move it');
  });

  it('objects last written by it → the managers, and the kubectl convert line', () => {
    const writer = { ...schema, objects: 2, example: 'shop', managers: ['gitops'] };
    expect(found([], [writer])).toMatchObject([
      {
        code: 'removed_api_written',
        message: expect.stringContaining('2 objects of flowschemas (such as shop) last written as'),
        remedy: expect.stringContaining('kubectl convert -f FILE --output-version flowcontrol.apiserver.k8s.io/v1'),
      },
    ]);
  });
});
