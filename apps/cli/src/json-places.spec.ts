import { describe, expect, it } from '@jest/globals';
import { jsonPlaces, type JsonPath } from './json-places.js';

const TEXT = String.raw`{ "a \"\u0062": [ 1, [2, -3.5e7], { "x": null } ],
  "s": "}],\\", "t": {}, "u": [],
  "slis": [ { "name": "ü", "after": [[0, 5], [7, 5]] } ] }`;

describe('places in a JSON document', () => {
  it.each<[JsonPath, string]>([
    [[], '{ "a'],
    [['a "b'], '[ 1, [2'],
    [['a "b', 1, 1], '-3.5e7'],
    [['a "b', 2, 'x'], 'null'],
    [['s'], '"}],'],
    [['t'], '{}'],
    [['slis', 0, 'after', 1], '[7, 5]'],
    [['slis', 0, 'after', 9], '[[0, 5]'],
    [['slis', 0, 'objective', 3], '{ "name"'],
    [['nothing', 4], '{ "a'],
  ])('%j → where it begins, or what it is missing from', (path, begins) => {
    const [place = -1] = jsonPlaces(TEXT, [path]);
    expect(TEXT.slice(place).startsWith(begins)).toBe(true);
  });

  it('a name that is there twice → the one that counts for JSON.parse', () => {
    const text = '{"a": 1, "a": 22}';
    expect(jsonPlaces(text, [['a']])).toEqual([text.indexOf('22')]);
  });

  it('a hundred thousand places in a large document → one pass', () => {
    const text = JSON.stringify({ after: Array.from({ length: 100_000 }, (_, n) => [n, n]) });
    const places = jsonPlaces(
      text,
      Array.from({ length: 100_000 }, (_, n) => ['after', n]),
    );
    expect(places.every((place, n) => text.startsWith(`[${n},`, place))).toBe(true);
  });
});
