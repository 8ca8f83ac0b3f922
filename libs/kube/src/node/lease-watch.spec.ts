import { describe, expect, it } from '@jest/globals';
import { LeaseWatch } from './lease-watch.js';

const at = (seconds: number): number => 1_000_000 + seconds * 1000;
const leases = (...renewed: string[]) => renewed.map((text, n) => ({ node: `w-${n + 1}`, renewed: text }));

describe('the leases of nodes', () => {
  it('all are renewed → good since the first look', () => {
    const watch = new LeaseWatch();
    for (let n = 0; n <= 10; n++) expect(watch.look(leases(`a${n}`, `b${n}`), at(10 * n))).toBe(at(0));
  });

  it('one stands still for more than 30 s → not good, and good again only from when it moves', () => {
    const watch = new LeaseWatch();
    watch.look(leases('a', 'b'), at(0));
    watch.look(leases('a1', 'b1'), at(10));
    expect(watch.look(leases('a2', 'b1'), at(40))).toBe(at(0));
    expect(watch.look(leases('a3', 'b1'), at(41))).toBeNull();
    expect(watch.still(at(41))).toEqual(['w-2']);
    expect(watch.look(leases('a4', 'b2'), at(45))).toBe(at(45));
  });

  it('a lease that never moves says nothing, and neither does that of a node that left', () => {
    const watch = new LeaseWatch();
    watch.look(leases('a', 'b'), at(0));
    watch.look(leases('a', 'b1'), at(10));
    expect(watch.look(leases('a'), at(100))).toBe(at(0));
  });
});
