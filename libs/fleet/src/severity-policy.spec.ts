import { describe, expect, it } from '@jest/globals';
import type { Finding } from './finding.js';
import { apisRemovedBetween, isReached, removedApi, REMOVED_APIS } from './removed-apis.js';
import { gateRemovedIn } from './removed-feature-gates.js';
import { applySeverities, rulesApplied } from './severity-policy.js';
import { supportOf } from './support-dates.js';
import { plan, problems, written, type Tree } from './testing/written-plan.js';

const AT_TEXT = '2026-11-21T12:00:00Z';
const AT = Date.parse(AT_TEXT);
const finding: Finding = {
  ...{ code: 'pdb_never_allows', severity: 'block', object: 'payments/ledger' },
  ...{ message: 'no eviction can ever pass', remedy: 'run one more replica', owner: 'team-ledger' },
};
const rule = (of: Tree = {}) => ({
  ...{ code: 'pdb_never_allows', set: 'waive', reason: 'CHG-7', until: '2027-01-01T00:00:00Z', by: 'ana', ...of },
});
const rules = (...list: Tree[]) => plan({ preflight: { severities: list } }).spec.preflight.severities;
const apply = (list: Tree[], labels: Readonly<Record<string, string>> | null = {}) =>
  applySeverities([finding], rules(...list), { labels, at: AT });
const codes = (...list: Tree[]) => problems(written({ preflight: { severities: list } })).map(({ code }) => code);

describe('a plan that changes severities', () => {
  it('a waiver → the finding stays, as information that says who, why and until when', () => {
    const [one] = apply([rule()]);
    expect(one?.severity).toBe('info');
    expect(one?.message).toContain('waived by ana until 2027-01-01T00:00:00Z: CHG-7');
  });

  it('a waiver whose end has come → the finding blocks again and says why', () => {
    const [one] = apply([rule({ until: '2026-11-21T12:00:00Z' })]);
    expect(one?.severity).toBe('block');
    expect(one?.message).toContain('ended 2026-11-21T12:00:00Z');
  });

  it('a selector → only the clusters it names; the last rule that fits counts', () => {
    const list = [rule({ selector: 'env=dev' }), rule({ selector: 'env=dev, tier=gold', set: 'warn' })];
    expect(apply(list, { env: 'prod' })[0]?.severity).toBe('block');
    expect(apply(list, { env: 'dev' })[0]?.severity).toBe('info');
    expect(apply(list, { env: 'dev', tier: 'gold' })[0]?.severity).toBe('warn');
  });

  it('which rules were used → the last that fits and is not over, with the objects it bears on', () => {
    const other = { ...finding, object: 'shop/web' };
    const list = [
      rule({ selector: 'env=dev' }),
      rule({ code: 'node_cordoned' }),
      rule({ code: 'quota_full', until: AT_TEXT }),
    ];
    const quota = { ...finding, code: 'quota_full', object: 'shop' };
    const used = (labels: Readonly<Record<string, string>> | null) =>
      rulesApplied([other, finding, finding, quota], rules(...list), { labels, at: AT });
    expect(used({ env: 'dev' })).toMatchObject([
      { rule: { code: 'pdb_never_allows', reason: 'CHG-7' }, objects: ['payments/ledger', 'shop/web'] },
    ]);
    expect(used({ env: 'prod' })).toEqual([]);
    expect(used(null)).toEqual([]);
  });

  it('labels that are not known here → nothing is waived by a selector, and that is said', () => {
    const found = apply([rule({ selector: 'env=dev' })], null);
    expect(found.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
      'pdb_never_allows block',
      'severity_rule_not_applied warn',
    ]);
    expect(apply([rule()], null)[0]?.severity).toBe('info');
  });

  it('a code nobody knows, a waiver without an end, an unreadable end → refused with what would be right', () => {
    expect(codes(rule({ code: 'pdb_never_alows' }))).toEqual(['finding_code_unknown']);
    expect(codes(rule({ until: undefined }))).toEqual(['severity_without_end']);
    expect(codes(rule({ until: 'soon' }))).toEqual(['severity_until_invalid']);
    expect(codes(rule({ code: 'single_replica', set: 'block', until: undefined }))).toEqual([]);
    expect(codes(rule({ selector: 'env in (' }))).toEqual(['selector_invalid']);
    expect(problems(written({ preflight: { severities: [rule({ code: 'pdb_never_alows' })] } }))[0]?.detail).toContain(
      'did you mean "pdb_never_allows"?',
    );
  });
});

describe('the dated tables', () => {
  it('support ends with the day that upstream names; a minor newer than the table is unknown, not supported', () => {
    expect(supportOf('1.35.4', Date.parse('2027-02-28T23:59:00Z'))).toMatchObject({ kind: 'supported' });
    expect(supportOf('1.35.4', Date.parse('2027-03-01T00:00:00Z'))).toMatchObject({ kind: 'ended' });
    expect(supportOf('1.34.4', AT)).toEqual({ kind: 'ended', minor: '1.34', until: '2026-10-27' });
    expect(supportOf('1.99.0', AT)).toMatchObject({ kind: 'unknown' });
  });

  it('removed APIs → every row is whole, and the way from 1.31 to 1.32 loses flowcontrol v1beta3', () => {
    for (const api of REMOVED_APIS) {
      expect(api).toMatchObject({
        resource: expect.stringMatching(/^[a-z]+s$/),
        kind: expect.stringMatching(/^[A-Z]/),
      });
      expect(isReached(api.deprecatedIn, `${api.removedIn}.0`)).toBe(true);
    }
    const lost = apisRemovedBetween('1.31.9', '1.32.0').map(
      ({ group, version, resource }) => `${group}/${version} ${resource}`,
    );
    expect(lost).toContain('flowcontrol.apiserver.k8s.io/v1beta3 flowschemas');
    expect(apisRemovedBetween('1.32.0', '1.32.9')).toEqual([]);
    expect(removedApi('policy', 'v1beta1', 'poddisruptionbudgets')?.replacement).toBe('policy/v1');
  });

  it('a feature gate → removed from the minor on that dropped it, not before', () => {
    expect(gateRemovedIn('PodIndexLabel', '1.34.4')).toBeNull();
    expect(gateRemovedIn('PodIndexLabel', '1.35.4')).toBe('1.35');
    expect(gateRemovedIn('ControlPlaneKubeletLocalMode', '1.36.0', 'kubeadm')).toBe('1.36');
    expect(gateRemovedIn('NoSuchGate', '1.36.0')).toBeNull();
  });
});
