import { describe, expect, it } from '@jest/globals';
import { Problem } from '../rest/problem.js';
import { Scope } from './scope.js';

const cluster = (name: string, env: string) => ({ name, labels: { env } });

describe('a token’s scope', () => {
  it('no text → covers everything, and is no limit', () => {
    expect([Scope.read('')?.isLimited, Scope.all.covers({}), Scope.all.covers({ env: 'prod' })]).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('a selector → covers what it matches; a cluster without the label is outside', () => {
    const scope = Scope.read('env in (dev,stg),team=payments');
    expect(scope?.isLimited).toBe(true);
    expect(scope?.covers({ env: 'dev', team: 'payments' })).toBe(true);
    expect([
      scope?.covers({ env: 'dev' }),
      scope?.covers({}),
      scope?.covers({ env: 'prod', team: 'payments' }),
    ]).toEqual([false, false, false]);
  });

  it('a text that is no selector → null, never everything', () => {
    expect([Scope.read('env in ('), Scope.read('=='), Scope.read('env=dev=stg')]).toEqual([null, null, null]);
  });

  it('one of many outside → 403 that names the scope and the first of them', () => {
    const scope = Scope.read('env=dev');
    const clusters = [cluster('a', 'dev'), cluster('b', 'prod'), cluster('c', 'prod')];
    let thrown: unknown;
    try {
      scope?.assertCovers(clusters, 'pausing');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Problem);
    expect((thrown as Problem).getStatus()).toBe(403);
    expect((thrown as Problem).more.detail).toBe(
      'The token\'s scope is "env=dev"; outside it: b and 1 more. Use a token whose scope covers them.',
    );
    expect(() => scope?.assertCovers(clusters.slice(0, 1), 'pausing')).not.toThrow();
  });
});
