import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  promLiteral,
  promSelectors,
  promString,
  promText,
  promTokens,
  withPromLabels,
  withPromPeriod,
} from './promql.js';

const selectors = (query: string): string[] => {
  const tokens = promTokens(query);
  return promSelectors(tokens).map(({ from, to }) => promText(tokens.slice(from, to + 1)));
};

describe('reading PromQL', () => {
  it('any text at all → in pieces that are the text again', () => {
    fc.assert(fc.property(fc.string(), (text) => promText(promTokens(text)) === text));
  });

  it.each([
    ['up', ['up']],
    ['sum by (job, code) (rate(x{a="}"}[5m])) / on(job) group_left y', ['x{a="}"}', 'y']],
    ['sum(increase(a_total[$period])) without (pod) or vector(0)', ['a_total']],
    [
      'count({__name__=~"a|b", job="up"} == 0) unless on (node) (kube_node{x=\'{\'} == 1)',
      ['{__name__=~"a|b", job="up"}', "kube_node{x='{'}"],
    ],
    ['a:b:rate5m offset 1h # up{x="y"}', ['a:b:rate5m']],
  ])('%s → its selectors, and nothing that only looks like one', (query, expected) => {
    expect(selectors(query)).toEqual(expected);
  });

  it('a cluster label → in every selector, with braces or without', () => {
    expect(withPromLabels('sum(increase(a[1m])) / sum(increase(b{c="d"}[1m])) + {e="f"}', { cluster: 'x"y' })).toBe(
      'sum(increase(a{cluster="x\\"y"}[1m])) / sum(increase(b{cluster="x\\"y",c="d"}[1m])) + {cluster="x\\"y",e="f"}',
    );
    expect(() => withPromLabels('a', { 'b"': 'c' })).toThrow('not the name of a label');
  });

  it('the period → filled into ranges only', () => {
    expect(withPromPeriod('increase(a{b="[$period]"}[$period])', 60_000)).toBe('increase(a{b="[$period]"}[60s])');
    expect(withPromPeriod('max_over_time(a[$period:])', 1_500)).toBe('max_over_time(a[1500ms:])');
  });

  it('any value of a label → stays one value: it never ends the string or means a pattern', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const [token, ...rest] = promTokens(promString(value));
        expect(rest).toEqual([]);
        expect(token?.kind).toBe('string');
      }),
    );
    expect(promLiteral('a.b|c')).toBe('a\\.b\\|c');
  });
});
