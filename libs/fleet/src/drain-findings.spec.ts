import { describe, expect, it } from '@jest/globals';
import { byOwner, concernsDrain, DRAIN_CODES, type FleetFinding } from './drain-findings.js';
import { isFindingCode } from './finding-codes.js';

const finding = (owner: string, severity: FleetFinding['severity'], cluster: string, object = 'a/b'): FleetFinding => ({
  ...{ code: 'pdb_never_allows', severity, object, message: 'm', remedy: 'r', owner, cluster },
});

describe('the findings of a fleet by owner', () => {
  it('whoever blocks most comes first, those without an owner last; worst first within', () => {
    const groups = byOwner([
      finding('', 'block', 'c-1'),
      finding('', 'block', 'c-2'),
      finding('', 'block', 'c-3'),
      finding('ledger', 'warn', 'c-2'),
      finding('ledger', 'block', 'c-2', 'z/z'),
      finding('ledger', 'block', 'c-1'),
      finding('shop', 'block', 'c-1'),
    ]);
    expect(groups.map(({ owner, block, warn }) => [owner, block, warn])).toEqual([
      ['ledger', 2, 1],
      ['shop', 1, 0],
      ['', 3, 0],
    ]);
    expect(groups[0]?.clusters).toEqual(['c-1', 'c-2']);
    expect(groups[0]?.findings.map(({ cluster, severity }) => `${cluster} ${severity}`)).toEqual([
      'c-1 block',
      'c-2 block',
      'c-2 warn',
    ]);
  });

  it('codes that concern drains are known ones; a newer code, and a certificate, are none', () => {
    expect([...DRAIN_CODES].every(isFindingCode)).toBe(true);
    expect(concernsDrain({ code: 'pod_with_local_data' })).toBe(true);
    expect(concernsDrain({ code: 'certificate_expired' })).toBe(false);
    expect(concernsDrain({ code: 'moon_full' })).toBe(false);
  });
});
