import { describe, expect, it } from '@jest/globals';
import type { ApiTokenList } from '../gen/types.gen.js';
import { renderTokens } from './token-table.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const screen = { width: 130, color: false, now: NOW, timeZone: 'UTC' };
const before = (hours: number): string => new Date(NOW - hours * 3_600_000).toISOString();

const items: ApiTokenList['items'] = [
  {
    ...{ id: '0a1b2c3d4e5f', name: 'first-admin', role: 'admin', scope: '' },
    ...{ createdBy: 'hub', createdAt: before(50), lastUsedAt: before(0), revokedAt: null },
  },
  {
    ...{ id: 'ffee00112233', name: 'ci', role: 'operator', scope: 'env in (dev,stg)' },
    ...{ createdBy: 'ada', createdAt: before(3), lastUsedAt: null, revokedAt: before(1) },
  },
];

describe('API tokens on the screen', () => {
  it('each says who, what, how far, when last used, and whether it still works', () => {
    expect(
      renderTokens({ items }, screen)
        .split('\n')
        .map((line) => line.trimEnd()),
    ).toEqual([
      'ID            NAME         ROLE      SCOPE             MADE       BY   LAST USED  STATE',
      '0a1b2c3d4e5f  first-admin  admin     all clusters      2d 2h ago  hub  0s ago     valid',
      'ffee00112233  ci           operator  env in (dev,stg)  3h ago     ada  never      revoked 1h ago',
    ]);
  });
});
