import { describe, expect, it } from '@jest/globals';
import type { EtcdLook, EtcdMember } from '../../backup/etcd/look-at-etcd.js';
import type { PreflightContext } from '../preflight-context.js';
import { runChecks } from '../run-checks.js';
import { AT, component, context, node, picture } from '../testing/sound-picture.js';
import { etcdHealth } from './etcd-health.js';
import { externalEtcd } from './external-etcd.js';

const HOUR_MS = 3_600_000;
const planes = (n: number) => Array.from({ length: n }, (_, i) => node(`cp-${i + 1}`, { role: 'controlPlane' }));

function member(name: string, of: Partial<EtcdMember> = {}): EtcdMember {
  return {
    ...{ name, at: `https://${name}:2379`, silent: '', learner: false, led: true, leads: name === 'e-1' },
    ...{ version: '3.6.16', dbBytes: 2 ** 28, quotaBytes: 2 ** 31, leaders: { count: 2, since: AT - HOUR_MS } },
    ...of,
  };
}
const gone = { silent: 'no answer', led: false, version: '', dbBytes: 0, quotaBytes: 0, leaders: null };
const three = (...of: readonly Partial<EtcdMember>[]): EtcdLook => ({
  members: ['e-1', 'e-2', 'e-3'].map((name, n) => member(name, of[n] ?? {})),
  alarms: [],
});

function found(
  etcd: PreflightContext['etcd'],
  pods = [] as ReturnType<typeof component>[],
  nodes = planes(3),
): string[] {
  const asked = context(etcd ? { etcd } : {});
  return runChecks(picture({ nodes, pods }), asked, [externalEtcd]).map(
    ({ severity, code, object }) => `${severity} ${code} ${object}`,
  );
}

describe('an etcd beside the cluster', () => {
  it('the agent was told of none → one information that names what to configure; stacked, or a plane of somebody else → none', () => {
    expect(found(undefined)).toEqual(['info etcd_not_looked_at etcd']);
    const [said] = runChecks(picture({ nodes: planes(1), pods: [] }), context({}), [externalEtcd]);
    expect(said?.remedy).toContain('externalEtcd.endpoints and externalEtcd.secret');
    expect(found(undefined, [component('etcd', 'cp-1')])).toEqual([]);
    expect(found(undefined, [], [])).toEqual([]);
  });

  it('it could not be asked → a warning with the reason', () => {
    expect(found({ whyNot: 'no answer' })).toEqual(['warn etcd_not_looked_at etcd']);
  });

  it.each<[string, EtcdLook, string[]]>([
    ['three that are well', three(), []],
    ['one of three silent', three({}, {}, gone), ['block etcd_member_unhealthy e-3', 'block etcd_quorum_at_risk etcd']],
    [
      'one of five silent',
      { ...three({}, {}, gone), members: [...three({}, {}, gone).members, member('e-4'), member('e-5')] },
      ['block etcd_member_unhealthy e-3'],
    ],
    [
      'all answer and know no leader',
      three({ led: false, leads: false }, { led: false }, { led: false }),
      ['block etcd_quorum_at_risk etcd'],
    ],
    ['an alarm', { ...three(), alarms: ['NOSPACE'] }, ['block etcd_alarm_raised etcd']],
    ['one nearly at its own quota', three({ dbBytes: 1.7 * 2 ** 30 }), ['warn etcd_space_low etcd']],
    ['the same under a quota of 8 GiB', three({ dbBytes: 1.7 * 2 ** 30, quotaBytes: 8 * 2 ** 30 }), []],
    [
      'an older etcd that tells no quota: the default counts',
      three({ dbBytes: 1.7 * 2 ** 30, quotaBytes: 0 }),
      ['warn etcd_space_low etcd'],
    ],
    [
      'six leaders in an hour',
      three({ leaders: { count: 6, since: AT - HOUR_MS } }),
      ['warn etcd_leader_unstable etcd'],
    ],
    ['six leaders in ten days', three({ leaders: { count: 6, since: AT - 240 * HOUR_MS } }), []],
    ['two members', { ...three(), members: three().members.slice(0, 2) }, ['warn etcd_no_fault_tolerance etcd']],
    [
      'a learner that is silent does not vote',
      three({}, {}, { ...gone, learner: true }),
      ['warn etcd_no_fault_tolerance etcd'],
    ],
  ])('%s → %j', (_what, etcd, expected) => expect(found(etcd)).toEqual(expected));

  it('it told its own size → the API server’s figure is not held against a quota that is not its own', () => {
    const metrics = { since: 0, deprecated: [], etcdBytes: 3 * 2 ** 30, shortClientCertificates: 0 };
    const run = (etcd?: EtcdLook) =>
      runChecks(picture({ metrics, pods: [] }), context(etcd ? { etcd } : {}), [etcdHealth]).map(({ code }) => code);
    expect(run(three())).toEqual([]);
    expect(run()).toEqual(['etcd_space_low']);
  });
});
