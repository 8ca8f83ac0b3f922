import { describe, expect, it } from '@jest/globals';
import type { ClusterPicture } from './picture.js';
import { runChecks } from './run-checks.js';
import { sendable } from './run-preflight.js';
import { budget, context, node, picture, pod } from './testing/sound-picture.js';

const found = (of: Partial<ClusterPicture>) => runChecks(picture(of), context());
const about = (of: Partial<ClusterPicture>, code: string) => found(of).find((one) => one.code === code)?.pods;

describe('the pods that a finding is about', () => {
  it('a budget that never allows → each of its pods, with its node and its budget', () => {
    const pods = [pod('a'), pod('b', { node: 'w-2' }), pod('c', { labels: { app: 'other' } })];
    expect(about({ pods, budgets: [budget('web', { maxUnavailable: 0 })] }, 'pdb_never_allows')).toEqual([
      { pod: 'shop/a', node: 'w-1', pdb: 'shop/web' },
      { pod: 'shop/b', node: 'w-2', pdb: 'shop/web' },
    ]);
  });

  it('several budgets on one pod → all are named; no budget → none; about no pod → no list', () => {
    const budgets = [budget('web'), budget('too')];
    expect(about({ pods: [pod('a')], budgets }, 'pod_in_several_pdbs')).toEqual([
      { pod: 'shop/a', node: 'w-1', pdb: 'shop/web, shop/too' },
    ]);
    const lossy = pod('a', { loss: 'emptyDir', fate: { kind: 'refused', why: 'emptyDir' } });
    expect(about({ pods: [lossy] }, 'pod_with_local_data')).toEqual([{ pod: 'shop/a', node: 'w-1', pdb: '' }]);
    const closed = { nodes: [node('w-1', { ready: false })] };
    expect(found(closed).find(({ code }) => code === 'node_not_ready')).not.toHaveProperty('pods');
  });

  it('hundreds of pods → a bounded number is named, and a bounded number is sent: the worst findings’ first', () => {
    const groups = Array.from({ length: 12 }, (_, group) => `g${String(group).padStart(2, '0')}`);
    const pods = groups.flatMap((app) =>
      Array.from({ length: 60 }, (_, n) => pod(`${app}-${n}`, { labels: { app }, workload: `Deployment/${app}` })),
    );
    const budgets = groups.map((app) =>
      budget(app, { maxUnavailable: 0, selector: { matchLabels: { app } }, expected: 60 }),
    );
    const findings = found({ pods, budgets });
    const never = findings.filter(({ code }) => code === 'pdb_never_allows');
    expect(never.map((one) => one.pods?.length)).toEqual(groups.map(() => 50));
    const sent = sendable(findings).map((one) => one.pods?.length ?? 0);
    expect(sent.reduce((sum, n) => sum + n, 0)).toBe(500);
    expect(sent.slice(0, 10)).toEqual(Array(10).fill(50));
  });
});
