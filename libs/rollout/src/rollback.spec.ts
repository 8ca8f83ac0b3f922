import { describe, expect, it } from '@jest/globals';
import { applicableRungs } from './rollback.js';

const hop = (from: string, to: string) => ({ index: 1, of: 1, from, to });

describe('rungs that versions leave open', () => {
  it.each([
    ['one minor, nothing approved: workers only', '1.34.4', '1.35.4', [], [2]],
    ['the patch rung does not undo a minor', '1.34.4', '1.35.4', [3], [2]],
    ['within a minor the older patch can be put back', '1.35.1', '1.35.4', [3], [2, 3]],
    ['an etcd restore is there when a person says so, and only then', '1.34.4', '1.35.4', [6], [2, 6]],
    ['kubelets four minors older than the control plane may not return', '1.31.1', '1.35.4', [], []],
    ['unknown rungs are no rungs', '1.34.4', '1.35.4', [0, 1, 8, 2.5], [2]],
    ['unreadable versions promise nothing', 'main', '1.35.4', [6], []],
  ])('%s', (_, from, to, approved, expected) => {
    expect(applicableRungs(hop(from, to), approved)).toEqual(expected);
  });
});
