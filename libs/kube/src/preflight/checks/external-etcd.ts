import type { EtcdLook, EtcdMember } from '../../backup/etcd/look-at-etcd.js';
import { BEFORE, count, named, type Check, type Found } from '../check.js';
import { spaceLow, tolerance } from './etcd-health.js';

const DAY_MS = 86_400_000;
/** A rolling restart of three members makes three or four: as on the hosts of a stacked one. */
const LEADERS_A_DAY = 6;

/**
 * etcd beside the cluster, by its own API: the agent asks it with the Secret that backups use. The same codes as for a
 * stacked one, whose members' hosts are looked at by node Jobs.
 */
export const externalEtcd: Check = {
  id: 'external-etcd',
  phases: BEFORE,
  needs: ['nodes', 'pods'],
  codes: [
    {
      code: 'etcd_not_looked_at',
      title: 'etcd beside the cluster was not looked at',
      meaning:
        'No etcd runs on the control-plane nodes, so it is an external one, and its members, quorum, alarms, size and leader are not known: the agent was not told where it is, or it could not be asked (then it warns). An alarm or a lost member there stops an upgrade half-way just as well.',
      remedy:
        "Give the agent's chart `externalEtcd.endpoints` and `externalEtcd.secret` (backups need them too); or look yourself: `etcdctl endpoint status --cluster` and `etcdctl alarm list`. By hand: `wavegate-agent etcd --endpoint …`.",
    },
  ],
  run({ nodes, pods }, { etcd, at }) {
    const planes = nodes.filter(({ role }) => role === 'controlPlane').length;
    if (etcd === undefined) {
      // Where no control-plane node is seen, somebody else runs the plane, and its etcd with it.
      const external = planes > 0 && !pods.some(({ component }) => component?.name === 'etcd');
      return external ? [notAsked()] : [];
    }
    return 'whyNot' in etcd ? [notAnswered(etcd.whyNot)] : judged(etcd, planes, at);
  },
};

function notAsked(): Found {
  const message =
    'no etcd runs on the control-plane nodes, and the agent was not told where it is: its members, alarms and size were not looked at';
  const remedy = "give the agent's chart externalEtcd.endpoints and externalEtcd.secret, or look yourself with etcdctl";
  return { code: 'etcd_not_looked_at', object: 'etcd', message, remedy };
}

function notAnswered(whyNot: string): Found {
  const message = `the etcd beside the cluster could not be looked at: ${whyNot}`;
  const remedy = 'mend what keeps it from answering; the backup before the first step would fail on it as well';
  return { code: 'etcd_not_looked_at', severity: 'warn', object: 'etcd', message, remedy };
}

function judged({ members, alarms }: EtcdLook, planes: number, at: number): Found[] {
  const voters = members.filter(({ learner }) => !learner);
  return [
    ...voters.filter(({ silent }) => silent).map((member) => unhealthy(member)),
    ...quorum(voters),
    ...tolerance(voters.length, planes),
    ...raised(alarms),
    ...fullest(members),
    ...leaders(members, at),
  ];
}

function unhealthy({ name, silent }: EtcdMember): Found {
  const message = `etcd member ${name} does not answer: ${silent}`;
  const remedy = 'mend or replace the member before any control-plane step';
  return { code: 'etcd_member_unhealthy', object: name, message, remedy };
}

function quorum(voters: readonly EtcdMember[]): Found[] {
  const answer = voters.filter(({ silent }) => !silent);
  const needed = Math.floor(voters.length / 2) + 1;
  const found = (message: string): Found[] => [
    { code: 'etcd_quorum_at_risk', object: 'etcd', message, remedy: 'mend the silent etcd member first' },
  ];
  if (!answer.some(({ led }) => led)) return found('etcd has no leader: it takes no writes');
  if (answer.length === voters.length || answer.length > needed) return [];
  const have = `etcd has ${count(voters.length, 'member')} and ${answer.length} of them answer`;
  return found(`${have}: with one less it would lose its quorum (${needed} needed)`);
}

function raised(alarms: readonly string[]): Found[] {
  if (alarms.length === 0) return [];
  const message = `etcd has raised an alarm: ${alarms.join(' ')}`;
  const remedy = 'mend what raised it, then: etcdctl alarm disarm';
  return [{ code: 'etcd_alarm_raised', object: 'etcd', message, remedy }];
}

function fullest(members: readonly EtcdMember[]): Found[] {
  const found = members.flatMap(({ name, dbBytes, quotaBytes }) =>
    spaceLow(dbBytes, quotaBytes).map((one) => ({ name, bytes: dbBytes, one })),
  );
  const [worst] = found.sort((a, b) => b.bytes - a.bytes);
  if (!worst) return [];
  const also = found.length > 1 ? ` (the fullest of ${named(found.map(({ name }) => name).sort())})` : '';
  return [{ ...worst.one, message: `${worst.one.message}${also}` }];
}

/** Counted since a member's process began, so over more than a day it is a mean: the least that can be said. */
function leaders(members: readonly EtcdMember[], at: number): Found[] {
  const told = members.flatMap(({ name, leaders: of }) =>
    of ? [{ name, ...of, days: (at - of.since) / DAY_MS }] : [],
  );
  const [most] = told
    .filter(({ count: changes, days }) => changes >= LEADERS_A_DAY * Math.max(1, days))
    .sort((a, b) => b.count - a.count);
  if (!most) return [];
  const since = `${new Date(most.since).toISOString().slice(0, 16)}Z`;
  const message = `etcd's leader changed ${count(most.count, 'time')} since ${since} (counted by ${most.name}): while there is none it takes no writes`;
  const remedy = 'find out why the leader moves (disk, network, CPU), and wait for a quiet day';
  return [{ code: 'etcd_leader_unstable', object: 'etcd', message, remedy }];
}
