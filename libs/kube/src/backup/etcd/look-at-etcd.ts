import { messageOf } from '../backup-failed.js';
import { readTls, type EtcdAccess } from './etcd-access.js';
import { EtcdClient, type EtcdTls } from './etcd-client.js';
import { leaderChanges, type LeaderChanges } from './etcd-leaders.js';
import type { MemberAnswer, StatusAnswer } from './messages.js';

/** An etcd as its own API tells of it, member by member. */
export interface EtcdLook {
  /** By name. */
  readonly members: readonly EtcdMember[];
  /** NOSPACE, CORRUPT: raised by whichever member. */
  readonly alarms: readonly string[];
}

export interface EtcdMember {
  readonly name: string;
  /** The client URL that it was asked at. */
  readonly at: string;
  /** '' where it answered. */
  readonly silent: string;
  readonly learner: boolean;
  /** It knows of a leader. */
  readonly led: boolean;
  readonly leads: boolean;
  readonly version: string;
  readonly dbBytes: number;
  /** 0: it did not say (before etcd 3.6). */
  readonly quotaBytes: number;
  /** Null: its metrics were not to be had. */
  readonly leaders: LeaderChanges | null;
}

/** What one address answered. */
interface Asked {
  readonly at: string;
  readonly status: StatusAnswer | null;
  readonly members: readonly MemberAnswer[];
  readonly silent: string;
}

/**
 * Every member is asked by itself: at the endpoints given, and those that are none of them at the URLs that the others
 * know them by. Changes nothing. Throws what the first endpoint said when none answers.
 */
export async function lookAtEtcd(access: EtcdAccess): Promise<EtcdLook> {
  const tls = readTls(access);
  const given = await Promise.all(access.endpoints.map((at) => ask(at, tls)));
  const known = given.find(({ members }) => members.length > 0)?.members;
  if (!known) throw new Error(given[0]?.silent ?? 'no --endpoint was given');
  const seen = await Promise.all(known.map((member) => seenOf(member, given, tls)));
  const errors = seen.flatMap(({ asked }) => asked.status?.errors ?? []);
  const alarms = errors.flatMap((error) => /alarm:([A-Z]+)/.exec(error)?.[1] ?? []);
  const members = await Promise.all(seen.map(({ member, asked }) => toMember(member, asked, tls)));
  return {
    members: members.sort((a, b) => (a.name < b.name ? -1 : 1)),
    alarms: [...new Set(alarms)].filter((alarm) => alarm !== 'NONE').sort(),
  };
}

async function ask(at: string, tls: EtcdTls | null): Promise<Asked> {
  let client: EtcdClient | null = null;
  try {
    client = new EtcdClient(at, at.startsWith('http:') ? null : tls);
    const [status, members] = await Promise.all([client.status(), client.members()]);
    return { at, status, members, silent: '' };
  } catch (error) {
    return { at, status: null, members: [], silent: messageOf(error) };
  } finally {
    client?.close();
  }
}

async function seenOf(member: MemberAnswer, given: readonly Asked[], tls: EtcdTls | null) {
  const answered = given.find(({ status }) => status?.memberId === member.id);
  if (answered) return { member, asked: answered };
  const silent = given.find(({ at, status }) => !status && member.clientUrls.some((url) => sameAddress(url, at)));
  if (silent) return { member, asked: silent };
  const unsaid: Asked = {
    at: '',
    status: null,
    members: [],
    silent: 'it has told no client URL yet: it never started',
  };
  let asked = unsaid;
  for (const url of member.clientUrls) {
    asked = await ask(url, tls);
    // Another one's answer is none of this member's: behind a balancer all have one address.
    if (asked.status?.memberId === member.id) break;
    if (asked.status)
      asked = { ...unsaid, at: url, silent: `another member answers at ${url}: it cannot be asked by itself` };
  }
  return { member, asked };
}

function sameAddress(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).host === new URL(other).host;
}

async function toMember(member: MemberAnswer, { at, status, silent }: Asked, tls: EtcdTls | null): Promise<EtcdMember> {
  const known = { name: member.name || member.id, at, learner: member.isLearner };
  if (!status) {
    const nothing = { led: false, leads: false, version: '', dbBytes: 0, quotaBytes: 0, leaders: null };
    return { ...known, ...nothing, silent };
  }
  const { leader, version, dbSize: dbBytes, dbSizeQuota: quotaBytes } = status;
  const leads = leader === member.id;
  const leaders = await leaderChanges(at, tls);
  return { ...known, silent: '', led: leader !== '0', leads, version, dbBytes, quotaBytes, leaders };
}
