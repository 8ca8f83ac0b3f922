import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  compareVersions,
  minorDistance,
  minorOf,
  oldestVersion,
  newestVersion,
  parseVersion,
  sameMinor,
} from './version.js';

describe('version', () => {
  it.each([
    ['1.34.4', '1.34.4', ''],
    ['v1.33.1-eks-5d4a308', '1.33.1', 'eks'],
    ['1.33.1-gke.1057001', '1.33.1', 'gke'],
    ['v1.31.2+k3s1', '1.31.2', 'k3s'],
    ['v1.30.4+rke2r1', '1.30.4', 'rke2'],
    ['v1.27.8-rancher2-1', '1.27.8', 'rke'],
    ['1.29.2-hotfix.20240222', '1.29.2', 'aks'],
    ['v1.35.0-rc.1', '1.35.0-rc.1', ''],
    ['v1.36.0-alpha.0.123+abcdef0', '1.36.0-alpha.0.123', ''],
    ['v1.27.8+4fab27b', '1.27.8', ''],
    ['1.28.3-1.1', '1.28.3', 'other'],
    [' 1.35.4 ', '1.35.4', ''],
  ])('%s → release %s, vendor "%s"', (raw, text, vendor) => {
    expect(parseVersion(raw)).toMatchObject({ text, vendor, raw });
  });

  it.each(['', '1.35', 'latest', '1.35.x', '1.35.4.1', 'v', '1.35.4-', '99999999.1.1', '1.35.4 beta'])(
    '"%s" is no version → null',
    (text) => {
      expect(parseVersion(text)).toBeNull();
    },
  );

  it('releases sort, prereleases before their release, vendor builds of one patch equal', () => {
    const texts = ['1.35.0', '1.9.9', 'v1.35.0-rc.1', '1.35.0-beta.2', '1.34.10', '1.34.4', '1.35.0-rc.10'];
    expect([...texts].sort(compareVersions)).toEqual([
      '1.9.9',
      '1.34.4',
      '1.34.10',
      '1.35.0-beta.2',
      'v1.35.0-rc.1',
      '1.35.0-rc.10',
      '1.35.0',
    ]);
    expect(compareVersions('1.33.1-gke.2', 'v1.33.1-eks-5d4a308')).toBe(0);
  });

  it('minors are named, compared and counted', () => {
    expect(minorOf('v1.35.4')).toBe('1.35');
    expect(sameMinor('1.35.4', '1.35.0-rc.1')).toBe(true);
    expect(minorDistance('1.33.9', '1.35.0')).toBe(2);
    expect(minorDistance('1.35.0', '1.33.9')).toBe(-2);
    expect(minorDistance('1.99.0', '2.0.0')).toBe(Infinity);
  });

  it('a mixed plane has an oldest and a newest; unreadable texts are left out; of none there is none', () => {
    expect(oldestVersion(['1.35.4', 'v1.34.4', 'broken'])?.text).toBe('1.34.4');
    expect(newestVersion(['1.35.4', 'v1.34.4', 'broken'])?.text).toBe('1.35.4');
    expect(oldestVersion([])).toBeNull();
  });

  it('an unreadable text is refused loudly where a version is required', () => {
    expect(() => compareVersions('1.35.4', 'latest')).toThrow(/"latest" is not a Kubernetes version/);
  });

  it('the normalised text names the version: equal text exactly where nothing separates two versions', () => {
    const version = fc
      .tuple(
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom('', '-rc.1', '-gke.7', '+k3s1'),
      )
      .map(([minor, patch, suffix]) => `1.${minor}.${patch}${suffix}`);
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(compareVersions(a, b) === 0).toBe(parseVersion(a)?.text === parseVersion(b)?.text);
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
      }),
    );
  });
});
