import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BackupFailed } from '../backup-failed.js';
import { LiveKeys } from './live-keys.js';
import { PLAIN, sampleRank, StoredForms, type StoredForm } from './stored-forms.js';

/**
 * Reads the database inside an etcd snapshot (bbolt's file format, version 2): enough to check every page that can be
 * reached and to count, so that a receipt of level `status` needs no etcd program on the machine. The layout:
 *
 * page     id u64, flags u16, count u16, overflow u32, then its elements; pages 0 and 1 are meta
 * meta     magic, version, page size, flags, root bucket (page, sequence), freelist, high water mark, txid, checksum
 * branch   per element: position u32, key size u32, page u64
 * leaf     per element: flags u32 (1: a bucket), position u32, key size u32, value size u32
 * bucket   root page u64, sequence u64; root 0: the page follows inline
 */
const HEADER = 16;
const ELEMENT = 16;
const MAGIC = 0xed0cdaed;
const FLAG = { branch: 1, leaf: 2 } as const;
const BUCKET = 1;
/** Where the elements of etcd's log of revisions lie. */
const REVISIONS = 'key';

export interface BoltContent {
  /** Newest revision: of the last entry in etcd's bucket `key`. */
  readonly revision: number;
  /** Keys that are alive at that revision, counted as `etcdutl snapshot status` of etcd 3.6 does. */
  readonly totalKeys: number;
  /** Those of them under the prefix asked for. */
  readonly prefixKeys: number;
  readonly pages: number;
  /** Those under the prefix whose values are encrypted at rest, by provider and key: told by the values themselves. */
  readonly encrypted: readonly StoredForm[];
  /** A Secret that is stored in plain; null: there is none, or nothing is encrypted at all. */
  readonly plainSecret: string | null;
}

interface Meta {
  readonly pageSize: number;
  readonly root: number;
  readonly highWater: number;
}

/** Walks the whole tree. Throws BackupFailed `corrupt` with the page and what is wrong with it. */
export function readBoltFile(file: string, prefix: string): BoltContent {
  const descriptor = openSync(file, 'r');
  try {
    return new BoltWalk(file, descriptor, Buffer.from(prefix)).content();
  } finally {
    closeSync(descriptor);
  }
}

interface Sample {
  readonly key: string;
  readonly rank: number;
}

class BoltWalk {
  private readonly meta: Meta;
  private readonly seen: Uint8Array;
  private pages = 0;
  private revision = 0;
  private readonly keys = new LiveKeys();
  private readonly prefixed = new LiveKeys();
  private readonly forms = new StoredForms();
  /** Of the second walk: by form. */
  private samples: Map<number, Sample> | null = null;

  constructor(
    private readonly file: string,
    private readonly descriptor: number,
    private readonly prefix: Buffer,
  ) {
    this.meta = this.newestMeta();
    const { size } = fstatSync(descriptor);
    const { pageSize, highWater } = this.meta;
    if (size < pageSize * highWater) throw this.corrupt(`it ends before page ${Math.floor(size / pageSize)}`);
    this.seen = new Uint8Array(Math.ceil(highWater / 8));
  }

  content(): BoltContent {
    this.walk(this.meta.root, null);
    const { revision, pages } = this;
    if (revision === 0) throw this.corrupt('it holds no revisions: this is not the database of an etcd');
    return { revision, totalKeys: this.keys.count, prefixKeys: this.prefixed.count, pages, ...this.storedForms() };
  }

  /**
   * A key that was first put in one form may since be stored in another: which are still so is only known at the end of
   * the log, so that a sample of each form is a second walk. Where nothing is encrypted there is none.
   */
  private storedForms(): Pick<BoltContent, 'encrypted' | 'plainSecret'> {
    const live = [...this.forms.all()].map((form) => ({ ...form, keys: this.prefixed.countOf(form.number) }));
    const encrypted = live.filter(({ keys }) => keys > 0);
    if (encrypted.length === 0) return { encrypted: [], plainSecret: null };
    const samples = new Map<number, Sample>();
    this.samples = samples;
    this.seen.fill(0);
    this.walk(this.meta.root, null);
    const plain = samples.get(PLAIN);
    return {
      encrypted: encrypted.map(({ number, ...form }) => ({ ...form, sample: samples.get(number)?.key ?? '' })),
      plainSecret: plain?.rank === 0 ? plain.key : null,
    };
  }

  /** `bucket`: null in the root, whose elements are buckets. */
  private walk(id: number, bucket: string | null): void {
    this.mark(id);
    const page = this.page(id);
    this.elements(page, `page ${id}`, bucket);
  }

  private elements(page: Buffer, where: string, bucket: string | null): void {
    const flags = page.readUInt16LE(8);
    const count = page.readUInt16LE(10);
    if (flags !== FLAG.branch && flags !== FLAG.leaf) throw this.corrupt(`${where} is of unknown kind ${flags}`);
    let last: Buffer | null = null;
    for (let index = 0; index < count; index += 1) {
      const at = HEADER + index * ELEMENT;
      if (at + ELEMENT > page.length) throw this.corrupt(`${where} says it has ${count} elements`);
      const key = flags === FLAG.branch ? this.branch(page, at, bucket) : this.leaf(page, at, bucket);
      if (last && Buffer.compare(last, key) >= 0) throw this.corrupt(`the keys of ${where} are out of order`);
      last = key;
    }
  }

