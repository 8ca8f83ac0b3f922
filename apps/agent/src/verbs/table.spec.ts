import { describe, expect, it } from '@jest/globals';
import { groupedTable, table } from './table.js';

describe('a table on the screen', () => {
  it('cells of different length → columns stand under each other, no blanks at the end', () => {
    expect(
      table([
        ['POD', 'STATE', ''],
        ['shop/cart-1', 'blocked', 'by cart'],
      ]),
    ).toEqual(['POD          STATE', 'shop/cart-1  blocked  by cart']);
  });

  it('grouped → a headline per group, columns alike over all groups', () => {
    const items = [
      { owner: 'team-a', pod: 'x', state: 'blocked' },
      { owner: 'team-b', pod: 'longer', state: 'evicting' },
      { owner: 'team-a', pod: 'y', state: 'blocked' },
    ];
    expect(groupedTable(items, { group: ({ owner }) => owner, row: ({ pod, state }) => [pod, state] })).toEqual([
      'team-a',
      '  x       blocked',
      '  y       blocked',
      'team-b',
      '  longer  evicting',
    ]);
  });
});
