import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/**
 * The few messages of etcd's API v3 (`etcdserverpb/rpc.proto`) that a backup and a look need, described by hand: field numbers
 * are etcd's and never change. Unknown fields are skipped, so newer servers are read as well.
 */

export interface SnapshotChunk {
  /** Bytes of the database that still follow; the trailing hash of 32 bytes is not counted. */
  readonly remaining: number;
  readonly blob: Uint8Array;
}

export interface RangeQuestion {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** As of this revision; 0 is now. */
  readonly revision: number;
  readonly countOnly: boolean;
  readonly limit: number;
}

export interface RangeAnswer {
  /** Of the whole store when it was asked. */
  readonly revision: number;
  readonly count: number;
  readonly entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

export interface StatusAnswer {
  readonly version: string;
  readonly dbSize: number;
  /** Since etcd 3.6; 0 from older ones. */
  readonly dbSizeQuota: number;
  readonly revision: number;
  readonly isLearner: boolean;
  /** Alarms that are raised ("memberID:… alarm:NOSPACE"), and that there is no leader. */
  readonly errors: readonly string[];
  /** Hexadecimal, as etcdctl prints ids; "0": none. */
  readonly memberId: string;
  readonly leader: string;
}

export interface MemberAnswer {
  readonly id: string;
  /** '' until it has started for the first time. */
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

type Read = (reader: BinaryReader) => void;

/** Calls the reader of each known field, in the order of the bytes. */
function fields(bytes: Uint8Array, known: Readonly<Record<number, Read>>): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    const read = known[field];
    if (read) read(reader);
    else reader.skip(wireType, field);
  }
}

export const emptyMessage = (): Buffer => Buffer.alloc(0);

export function fromSnapshotResponse(bytes: Uint8Array): SnapshotChunk {
  let remaining = 0;
  let blob: Uint8Array = new Uint8Array(0);
  fields(bytes, { 2: (r) => (remaining = Number(r.uint64())), 3: (r) => (blob = r.bytes()) });
  return { remaining, blob };
}

export function toRangeRequest({ key, rangeEnd, revision, countOnly, limit }: RangeQuestion): Buffer {
  const writer = new BinaryWriter();
  writer.tag(1, 2).bytes(key).tag(2, 2).bytes(rangeEnd).tag(3, 0).int64(limit).tag(4, 0).int64(revision);
  return Buffer.from(writer.tag(9, 0).bool(countOnly).finish());
}

export function fromRangeResponse(bytes: Uint8Array): RangeAnswer {
  let revision = 0;
  let count = 0;
  const entries: { key: Uint8Array; value: Uint8Array }[] = [];
  fields(bytes, {
    1: (r) => (revision = responseHeader(r.bytes()).revision),
    2: (r) => entries.push(keyValue(r.bytes())),
    4: (r) => (count = Number(r.int64())),
  });
  return { revision, count, entries };
}

export function fromStatusResponse(bytes: Uint8Array): StatusAnswer {
  const status = { version: '', dbSize: 0, dbSizeQuota: 0, isLearner: false, leader: '0', errors: [] as string[] };
  let header = { revision: 0, memberId: '0' };
  fields(bytes, {
    1: (r) => (header = responseHeader(r.bytes())),
    2: (r) => (status.version = r.string()),
    3: (r) => (status.dbSize = Number(r.int64())),
    4: (r) => (status.leader = idOf(r)),
    8: (r) => status.errors.push(r.string()),
    10: (r) => (status.isLearner = r.bool()),
    12: (r) => (status.dbSizeQuota = Number(r.int64())),
  });
  return { ...status, ...header };
}

export function fromMemberListResponse(bytes: Uint8Array): readonly MemberAnswer[] {
  const members: MemberAnswer[] = [];
  fields(bytes, { 2: (r) => members.push(member(r.bytes())) });
  return members;
}

function member(bytes: Uint8Array): MemberAnswer {
  const found = { id: '0', name: '', clientUrls: [] as string[], isLearner: false };
  fields(bytes, {
    1: (r) => (found.id = idOf(r)),
    2: (r) => (found.name = r.string()),
    4: (r) => found.clientUrls.push(r.string()),
    5: (r) => (found.isLearner = r.bool()),
  });
  return found;
}

/** Ids have 64 bits: a number of JavaScript would lose some. */
const idOf = (reader: BinaryReader): string => BigInt(reader.uint64()).toString(16);

function responseHeader(bytes: Uint8Array): { readonly revision: number; readonly memberId: string } {
  const header = { revision: 0, memberId: '0' };
  fields(bytes, {
    2: (r) => (header.memberId = idOf(r)),
    3: (r) => (header.revision = Number(r.int64())),
  });
  return header;
}

function keyValue(bytes: Uint8Array): { key: Uint8Array; value: Uint8Array } {
  const pair = { key: new Uint8Array(0), value: new Uint8Array(0) };
  fields(bytes, {
    1: (r) => (pair.key = new Uint8Array(r.bytes())),
    5: (r) => (pair.value = new Uint8Array(r.bytes())),
  });
  return pair;
}
