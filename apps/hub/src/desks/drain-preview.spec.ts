import { describe, expect, it } from '@jest/globals';
import type { Finding } from '@wavegate/fleet';
import { drainPreviewCsv, toDrainPreview } from './drain-preview.js';

const finding = (of: Partial<Finding>): Finding => ({
  ...{ code: 'pdb_never_allows', severity: 'block', object: 'shop/web', message: 'm', remedy: 'r', owner: 'team-shop' },
  ...of,
});
const preview = (...findings: readonly Finding[]) => {
  const looked = { cluster: 'c-1', state: 'checked', why: null, order: 'o', findings } as const;
  const away = { cluster: 'c-2', state: 'offline', why: 'no agent', order: null, findings: [] } as const;
  return toDrainPreview({ name: 'p', digest: 'd' }, [looked, away]);
};
const rows = (csv: string): string[] => csv.trimEnd().split('\r\n');

describe('the list that is sent out before the drains', () => {
  it('a finding about pods → JSON has them beside it, the CSV a row for each, with node and budget', () => {
    const pods = [
      { pod: 'shop/web-0', node: 'w-1', pdb: 'shop/web' },
      { pod: 'shop/web-1', node: 'w-2', pdb: 'shop/web, shop/too' },
    ];
    const is = preview(finding({ pods }));
    expect(is.owners[0]?.findings[0]?.pods).toEqual(pods);
    expect(rows(drainPreviewCsv(is))).toEqual([
      'owner,severity,code,cluster,object,message,remedy,pod,node,pdb',
      'team-shop,block,pdb_never_allows,c-1,shop/web,m,r,shop/web-0,w-1,shop/web',
      'team-shop,block,pdb_never_allows,c-1,shop/web,m,r,shop/web-1,w-2,"shop/web, shop/too"',
      ',warn,not_checked_offline,c-2,c-2,no agent,,,,',
    ]);
  });

  it('a finding about none, as of an older agent → one row; what begins like a formula is not one', () => {
    const pods = [{ pod: '=cmd', node: 'w-1', pdb: '' }];
    expect(rows(drainPreviewCsv(preview(finding({ code: 'quota_full' }))))[1]).toBe(
      'team-shop,block,quota_full,c-1,shop/web,m,r,,,',
    );
    expect(rows(drainPreviewCsv(preview(finding({ pods }))))[1]).toContain(",'=cmd,w-1,");
  });
});
