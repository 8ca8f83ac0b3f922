import { describe, expect, it } from '@jest/globals';
import { isThisMachine, joinWarnings } from './join-lines.js';

const REACHED = {
  gateway: 'hub.example:8443',
  enrolment: 'hub.example:8444',
  caSha256: 'ab',
  chart: 'oci://registry.example/charts/wavegate-agent',
};

describe('joinWarnings', () => {
  it('addresses that clusters reach and a chart from a registry → nothing to say', () => {
    expect(joinWarnings(REACHED)).toEqual([]);
  });

  it('the default listeners → no pod can dial them, and which settings change that', () => {
    const [warning] = joinWarnings({ ...REACHED, gateway: '127.0.0.1:8443', enrolment: '127.0.0.1:8444' });
    expect(warning).toMatch(/^Only the hub's own machine reaches 127\.0\.0\.1:8443 and 127\.0\.0\.1:8444/);
    expect(warning).toMatch(/WAVEGATE_PUBLIC_GATEWAY and WAVEGATE_PUBLIC_ENROLMENT/);
  });

  it('a chart in a folder → helm looks for it from where it is run', () => {
    expect(joinWarnings({ ...REACHED, chart: 'deploy/charts/agent' })).toEqual([expect.stringMatching(/is a path/)]);
    expect(joinWarnings({ ...REACHED, chart: '/srv/charts/agent' })).toEqual([]);
  });

  it.each(['127.1.2.3:1', 'localhost:1', '[::1]:1', '0.0.0.0:1', '[::]:1'])('%s → this machine', (address) => {
    expect(isThisMachine(address)).toBe(true);
  });

  it.each(['10.0.0.1:1', 'localhost.example:1', '[fd00::1]:1', 'hub:1'])('%s → elsewhere', (address) => {
    expect(isThisMachine(address)).toBe(false);
  });
});
