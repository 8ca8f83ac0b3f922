import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canHop, checkSkew, type SkewFacts } from './skew.js';
import type { NodeFacts } from './cluster.js';

const rules = (facts: SkewFacts) => checkSkew(facts).map(({ rule }) => rule);
const nodes = (...kubelets: string[]): NodeFacts[] =>
  kubelets.map((kubelet, at) => ({
    name: `w-${at + 1}`,
    role: 'worker',
    kubelet,
    ready: true,
    schedulable: true,
    zone: 'a',
  }));

describe('version skew', () => {
  it.each<[string, SkewFacts, string[]]>([
    ['all equal', { apiServers: ['1.35.4'], kubelets: ['1.35.4'] }, []],
    ['kubelet three minors older', { apiServers: ['1.35.4'], kubelets: ['1.32.0'] }, []],
    ['kubelet four minors older', { apiServers: ['1.35.4'], kubelets: ['1.31.9'] }, ['tooOld']],
    ['kubelet before 1.25 may lag two', { apiServers: ['1.26.0'], kubelets: ['1.24.0'] }, []],
    ['kubelet before 1.25 may not lag three', { apiServers: ['1.27.0'], kubelets: ['1.24.0'] }, ['tooOld']],
    ['kubelet a minor newer', { apiServers: ['1.34.4'], kubelets: ['1.35.0'] }, ['newerThanApiServer']],
    ['kubelet a patch newer', { apiServers: ['1.34.4'], kubelets: ['1.34.9'] }, []],
    [
      'mixed plane: as new as the newest only',
      { apiServers: ['1.35.4', '1.34.4'], kubelets: ['1.35.4'] },
      ['newerThanApiServer'],
    ],
    ['mixed plane: old for the newest', { apiServers: ['1.35.4', '1.34.4'], kubelets: ['1.31.0'] }, ['tooOld']],
    ['plane two minors apart', { apiServers: ['1.35.4', '1.33.4'], kubelets: ['1.33.4'] }, ['apiServersApart']],
    ['proxy newer', { apiServers: ['1.34.4'], kubelets: [], kubeProxies: ['1.35.0'] }, ['newerThanApiServer']],
    ['controller manager one older', { apiServers: ['1.35.4'], kubelets: [], controllerManagers: ['1.34.0'] }, []],
    [
      'controller manager two older',
      { apiServers: ['1.35.4'], kubelets: [], controllerManagers: ['1.33.0'] },
      ['tooOld'],
    ],
    ['scheduler newer', { apiServers: ['1.35.4'], kubelets: [], schedulers: ['1.36.0'] }, ['newerThanApiServer']],
    ['a version nobody can read', { apiServers: ['1.35.4'], kubelets: ['?'] }, ['unreadable']],
  ])('%s', (_, facts, expected) => {
    expect(rules(facts)).toEqual(expected);
  });

  it('a violation names the component, its version and the limit', () => {
    const kubelets = [{ name: 'w-3', version: 'v1.31.2+k3s1' }];
    expect(checkSkew({ apiServers: ['v1.35.4'], kubelets })).toEqual([
      { rule: 'tooOld', component: 'kubelet/w-3', version: '1.31.2', limit: 'at most 3 minors older than 1.35.4' },
    ]);
  });

  it('no kubelet newer than any API server is ever let through', () => {
    const minor = fc.integer({ min: 25, max: 32 });
    fc.assert(
      fc.property(
        fc.array(minor, { minLength: 1, maxLength: 3 }),
        fc.array(minor, { maxLength: 5 }),
        (servers, kubelets) => {
          const found = checkSkew({
            apiServers: servers.map((m) => `1.${m}.0`),
            kubelets: kubelets.map((m) => `1.${m}.0`),
          });
          const broken =
            Math.max(...servers) - Math.min(...servers) > 1 ||
            kubelets.some((m) => m > Math.min(...servers) || m < Math.max(...servers) - 3);
          expect(found.length > 0).toBe(broken);
        },
      ),
    );
  });
});

describe('may this cluster take this hop', () => {
  const hop = { index: 1, of: 1, from: '1.34.4', to: '1.35.4' };

  it.each<[string, string[], string[]]>([
    ['everything at the start', ['1.34.4'], ['1.34.4']],
    ['kubelets at the edge of what the target allows', ['1.34.4'], ['1.32.0']],
    ['a plane half-way through', ['1.35.4', '1.34.4'], ['1.34.4']],
    ['a plane that is through, workers are not', ['1.35.4'], ['1.34.4']],
    ['a kubelet that the hop itself mends', ['1.34.4'], ['1.35.0']],
  ])('%s → yes', (_, apiServers, kubelets) => {
    expect(canHop({ apiServers, nodes: nodes(...kubelets) }, hop)).toBeNull();
  });

  it.each<[string, string[], string[], string]>([
    ['a node parked three minors back', ['1.34.4'], ['1.34.4', '1.31.9'], 'kubelet/w-2'],
    ['a kubelet newer than the target', ['1.34.4'], ['1.36.0'], 'kubelet/w-1'],
    ['a plane two minors below', ['1.33.4'], ['1.33.4'], 'apiserver'],
    ['a plane that is newer', ['1.36.0'], ['1.34.4'], 'apiserver'],
    ['no API server seen', [], ['1.34.4'], 'apiserver'],
  ])('%s → no, and it is named', (_, apiServers, kubelets, component) => {
    const refusal = canHop({ apiServers, nodes: nodes(...kubelets) }, hop);
    expect(refusal).toMatchObject({ code: 'skew_violation', params: { component } });
  });
});
