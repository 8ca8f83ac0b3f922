import { describe, expect, it } from '@jest/globals';
import type { Cluster } from './cluster.js';
import { checkPlanAgainstFleet, selectedClusters } from './plan-problems.js';
import { plan } from './testing/written-plan.js';

describe('a plan against the fleet', () => {
  const cluster = (
    name: string,
    version: string | null,
    labels = {},
    driver: 'kubeadm' | 'none' = 'kubeadm',
  ): Cluster => ({
    id: `id-${name}`,
    name,
    labels,
    connected: true,
    facts:
      version === null
        ? null
        : { schema: 1, uid: name, driver, apiServers: [version], nodes: [], pdbCount: 0, provider: '', observedAt: 0 },
  });

  it('a fleet that fits → no problem; unknown and driverless clusters are passed over', () => {
    const fleet = [
      cluster('a', '1.34.4'),
      cluster('b', '1.35.4'),
      cluster('c', null),
      cluster('d', '1.29.0', {}, 'none'),
    ];
    expect(checkPlanAgainstFleet(plan(), fleet)).toEqual([]);
  });

  it('nobody is selected → refused', () => {
    expect(checkPlanAgainstFleet(plan({ clusters: { selector: 'env=prod' } }), [cluster('a', '1.34.4')])).toEqual([
      {
        pointer: '/spec/clusters/selector',
        code: 'empty_selection',
        detail:
          'spec.clusters.selector is "env=prod" and matches none of 1 clusters; write a selector that matches at least one',
      },
    ]);
  });

  it('a cluster is newer than the target → refused, and it is named', () => {
    expect(checkPlanAgainstFleet(plan(), [cluster('a', '1.36.0'), cluster('b', '1.34.4')])).toEqual([
      {
        pointer: '/spec/target/kubernetes',
        code: 'downgrade',
        detail: 'spec.target.kubernetes is 1.35.4, older than a (1.36.0); write a newer target, or exclude them',
      },
    ]);
  });

  it('minors skipped without via → refused once per minor, with five names and the count of the rest', () => {
    const fleet = Array.from({ length: 7 }, (_, n) => cluster(`c-${n}`, '1.33.1'));
    const found = checkPlanAgainstFleet(plan({ target: { kubernetes: '1.35.4' } }), [
      ...fleet,
      cluster('old', '1.32.0'),
    ]);
    expect(found.map(({ code }) => code)).toEqual(['via_missing', 'via_missing']);
    expect(found[0]).toMatchObject({
      pointer: '/spec/target/via',
      detail: expect.stringMatching(/patch of 1\.34, which 7 clusters: c-0 .*, c-4 \(1\.33\.1\) and 2 more must stop/),
      example: { '1.34': '1.34.4' },
    });
    expect(found[1]?.detail).toMatch(/patch of 1\.33, which old \(1\.32\.0\) must stop/);
  });

  it('an excluded name that nobody has → refused: the cluster that was meant would be upgraded', () => {
    const found = checkPlanAgainstFleet(plan({ clusters: { exclude: ['legacy-biling'] } }), [
      cluster('legacy-billing', '1.34.4'),
      cluster('a', '1.34.4'),
    ]);
    expect(found).toMatchObject([
      { code: 'exclude_unknown', detail: expect.stringMatching(/did you mean "legacy-billing"\?/) },
    ]);
  });

  it('who is selected comes by name, without the excluded', () => {
    const fleet = [
      cluster('c', null, { env: 'dev' }),
      cluster('a', null, { env: 'dev' }),
      cluster('b', null, { env: 'dev' }),
      cluster('d', null),
    ];
    const chosen = selectedClusters(plan({ clusters: { selector: 'env=dev', exclude: ['b'] } }), fleet);
    expect(chosen.map(({ name }) => name)).toEqual(['a', 'c']);
  });
});