  private branch(page: Buffer, at: number, bucket: string | null): Buffer {
    const key = this.slice(page, at + page.readUInt32LE(at), page.readUInt32LE(at + 4));
    this.walk(Number(page.readBigUInt64LE(at + 8)), bucket);
    return key;
  }

  private leaf(page: Buffer, at: number, bucket: string | null): Buffer {
    const from = at + page.readUInt32LE(at + 4);
    const key = this.slice(page, from, page.readUInt32LE(at + 8));
    const value = this.slice(page, from + key.length, page.readUInt32LE(at + 12));
    if (page.readUInt32LE(at) === BUCKET) this.bucket(key.toString(), value);
    else if (bucket === REVISIONS) this.count(key, value);
    return key;
  }

  private bucket(name: string, value: Buffer): void {
    if (value.length < ELEMENT) throw this.corrupt(`bucket ${name} has no root`);
    const root = Number(value.readBigUInt64LE(0));
    if (root !== 0) this.walk(root, name);
    else if (value.length >= ELEMENT + HEADER) this.elements(value.subarray(ELEMENT), `bucket ${name}`, name);
  }

  /** A revision: main u64 (big-endian), `_`, sub u64, and `t` where it ends a key. They come in their order. */
  private count(revision: Buffer, value: Buffer): void {
    if (revision.length < 17) throw this.corrupt('a revision has too short a name');
    this.revision = Number(revision.readBigUInt64BE(0));
    // A restore with `--bump-revision` leaves one empty record, which only says how far the revision was raised.
    if (value.length === 0) return;
    const key = this.keyOf(value);
    const isOurs = key.subarray(0, this.prefix.length).equals(this.prefix);
    const isPut = revision.length === 17;
    if (this.samples) {
      if (isOurs && isPut) this.offer(key, this.forms.numberOf(value), this.samples);
    } else if (isPut) {
      this.keys.put(key);
      if (isOurs) this.prefixed.put(key, this.forms.numberOf(value));
    } else {
      this.keys.remove(key);
      if (isOurs) this.prefixed.remove(key);
    }
  }

  private offer(key: Buffer, form: number, samples: Map<number, Sample>): void {
    const best = samples.get(form);
    if (best?.rank === 0) return;
    const text = key.toString();
    const rank = sampleRank(text, this.prefix.toString());
    if ((best && best.rank <= rank) || this.prefixed.formOf(key) !== form) return;
    samples.set(form, { key: text, rank });
  }

  /** Field 1 of `mvccpb.KeyValue`, which is always written first. */
  private keyOf(value: Buffer): Buffer {
    if (value[0] !== 0x0a) throw this.corrupt('a revision holds no key');
    let length = 0;
    let at = 1;
    for (let shift = 0; ; shift += 7) {
      const byte = value[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) return this.slice(value, at, length);
    }
  }

  private mark(id: number): void {
    if (id < 2 || id >= this.meta.highWater) throw this.corrupt(`it points to page ${id}, which cannot be`);
    const bit = 1 << (id & 7);
    const byte = this.seen[id >> 3] ?? 0;
    if (byte & bit) throw this.corrupt(`page ${id} is used twice`);
    this.seen[id >> 3] = byte | bit;
  }

  private page(id: number): Buffer {
    const { pageSize } = this.meta;
    const first = this.read(id * pageSize, pageSize);
    if (Number(first.readBigUInt64LE(0)) !== id) throw this.corrupt(`page ${id} does not know its own number`);
    const overflow = first.readUInt32LE(12);
    this.pages += overflow + 1;
    if (id + overflow >= this.meta.highWater) throw this.corrupt(`page ${id} reaches beyond the end`);
    return overflow === 0 ? first : this.read(id * pageSize, pageSize * (overflow + 1));
  }

  private read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    const got = readSync(this.descriptor, bytes, 0, length, at);
    if (got < length) throw this.corrupt(`it ends at byte ${at + got}`);
    return bytes;
  }

  private slice(page: Buffer, from: number, length: number): Buffer {
    if (from + length > page.length) throw this.corrupt('an element reaches beyond its page');
    return page.subarray(from, from + length);
  }

  /** Two are kept; the newer one whose checksum is right is the state. */
  private newestMeta(): Meta {
    const first = this.metaAt(0);
    const second = this.metaAt(first?.pageSize ?? 4096);
    const newest = [first, second].filter((meta) => meta !== null).sort((a, b) => b.txid - a.txid)[0];
    if (!newest) throw this.corrupt('it has no valid first page: this is not a snapshot of an etcd');
    return newest;
  }

  private metaAt(at: number): (Meta & { readonly txid: number }) | null {
    const bytes = Buffer.alloc(80);
    if (readSync(this.descriptor, bytes, 0, 80, at) < 80) return null;
    const meta = bytes.subarray(HEADER);
    if (meta.readUInt32LE(0) !== MAGIC || meta.readBigUInt64LE(56) !== fnv1a(meta.subarray(0, 56))) return null;
    return {
      pageSize: meta.readUInt32LE(8),
      root: Number(meta.readBigUInt64LE(16)),
      highWater: Number(meta.readBigUInt64LE(40)),
      txid: Number(meta.readBigUInt64LE(48)),
    };
  }

  private corrupt(what: string): BackupFailed {
    return new BackupFailed('corrupt', `${this.file} is damaged: ${what}`);
  }
}

/** The 64-bit hash that bbolt puts at the end of a meta page. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}
