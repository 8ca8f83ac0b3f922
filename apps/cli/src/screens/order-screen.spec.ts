import { describe, expect, it } from '@jest/globals';
import { reason } from '@wavegate/fleet';
import type { DrainPreview } from '../gen/types.gen.js';
import { golden } from '../testing/golden.js';
import { backup, blockingPreflight, ended, reasonView, sampleOrder } from '../testing/sample-order.js';
import { ago, NOW } from '../testing/sample-rollout.js';
import { renderDrainPreview } from './drain-preview-screen.js';
import { renderOrder, renderOrders } from './order-screen.js';
import { renderSchedules } from './schedule-table.js';

const screen = { width: 120, color: false, now: NOW, timeZone: 'UTC' };

describe('an order on the screen', () => {
  it('a drain that waits → every waiting pod with its budget, its owner, and since when', () => {
    const text = renderOrder(sampleOrder(), screen);
    expect(text).toBe(golden('order-drain', text));
  });

  it('a preflight → worst first, what would be right, and who has to look', () => {
    const text = renderOrder(blockingPreflight(), screen);
    expect(text).toBe(golden('order-preflight', text));
  });

  it('a backup → its receipt, where it lies, and what was proven', () => {
    const text = renderOrder(backup(), screen);
    expect(text).toBe(golden('order-backup', text));
  });

  it('a list → one line each, with the newest that is known', () => {
    const refused = reasonView(reason('node_unknown', { node: 'w-9' }));
    const text = renderOrders(
      [
        sampleOrder(),
        sampleOrder({ state: 'open', progress: null, startBy: ago(-8) }),
        sampleOrder({ state: 'refused', ended: true, progress: null, reason: refused }),
        ended({ kind: 'preflight', args: {} }),
        backup(),
      ],
      screen,
    );
    expect(text).toBe(golden('orders', text));
    expect(renderOrders([], screen)).toBe('No order matches.');
  });

  it('what only the hub knows → an order that is held back names the one that came first; a silent agent, since when', () => {
    const first = reasonView(reason('waiting_for_order', { order: '9a8b7c6d5e4f3a2b', kind: 'drain' }));
    const held = renderOrder(sampleOrder({ kind: 'backup', state: 'open', progress: null, waits: first }), screen);
    expect(held).toMatch(/held back .*\n {2}waits for the end of the drain order 9a8b7c6d, which came first/);
    const silent = reasonView(reason('agent_lost', { since: NOW - 300_000 }));
    const lost = renderOrder(sampleOrder({ waits: silent }), screen);
    expect(lost).toContain('agent silent');
    expect(lost.replace(/\s+/g, ' ')).toMatch(
      /the agent is silent since .*; it said last: node w-1: pod payments\/cart-1/,
    );
  });

  it('findings of before and after an upgrade → apart, each under its heading', () => {
    const base = blockingPreflight();
    const findings = base.findings.map((one, n) => (n === 0 ? { ...one, phase: 'after' as const } : one));
    const text = renderOrder({ ...base, findings }, screen);
    expect(text).toMatch(/Before the upgrade:\n {2}BLOCK[^]*After the upgrade:\n {2}WARN/);
  });

  it('the drain preview → by owner, and the clusters that nobody looked at', () => {
    const preview: DrainPreview = {
      ...{ plan: 'k135-autumn', digest: 'ab'.repeat(32), checked: 1 },
      clusters: [
        { cluster: 'dev-muc-2', state: 'checked', why: null },
        { cluster: 'edge-7', state: 'offline', why: 'no agent is connected' },
      ],
      owners: [
        {
          ...{ owner: 'team-ledger', block: 1, warn: 0, clusters: ['dev-muc-2'] },
          findings: [
            {
              ...{ cluster: 'dev-muc-2', code: 'pdb_never_allows', severity: 'block', object: 'payments/ledger' },
              ...{ message: 'minAvailable 3 of 3 replicas', remedy: 'raise replicas to 4' },
              pods: Array.from({ length: 9 }, (_, n) => ({
                ...{ pod: `payments/ledger-${n}`, node: `w-${n}`, pdb: n === 0 ? 'payments/ledger' : '' },
              })),
            },
          ],
        },
      ],
    };
    const text = renderDrainPreview(preview, screen);
    expect(text).toBe(golden('drain-preview', text));
    const clean = renderDrainPreview({ ...preview, owners: [], clusters: [] }, screen);
    expect(clean).toContain('Nothing found that would hold up a drain.');
  });

  it('schedules → what, where, when next, and who was left out last time', () => {
    const text = renderSchedules(
      [
        {
          ...{ id: 's-1', name: 'drill', selector: 'env=prod', rrule: 'FREQ=WEEKLY;BYDAY=SU', start: '03:00' },
          ...{
            timeZone: 'Europe/Berlin',
            kind: 'backup',
            args: { what: 'etcd' },
            createdBy: 'ada',
            createdAt: ago(9000),
          },
          nextAt: ago(-300),
          lastRun: {
            dueAt: ago(1500),
            orders: 11,
            left: [{ cluster: 'edge-7', why: 'busy with the drain order 3f2a' }],
          },
        },
      ],
      screen,
    );
    expect(text).toBe(golden('schedules', text));
  });
});
