import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSelectorProblem, matches, parseSelector, requireSelector, selectorKeys, selectorText } from './selector.js';

describe('selector', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['', {}, true],
    ['   ', { any: 'thing' }, true],
    ['env=prod', { env: 'prod' }, true],
    ['env==prod', { env: 'prod' }, true],
    ['env = prod', { env: 'dev' }, false],
    ['env=prod', {}, false],
    ['env!=prod', {}, true],
    ['env!=prod', { env: 'prod' }, false],
    ['env in (dev, staging, prod), team != sandbox', { env: 'prod', team: 'core' }, true],
    ['env in (dev,staging,prod),team!=sandbox', { env: 'prod', team: 'sandbox' }, false],
    ['env notin (dev)', { env: 'prod' }, true],
    ['env notin (dev)', {}, true],
    ['env notin ( dev )', { env: 'dev' }, false],
    ['canary', { canary: '' }, true],
    ['canary', {}, false],
    ['!canary', {}, true],
    ['! canary', { canary: 'true' }, false],
    ['example.com/team=core', { 'example.com/team': 'core' }, true],
    ['env=', { env: '' }, true],
    ['env=,team', { env: 'x', team: 'y' }, false],
    ['in in (notin)', { in: 'notin' }, true],
    ['constructor', {}, false],
  ])('"%s" on %j → %s', (text, labels, expected) => {
    expect(matches(requireSelector(text), labels)).toBe(expected);
  });

  it.each([
    ['env in dev', 7, /"dev" at position 8 where "\(" and a list/],
    ['env in (dev', 11, /the text ends where "," or "\)"/],
    ['env in ()', 8, /a label value such as prod/],
    ['env=prod team=core', 9, /"team" at position 10 where a comma or the end/],
    ['env=prod,', 9, /the text ends where a label key/],
    ['=prod', 0, /where a label key/],
    ['-env=prod', 0, /a label key such as env/],
    ['env=-prod', 4, /a label value such as prod/],
    ['env ~ prod', 4, /one of =, ==, !=, in/],
    ['version > 3', 8, /one of =, ==, !=, in/],
    ['env=prod,,a', 9, /where a label key/],
    ['!', 1, /where a label key/],
  ])('"%s" → refused at %d, saying what would be right', (text, position, right) => {
    const read = parseSelector(text);
    expect(isSelectorProblem(read) && read.problem).toMatch(right);
    expect(read).toMatchObject({ position });
  });

  it('the keys that a selector looks at are named once, sorted', () => {
    expect(selectorKeys(requireSelector('team!=a,env in (x,y),!canary,team'))).toEqual(['canary', 'env', 'team']);
  });

  const key = fc.stringMatching(/^([a-z]{1,5}\.io\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?$/);
  const value = fc.stringMatching(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?$/);
  const requirement = fc.oneof(
    fc.record({ key, op: fc.constantFrom('exists' as const, 'absent' as const), values: fc.constant<string[]>([]) }),
    fc.record({
      key,
      op: fc.constantFrom('in' as const, 'notIn' as const),
      values: fc.oneof(
        value.map((one) => [one]),
        fc.uniqueArray(value.filter(Boolean), { minLength: 2, maxLength: 4 }).map((some) => some.sort()),
      ),
    }),
  );
  const selector = fc.array(requirement, { maxLength: 4 }).map((requirements) => ({ requirements }));

  it('what is printed is read back as the same selector', () => {
    fc.assert(
      fc.property(selector, (given) => {
        expect(parseSelector(selectorText(given))).toEqual(given);
      }),
    );
  });

  it('spaces between the words never change the meaning', () => {
    fc.assert(
      fc.property(selector, (given) => {
        const spaced = selectorText(given)
          .replaceAll(/([=,()]|!=)/g, ' $1 ')
          .replaceAll('!  =', '!=');
        expect(parseSelector(spaced)).toEqual(given);
      }),
    );
  });

  it('any text is either read or refused with a position inside it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const read = parseSelector(text);
        if (isSelectorProblem(read)) expect(read.position).toBeLessThanOrEqual(text.length);
        else expect(parseSelector(selectorText(read))).toEqual(read);
      }),
    );
  });
});
